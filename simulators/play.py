"""Plays a scenario as fast as it goes, or paced: what sensors would say goes out, what happened is kept."""

import hashlib
import heapq
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

import msgspec

from gateway.feed import Topic
from gateway.feed.communes import commune
from gateway.feed.link import Settings
from sensors.sample import Observation
from simulators.clock import NS, VirtualClock
from simulators.fleet.assets import Asset, body
from simulators.fleet.mqtt import MqttNode
from simulators.scenario import Scenario, village_of
from simulators.sights import Sights
from simulators.worlds.rounds import Weighing
from simulators.worlds.sun import DAY_S
from simulators.worlds.village import Village

Take = Callable[[Asset, int, Observation], None]
PUMP_EVERY = 500  # readings between two looks at the broker while time passes as fast as it can
TICK_S = 0.05


@dataclass(slots=True)
class Play:
    """A scenario on a clock of its own: `step` lets time pass and hands each reading to `take`."""

    scenario: Scenario
    village: Village
    sights: Sights
    take: Take
    readings: int = 0
    _due: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        count, every_ns = len(self.sights.assets), round(self.scenario.every * NS)
        self._due = [(number * every_ns // count, number) for number in range(count)]
        self.village.bridge.on_weighing = self._weighed

    @property
    def clock(self) -> VirtualClock:
        """The clock of its world."""
        return self.village.clock

    def step(self) -> bool:
        """Let time pass to the next reading and take it; False when the scenario is over."""
        end_ns = round(self.scenario.duration * NS)
        at_ns, number = self._due[0]
        now_ns = self.clock.monotonic_ns()
        if at_ns >= end_ns:
            self.clock.sleep((end_ns - now_ns) / NS)
            return False
        self.clock.sleep((at_ns - now_ns) / NS)
        heapq.heapreplace(self._due, (at_ns + round(self.scenario.every * NS), number))
        asset = self.sights.assets[number]
        seen = self.sights.observe(asset)
        if seen is not None:
            self._hand_on(asset, seen)
        return True

    def facts(self) -> dict[str, Any]:
        """Return what the world knows of itself so far: figures to hold indicators against."""
        it = self.village
        truths = Counter(f"{each.kind} {each.state}" for each in it.chronicle.entries)
        days = self.clock.monotonic_ns() / NS / DAY_S
        return {
            "scenario": self.scenario.name,
            "commune": self.scenario.commune,
            "days": round(days, 3),
            "readings": self.readings,
            "truths": dict(sorted(truths.items())),
            "population": round(it.population),
            "generated_kg": round(it.generated_kg, 1),
            "expected_kg": round(it.expected_kg_a_day * days, 1),
            "collected_kg": round(it.rounds.collected_kg, 1),
            "weighed_kg": sum(each.net_kg for each in it.bridge.weighings),
        }

    def _weighed(self, weighing: Weighing) -> None:
        # no rhythm here: one reading for each lorry, when it leaves
        fields = {"grossWeight": weighing.gross_kg, "tareWeight": weighing.tare_kg}
        self._hand_on(self.sights.bridge, Observation({"weight": weighing.net_kg, **fields}))

    def _hand_on(self, asset: Asset, seen: Observation) -> None:
        self.readings += 1
        self.take(asset, self.clock.true_ns() // 1_000_000 * 1_000_000, seen)


def prepare(scenario: Scenario, take: Take = lambda _asset, _ts_ns, _seen: None) -> Play:
    """Make a scenario's world with all that will happen; raise ConfigError when a fault has no device."""
    village = village_of(scenario, VirtualClock(scenario.start))
    return Play(scenario, village, Sights(scenario, village), take)


class Written:
    """Writes each reading as a line, topic and body; the same scenario writes the same bytes."""

    def __init__(self, scenario: Scenario, file: TextIO | None) -> None:
        self.gw = "gw-01"
        self.ep = hashlib.sha256(f"{scenario.name}/{scenario.seed}".encode()).hexdigest()[:6]
        self._place = commune(scenario.commune)
        self._file = file
        self._seq = 0

    def take(self, asset: Asset, ts_ns: int, seen: Observation) -> None:
        """Number a reading and write it."""
        self._seq += 1
        if self._file is not None:
            domain, _, name = asset.path.partition("/")
            topic = Topic(self._place.province, self._place.code, domain, name, "telemetry")
            text = body(asset, ts_ns, (self.gw, self.ep, self._seq), seen).decode()
            self._file.write(f"{topic}\t{text}\n")


def run(
    scenario: Scenario,
    *,
    speed: float | None,
    broker: Settings | None,
    drain_s: float,
    readings: TextIO | None,
    truth: TextIO | None,
) -> dict[str, Any]:
    """Play a scenario to its end; return the facts. Without `speed` time passes as fast as it goes."""
    began = time.monotonic()
    written = Written(scenario, readings)
    node: MqttNode | None = None

    def take(asset: Asset, ts_ns: int, seen: Observation) -> None:
        written.take(asset, ts_ns, seen)
        if node is not None:
            node.take(asset, ts_ns, seen)

    play = prepare(scenario, take)
    if broker is not None:
        known = [*play.sights.assets, play.sights.bridge]
        node = MqttNode(commune(scenario.commune), known, broker, float(scenario.every), states=True)
        node.link.start()
    while play.step():
        _wait(play, node, began, speed)
    found = play.facts()
    if truth is not None:
        lines = [msgspec.json.encode(each.plain()).decode() for each in play.village.chronicle.entries]
        truth.writelines(f"{line}\n" for line in lines)
    if node is not None:
        _drain(node, drain_s)
        counts = node.held.counts
        found |= {"taken": counts.taken, "in_custody": counts.in_custody, "resent": counts.resent}
        found["refusal"] = node.refusal
        node.stop()
    found["seconds"] = round(time.monotonic() - began, 2)
    return found


def _wait(play: Play, node: MqttNode | None, began: float, speed: float | None) -> None:
    """Attend to the node, until the world is no more ahead of real time than `speed` allows."""
    if speed is None:
        if node is not None and play.readings % PUMP_EVERY == 0:
            node.pump()
        return
    due = began + play.clock.monotonic_ns() / NS / speed
    while (ahead_s := due - time.monotonic()) > 0:  # in small pieces: the node must not wait as long
        time.sleep(min(ahead_s, TICK_S))
        if node is not None:
            node.pump()


def _drain(node: MqttNode, drain_s: float) -> None:
    deadline = time.monotonic() + drain_s
    while len(node.held) and time.monotonic() < deadline:
        node.pump()
        time.sleep(TICK_S)
