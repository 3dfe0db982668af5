"""One commune's edge of a fleet over HTTP: batches of line protocol, kept until a 204 confirms them."""

import random
import secrets
import threading
import time
import zlib
from collections.abc import Sequence

import urllib3

from edge_api.api.view import LANE_HEADER
from edge_api.lineprotocol import encode_fields, series
from edge_api.upstream.answers import Action, of_answer
from gateway.feed import TYPES
from gateway.feed.communes import Commune
from sensors.sample import Observation, Value
from simulators.fleet.assets import Asset, marks
from simulators.fleet.held import Held, Item

BATCH = 2_000  # lines in one request: some 400 kB, 40 gzipped
PAUSE_FIRST_S, PAUSE_MOST_S = 0.5, 30.0
BETWEEN_S = 0.05  # two batches of a backlog: the parent paces it, by 429
TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)


class HttpEdge:
    """Takes readings; a thread of its own posts them every `batch_s`, new ones before what waited."""

    def __init__(
        self,
        commune: Commune,
        assets: Sequence[Asset],
        pool: urllib3.PoolManager,
        url: str,
        token: str,
        batch_s: float,
    ) -> None:
        self.gw = assets[0].name
        self.ep = secrets.token_hex(3)
        self.held = Held()
        self.refusal: str | None = None
        self._commune = commune
        self._pool = pool
        self.redirect(url)
        self._headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        if token:
            self._headers["Authorization"] = f"Token {token}"
        self._batch_s = batch_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"edge {commune.code}", daemon=True)

    def start(self) -> None:
        """Start posting."""
        self._thread.start()

    def redirect(self, url: str) -> None:
        """Write to that edge or database from now on."""
        self._url = f"{url.rstrip('/')}/api/v2/write?org=commune&bucket=commune&precision=ns"

    def take(self, asset: Asset, ts_ns: int, seen: Observation) -> None:
        """Number a reading and keep it until it is in custody."""
        seq = self.held.counts.taken + 1
        tags = {
            "asset": asset.name,
            "commune": self._commune.code,
            "domain": TYPES[asset.type].domain,
            "province": self._commune.province,
        }
        known: dict[str, Value] = {"gw": self.gw, "ep": self.ep, "seq": seq, **marks(seen)}
        line = f"{series(asset.type, tags)} {encode_fields(seen.fields | known)} {ts_ns}\n"
        self.held.take(Item(seq, asset.path, ts_ns, line.encode()))

    def pump(self) -> None:
        """Nothing to do: its thread sends."""

    def stop(self) -> None:
        """Post no more; what is not in custody goes with the process."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def _run(self) -> None:
        pause_s = PAUSE_FIRST_S
        wait_s = random.uniform(0, self._batch_s)  # noqa: S311 - spreads the edges
        live_at = backlog_at = 0.0
        while not self._stop.wait(wait_s):
            now = time.monotonic()
            lane, items = "live", self.held.live(BATCH) if now >= live_at else []
            if items:
                live_at = now + self._batch_s
            elif now >= backlog_at:
                lane, items = "backlog", self.held.waiting(BATCH)
            wait_s = BETWEEN_S if self.held.backlog and now >= backlog_at else self._batch_s
            if not items:
                continue
            asked_s = self._post(items, lane)
            if asked_s is None:
                pause_s = PAUSE_FIRST_S
                continue
            self.held.back(items)
            if asked_s and lane == "backlog":
                backlog_at = time.monotonic() + asked_s  # what is new need not wait for it
            else:
                wait_s = asked_s or pause_s * random.uniform(0.5, 1)  # noqa: S311 - spreads the edges
                pause_s = min(pause_s * 2, PAUSE_MOST_S)

    def _post(self, items: list[Item], lane: str) -> float | None:
        """Send a batch; return None when it is confirmed, else the seconds to wait, 0 for no advice."""
        packer = zlib.compressobj(1, wbits=31)
        body = b"".join([packer.compress(b"".join([item.body for item in items])), packer.flush()])
        headers = {**self._headers, LANE_HEADER: lane}
        try:
            answer = self._pool.request(
                "POST", self._url, body=body, headers=headers, timeout=TIMEOUT, retries=False
            )
        except urllib3.exceptions.HTTPError as error:
            self.refusal = str(error)
            return 0.0
        if answer.status == 204:
            self.refusal = None
            self.held.confirm(items)
            return None
        refusal = of_answer(answer.status, dict(answer.headers), answer.data)
        self.refusal = refusal.reason
        return refusal.retry_after_s or (PAUSE_MOST_S if refusal.action is Action.REFUSE else 0.0)
