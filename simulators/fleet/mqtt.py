"""One node of a fleet over MQTT: as a real one it publishes, hears custody, and sends again what stalls."""

import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from gateway.feed import Custody, FeedError, Topic, encode
from gateway.feed.bodies import decode
from gateway.feed.communes import Commune
from gateway.feed.link import Link, Message, Settings, Will
from sensors.sample import Observation
from simulators.fleet.assets import Asset, body
from simulators.fleet.held import Held, Item

WINDOW = 200  # PUBACKs outstanding, as a real node has
UNCONFIRMED = 5_000  # sent and not in custody: past this, more would only fill the broker's queue
RETAINED_A_PUMP = 5  # a province's metas all at once would hold up its readings
STALL_FIRST_S, STALL_MOST_S = 5.0, 120.0


class MqttNode:
    """Takes readings, sends what custody asks for; `pump` is called often, by one thread."""

    def __init__(
        self, commune: Commune, assets: Sequence[Asset], broker: Settings, every_s: float, *, states: bool
    ) -> None:
        self.gw = assets[0].name
        self.ep = secrets.token_hex(3)
        self.held = Held()
        self.refusal: str | None = None
        self._commune = commune
        self._assets = assets
        self._every_s = every_s
        self._states = states
        self._said: deque[tuple[str, bytes]] = deque()
        self._out: set[int] = set()
        self._early: set[int] = set()
        self._lock = threading.Lock()
        self._fresh = False
        self._sent_unconfirmed = 0
        self._stalled = False
        self._stall_s, self._moved_at = STALL_FIRST_S, time.monotonic()
        client_id = f"node-{commune.code}-{self.gw}"
        will = Will(self._topic(f"gateway/{self.gw}", "status"), b"offline")
        self.link = Link(
            replace(broker, client_id=client_id, will=will),
            on_up=self._up,
            on_down=lambda _: self._clear(),
            on_message=self._heard,
            on_puback=self._acked,
        )

    def take(self, asset: Asset, ts_ns: int, seen: Observation) -> None:
        """Number a reading and keep it until it is in custody."""
        seq = self.held.counts.taken + 1
        payload = body(asset, ts_ns, (self.gw, self.ep, seq), seen)
        self.held.take(Item(seq, asset.path, ts_ns, payload))
        if self._states and self.link.up:
            self._said.append((f"{asset.path}/state", payload))

    def pump(self) -> None:
        """Send what is due, as far as the window lets it through."""
        if not self.link.up:
            return
        if self._fresh:
            self._begin()
        while (room := WINDOW - len(self._out)) > 0:
            items = self.held.live(room)
            if not items and not self._stalled and self._sent_unconfirmed < UNCONFIRMED:
                items = self.held.waiting(room)
            if not items:
                break
            if not self._sent_unconfirmed:
                self._moved_at = time.monotonic()  # custody has had nothing to move for until now
            sent = [item for item in items if self._send(f"{item.path}/telemetry", item.body)]
            self._sent_unconfirmed += len(sent)
            if len(sent) < len(items):
                self.held.back([item for item in items if item not in sent])
                break
        self._say()
        self._ask_when_stalled()

    def stop(self) -> None:
        """Say good-bye; what is not in custody goes with the process."""
        if self.link.up:
            self._send(f"gateway/{self.gw}/status", b"offline", retain=True)
        self.link.stop()

    def _begin(self) -> None:
        self._fresh = self._stalled = False
        self.held.back_all()
        self._sent_unconfirmed, self._moved_at = 0, time.monotonic()
        self._said.clear()
        for asset in self._assets:
            meta = asset.meta(self.gw, self._every_s)
            if asset.name == self.gw:
                meta.ep, meta.held = self.ep, self.held.lowest
            self._said.append((f"{asset.path}/meta", encode(meta)))
            self._said.append((f"{asset.path}/status", b"online"))

    def _say(self) -> None:
        for _ in range(min(RETAINED_A_PUMP, len(self._said), WINDOW - len(self._out))):
            path, said = self._said.popleft()
            self._send(path, said, retain=True)

    def _ask_when_stalled(self) -> None:
        now = time.monotonic()
        if not self._sent_unconfirmed or now - self._moved_at <= self._stall_s:
            return
        self._stalled, self._moved_at = True, now
        self._stall_s = min(self._stall_s * 2 * random.uniform(0.9, 1.1), STALL_MOST_S)  # noqa: S311
        oldest = self.held.oldest()
        if oldest is not None:
            self._send(f"{oldest.path}/telemetry", oldest.body)

    def _send(self, path: str, payload: bytes, *, retain: bool = False) -> bool:
        domain_asset, _, channel = path.rpartition("/")
        number = self.link.publish(self._topic(domain_asset, channel), payload, retain=retain)
        if number is None:
            return False
        with self._lock:
            if number in self._early:  # the PUBACK has overtaken us
                self._early.discard(number)
            else:
                self._out.add(number)
        return True

    def _topic(self, path: str, channel: str) -> str:
        domain, _, asset = path.partition("/")
        return str(Topic(self._commune.province, self._commune.code, domain, asset, channel))

    def _up(self, link: Link) -> None:
        self._clear()
        link.subscribe([self._topic(f"gateway/{self.gw}", "custody")])

    def _clear(self) -> None:
        with self._lock:
            self._out.clear()
            self._early.clear()
        self._fresh = True

    def _acked(self, number: int, error: str | None) -> None:
        self.refusal = error
        with self._lock:
            if number in self._out:
                self._out.discard(number)
            else:
                self._early.add(number)

    def _heard(self, message: Message) -> None:
        message.ack()
        try:
            said = decode(message.payload, Custody)
        except FeedError as error:
            self.refusal = f"{message.topic}: {error}"
            return
        if (said.gw, said.ep) != (self.gw, self.ep) or said.seq > self.held.counts.taken:
            return
        moved = self.held.confirm_through(said.seq)
        if moved:
            if self._stalled:
                self.held.back_all()  # how much was lost on the way is not known
                self._sent_unconfirmed = 0
            self._sent_unconfirmed = max(0, self._sent_unconfirmed - moved)
            self._moved_at, self._stall_s, self._stalled = time.monotonic(), STALL_FIRST_S, False
