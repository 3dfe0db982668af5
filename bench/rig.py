"""One round: a fresh broker, a fresh upstream behind a tap, one contender, and what all of it did."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.contenders import Broker, Contender, Places
from bench.load import KINDS, START_NS
from bench.meter import Use, use
from bench.writer import connect, packet
from tests.parts.http import ask
from tests.parts.influxd import InfluxDB
from tests.parts.ports import free_port
from tests.parts.victoria import VictoriaMetrics
from tests.parts.wait import until

Figures = dict[str, float]

_ARRIVE_S = 600.0
_STILL_S = 3.0  # nothing has come for so long: perhaps that was all
_GONE_S = 20.0  # nothing has come for so long: that was all
_SETTLE_S = 1.0
_LOOK_S = 0.05
_SETTLED_S = 30.0
_CALM_S, _CALM_SHARE = 1.0, 0.05  # so long with less than so much of a core: it is done
_WARM = (
    b'{"v":1,"type":"Device","ts":"2026-11-23T00:00:00.000Z","gw":"warm","ep":"aa","seq":%d,"q":"good",'
    b'"rssi":1}'
)


class Helper:
    """A process of the bench's own: it says when it is ready, is told to go, and says how it went."""

    def __init__(self, module: str, **options: object) -> None:
        words = [f"--{name}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"bench.{module}", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> None:
        """Wait until it has made what it will send."""
        if self._line() != "ready":
            raise RuntimeError("the helper is not ready")

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def facts(self) -> dict[str, Any]:
        """Wait until it has done what it was told to, and return what it says of it."""
        facts: dict[str, Any] = json.loads(self._line())
        return facts

    def end(self) -> None:
        """End it, however far it is."""
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"the helper ended: {self._process.wait()}")
        return line


class Watch:
    """Looks all the time how much has come upstream, so that a rate can be told without its last group.

    Whoever waits for company (a second and a half, 100 ms, 5,000 readings) waits with the last of a load
    too, which says nothing of its rate.
    """

    SHARE = 0.95
    """Of the load: the rate is that of its first nineteen twentieths, for all contenders alike."""

    def __init__(self, rig: "Rig") -> None:
        self._rig = rig
        self._seen = [(time.monotonic(), rig.rows())]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self._seen.append((time.monotonic(), self._rig.rows()))

    def per_s(self, count: int, began: float) -> float:
        """End it when all has come; return the rate of the load's first part since `began`."""
        self._stop.set()
        self._thread.join()
        first, last = self._seen[0][1], self._seen[-1][1]
        goal = first + (last - first) * self.SHARE
        at, rows = next(each for each in self._seen if each[1] >= goal)
        return count * (rows - first) / (last - first) / (at - began)


class Database(VictoriaMetrics):
    """A VictoriaMetrics that counts a reading once, however often it came."""

    def arguments(self) -> list[str]:
        """Ask for it: one value a millisecond and series."""
        return [*super().arguments(), "-dedup.minScrapeInterval=1ms"]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


