"""Runs a fleet in real time: readings fall due evenly, and at the end all must be in custody."""

import json
import resource
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Protocol

import urllib3

from gateway.feed import link
from gateway.feed.communes import Commune, communes
from sensors.errors import ConfigError
from sensors.sample import Observation
from sensors.settings import Seconds, Settings, convert
from simulators.fleet.assets import DOUBTFUL_EVERY, Asset, commune_assets
from simulators.fleet.held import Held
from simulators.fleet.http import HttpEdge
from simulators.fleet.mqtt import MqttNode

TICK_S = 0.05
SAY_EVERY_S = 10.0
SHORTEST_S = 0.1
LATE_S = 1.0  # a reading taken later than this after its time: the machine does not keep up


class Member(Protocol):
    """One commune of a fleet, over whatever it sends."""

    held: Held
    refusal: str | None

    def take(self, asset: Asset, ts_ns: int, seen: Observation) -> None:
        """Number a reading and keep it until it is in custody."""

    def pump(self) -> None:
        """Send what is due; called often."""

    def stop(self) -> None:
        """End its connection."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a fleet did. `cores` is processor time by real time; `waiting` is not in custody yet."""

    communes: int
    assets: int
    seconds: float
    taken: int
    in_custody: int
    waiting: int
    resent: int
    late: int
    cores: float
    rss_mb: float
    refusals: list[str]


class Fleet:
    """Members and the rhythm of their readings: reading n is due n * every / assets after the start."""

    def __init__(
        self,
        members: Sequence[Member],
        assets: Sequence[Sequence[Asset]],
        every_s: float,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._members = members
        pairs = zip(members, assets, strict=True)
        columns = [[(member, each) for each in owned] for member, owned in pairs]
        # round robin: no commune has all its readings in one second
        self._order = [pair for row in zip_longest(*columns) for pair in row if pair is not None]
        self._every_s = every_s
        self._now = now
        self._began, self._cpu = now(), time.process_time()
        self._wall_ns = int(wall() * 1000) * 1_000_000
        self._number = 0
        self._late = 0

    def elapsed_s(self) -> float:
        """Return the seconds since the start."""
        return self._now() - self._began

    def step(self, until_s: float) -> None:
        """Take all readings due `until_s` seconds after the start, and let each member send."""
        count = len(self._order)
        while (due_s := self._number * self._every_s / count) <= until_s:
            member, asset = self._order[self._number % count]
            # InfluxDB, and the feed's ts, know milliseconds: one asset's readings must stay apart by them
            ts_ns = self._wall_ns + int(due_s * 1000) * 1_000_000
            doubtful = self._number % DOUBTFUL_EVERY == DOUBTFUL_EVERY - 1
            member.take(asset, ts_ns, asset.observe(ts_ns / 1e9, doubtful=doubtful))
            self._number += 1
            self._late += self.elapsed_s() - due_s > LATE_S
        for member in self._members:
            member.pump()

    def run(
        self, stop: threading.Event, for_s: float | None, drain_s: float, say: Callable[[Facts], None]
    ) -> Facts:
        """Take readings until told or for so long, then drain; return what became of them."""
        said_at = self._now()
        while not stop.wait(TICK_S):
            elapsed_s = self.elapsed_s()
            if for_s is not None and elapsed_s >= for_s:
                self.step(for_s)
                break
            self.step(elapsed_s)
            if self._now() - said_at >= SAY_EVERY_S:
                said_at = self._now()
                say(self.facts())
        deadline = self._now() + drain_s
        pause = threading.Event()
        while any(len(member.held) for member in self._members) and self._now() < deadline:
            for member in self._members:
                member.pump()
            pause.wait(TICK_S)
        found = self.facts()
        for member in self._members:
            member.stop()
        return found

    def facts(self) -> Facts:
        """Return how things stand."""
        seconds = self.elapsed_s()
        counts = [member.held.counts for member in self._members]
        taken, in_custody = (sum(getattr(each, name) for each in counts) for name in ("taken", "in_custody"))
        refusals = sorted({member.refusal for member in self._members if member.refusal})
        return Facts(
            communes=len(self._members),
            assets=len(self._order),
            seconds=round(seconds, 1),
            taken=taken,
            in_custody=in_custody,
            waiting=taken - in_custody,
            resent=sum(each.resent for each in counts),
            late=self._late,
            cores=round((time.process_time() - self._cpu) / max(seconds, 1e-9), 3),
            rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            refusals=refusals[:5],
        )


def over_mqtt(
    count: int, assets: int, every_s: float, broker: link.Settings, *, states: bool
) -> tuple[list[MqttNode], list[list[Asset]]]:
    """Make and connect the nodes of so many communes; raise ConfigError when there are not so many."""
    found = [(each, commune_assets(f"gw-{each.code}", assets)) for each in _first(count)]
    nodes = [MqttNode(each, its, broker, every_s, states=states) for each, its in found]
    for node in nodes:
        node.link.start()
    return nodes, [its for _, its in found]


def over_http(
    count: int, assets: int, url: str, token: str, batch_s: float
) -> tuple[list[HttpEdge], list[list[Asset]]]:
    """Make and start the edges of so many communes; raise ConfigError when there are not so many."""
    found = [(each, commune_assets(f"gw-{each.code}", assets)) for each in _first(count)]
    pool = urllib3.PoolManager(maxsize=count)
    edges = [HttpEdge(each, its, pool, url, token, batch_s) for each, its in found]
    for edge in edges:
        edge.start()
    return edges, [its for _, its in found]


def broker_settings(address: str, username: str | None, password_file: Path | None) -> link.Settings:
    """Read --broker HOST:PORT and its login; raise ConfigError that says what would be right."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigError(f"--broker {address!r}: write HOST:PORT, such as 127.0.0.1:1883")
    password = None if password_file is None else secret(password_file, "--password-file")
    return link.Settings(host=host, port=int(port), client_id="fleet", username=username, password=password)


def secret(file: Path, option: str) -> str:
    """Read a secret from its file, without the line's end; raise ConfigError when that fails."""
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} {file}: cannot be read: {error}") from None


def span(option: str, text: str) -> float:
    """Read a time span of 0.1 s or more, such as 60s or 5min; raise ConfigError that names the option."""
    seconds = float(convert({"span": text}, _Span, f"{option}: ").span)
    if seconds < SHORTEST_S:
        raise ConfigError(f"{option} {text!r}: at least {SHORTEST_S:g} s")
    return seconds


class _Span(Settings, frozen=True):
    span: Seconds


def stop_on_signals() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def as_line(facts: Facts) -> str:
    """Write the facts as one line of JSON."""
    return json.dumps(asdict(facts), ensure_ascii=False)


def as_words(facts: Facts) -> str:
    """Write the facts as a line for a log."""
    words = (
        f"{facts.seconds:.0f} s: {facts.communes} communes, {facts.assets} assets; taken {facts.taken},"
        f" in custody {facts.in_custody}, waiting {facts.waiting}, resent {facts.resent}, late {facts.late};"
        f" {facts.cores:.2f} cores, {facts.rss_mb:.0f} MB"
    )
    return "; ".join([words, *facts.refusals])


def _first(count: int) -> list[Commune]:
    known = communes()
    if not 1 <= count <= len(known):
        raise ConfigError(f"--communes {count}: there are {len(known)} of them, so write 1 to {len(known)}")
    return list(known[:count])