class Rig:
    """What stands around a contender."""

    def __init__(self, stack: ExitStack, *, feed: bool, tapped: bool, database: str = "victoria") -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="commune-bench-")))
        self.broker = stack.enter_context(Broker()) if feed else None
        self.database: VictoriaMetrics | InfluxDB
        self.database = Database() if database == "victoria" else InfluxDB()
        stack.enter_context(self.database)
        self.tap = 0
        if tapped:
            self.tap = free_port()
            command = [sys.executable, "-m", "bench.tap", f"--port={self.tap}"]
            tap = subprocess.Popen([*command, f"--behind={self.database.port}"])
            stack.callback(_end, tap)
            until(self._tapped, within_s=30, what="the tap")
        self.places = Places(
            self.folder / "contender",
            self.broker.port if self.broker else 0,
            self.tap or self.database.port,
            "v2" if database == "victoria" else "v1",
        )

    def _tapped(self) -> bool:
        try:
            return ask(self.tap, "GET", "/tap").status == 200
        except OSError:
            return False

    def stored(self, *, all_of: bool = False) -> int:
        """Count what the upstream holds of the load, by asking it; `all_of`: of readings of any type."""
        if isinstance(self.database, InfluxDB):
            return sum(self.database.count(kind, "seq") for kind in KINDS)
        ask(self.database.port, "GET", "/internal/force_flush")
        names = ".+_seq" if all_of else "|".join(f"{kind}_seq" for kind in KINDS)
        params = {"query": f'sum(count_over_time({{__name__=~"{names}"}}[10y]))', "nocache": "1"}
        answer = ask(self.database.port, "GET", "/api/v1/query", {**params, "time": str(time.time() + 9e6)})
        result = json.loads(answer.body)["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def rows(self) -> float:
        """Return a counter of the upstream that grows with all that it takes."""
        if isinstance(self.database, InfluxDB):
            stats = json.loads(ask(self.database.port, "GET", "/debug/vars").body)
            return float(
                sum(v["values"].get("pointsWrittenOK", 0) for k, v in stats.items() if k.startswith("httpd"))
            )
        return self.database.metric("vm_rows_inserted_total")

    def warm(self, contender: Contender) -> float:
        """Feed readings of no account until one has arrived; return the seconds that it took."""
        began = time.monotonic()
        before = self.rows()
        n = 0
        while self.rows() <= before:
            n += 1
            if self.broker is not None:
                topic = "ntm/v1/42/18000/gateway/warm/telemetry"
                wire = connect(self.broker.port, "warm")
                wire.sendall(packet(topic, _WARM % n, 1))
                wire.recv(4)
                wire.close()
            else:
                self._post(contender.port, n)
            if time.monotonic() - began > 120 or not contender.running:
                raise RuntimeError(f"{contender.name} takes nothing:\n{contender.log[-3000:]}")
            time.sleep(_LOOK_S)
        taken = time.monotonic() - began
        self.still(limit_s=20)
        time.sleep(_SETTLE_S)
        return taken

    @staticmethod
    def _post(port: int, n: int) -> None:
        try:
            params = {"org": "commune", "bucket": "commune", "precision": "ms"}
            ask(port, "POST", "/api/v2/write", params, f"warm v={n} {n}\n".encode())
        except OSError:
            pass  # not there yet

    def arrived(self, count: int) -> float:
        """Wait until `count` readings are stored, or nothing has come for long; return when the last came."""
        last = self.still()
        if self.stored() < count:
            last = self.still(quiet_s=_GONE_S)
        return last

    def still(self, *, limit_s: float = _ARRIVE_S, quiet_s: float = _STILL_S) -> float:
        """Wait until nothing more comes; return when the last came (CLOCK_MONOTONIC)."""
        last, at = self.rows(), time.monotonic()
        end = at + limit_s
        while time.monotonic() - at < quiet_s and time.monotonic() < end:
            time.sleep(_LOOK_S)
            now = self.rows()
            if now != last:
                last, at = now, time.monotonic()
        return at

    def wire_bytes(self) -> int:
        """Return the bytes that have gone to the upstream, headers included."""
        return int(json.loads(ask(self.tap, "GET", "/tap").body)["wire_bytes"])

    def times(self) -> dict[int, float]:
        """Return when the 204 came that covers each reading, by its number in the load."""
        found: dict[int, float] = {}
        for at, times_ms in json.loads(ask(self.tap, "GET", "/tap/times").body):
            for ms in times_ms:
                found.setdefault(ms - START_NS // 1_000_000, at)
        return found


@contextmanager
def round_of(
    kind: type[Contender], *, feed: bool, tapped: bool = False, database: str = "victoria"
) -> Iterator[tuple[Rig, Contender, float]]:
    """Set up a round; yield the rig, the contender, and its seconds until a first reading was through."""
    with ExitStack() as stack:
        rig = Rig(stack, feed=feed, tapped=tapped, database=database)
        began = time.monotonic()
        contender = stack.enter_context(kind(rig.places))
        rig.warm(contender)
        yield rig, contender, time.monotonic() - began


def spent(before: Use, after: Use, count: int) -> Figures:
    """Return what a load of so many readings has cost."""
    return {
        "cpu_s_per_million": (after.cpu_s - before.cpu_s) / count * 1e6,
        "written_bytes": (after.written - before.written) / count,
        "rss_mb": after.rss_mb,
        "peak_mb": after.peak_mb,
    }


def settled(contender: Contender, limit_s: float = _SETTLED_S) -> Use:
    """Wait until a contender has nothing left to do of what it took; return what it has used by then.

    An edge writes its history later than it relays: a load is paid for when that is done too.
    """
    before, end = used(contender), time.monotonic() + limit_s
    while time.monotonic() < end:
        time.sleep(_CALM_S)
        now = used(contender)
        if now.cpu_s - before.cpu_s < _CALM_SHARE * _CALM_S:
            return now
        before = now
    return before


def used(contender: Contender) -> Use:
    """Return what a contender has used so far."""
    return use(contender.pid)
