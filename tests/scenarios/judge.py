"""Because alarms are worth what they say of the world: events beside the truth, the false and the missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from gateway.feed.kinds import ONCE
from simulators.breakable import HARD
from simulators.scenario import Scenario
from simulators.worlds.truth import Span

KIND_OF = {"dark": "lampFailed"}
"""Conditions whose event has another name."""
LEVEL_ERROR = 0.095
"""What a heap's form makes of a level, either way: 5 cm evenly and twice 2 cm of roughness, of 95 cm."""
MS = 1_000_000
HEAD = "| kind | true | seen | once | cleared | missed | false | near the limit | of a fault | events |"
LIMITS = {"binFull": 0.9, "binOverflow": 1.0}
OF_DEVICE = {
    "echo": "bin", "temperature": "bin", "lid": "bin", "ph": "quality-01", "turbidity": "quality-01",
    "chlorine": "quality-01", "meter": "network-01", "level": "network-01", "pressure": "network-01",
    "power": "cabinet-01", "lux": "cabinet-01", "door": "cabinet-01", "bridge": "weighbridge-01",
}  # fmt: skip
SWITCHES = frozenset({"lid", "door", "meter"})
"""Devices whose cut wire is like an open contact, or like no pulse: it shows as what they would say."""
LONG_AGO_NS = (
    3_600_000_000_000  # what a fault leaves behind: the wait of a silent unit, a restart's first reading
)


@dataclass(slots=True)
class Verdict:
    """Of one kind: conditions that were seen or long enough to be, and what the events make of them.

    `over` are those seen that ended, `cleared` those of them whose one event was cleared, too. `near` are
    those missed or raised within the sensor's own error of the limit, `of_fault` those raised while a device
    of the asset was broken.
    """

    true: int = 0
    seen: int = 0
    once: int = 0
    over: int = 0
    cleared: int = 0
    missed: list[Span] = field(default_factory=list)
    false: list[Span] = field(default_factory=list)
    near: list[Span] = field(default_factory=list)
    of_fault: list[Span] = field(default_factory=list)

    def line(self, kind: str, events: int) -> str:
        """Write it as a row of the table."""
        beside = (len(each) for each in (self.missed, self.false, self.near, self.of_fault))
        cleared = "-" if kind in ONCE else f"{self.cleared} of {self.over}"
        cells = (f"`{kind}`", self.true, self.seen, self.once, cleared, *beside, events)
        return f"| {' | '.join(map(str, cells))} |"


def event_spans(events: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Pair raised with cleared by the events' ids; rows are points of the measurement Alert."""
    raised: dict[str, Span] = {}
    for event in sorted(events, key=lambda each: (each["time"], each["seq"])):
        kind = f"limit-{event['field']}" if event["kind"] == "limit" else event["kind"]
        if event["state"] == "raised":
            raised[event["id"]] = Span(event["asset"], kind, event["time"], None)
        elif event["id"] in raised:
            span = raised[event["id"]]
            raised[event["id"]] = Span(span.asset, span.kind, span.from_ns, event["time"])
    return list(raised.values())


def broken(scenario: Scenario) -> list[Span]:
    """Return when which asset had a device with which fault; a brown-out is of its node."""
    start_ns = round(scenario.start.timestamp() * 1e9)
    found = []
    for each in scenario.faults:
        name, _, number = each.on.partition("-")
        asset = f"gw-{number or '01'}" if name == "pi" else OF_DEVICE.get(name, each.on)
        from_ns = start_ns + round(each.at * 1e9)
        to_ns = None if each.for_ is None else from_ns + round(each.for_ * 1e9) + LONG_AGO_NS
        if each.kind == "spike":
            to_ns = from_ns + LONG_AGO_NS
        found.append(Span(f"bin-{number}" if asset == "bin" else asset, each.kind, from_ns, to_ns))
    return found


def told(scenario: Scenario, left_out: Sequence[str] = ()) -> list[Span]:
    """Return which faults an event must tell: those that leave no value, power that was gone or is weak."""
    kinds = dict.fromkeys(HARD, "sensorFault") | {"brown-out": "gap", "under-voltage": "power"}
    faults = [
        each
        for each in scenario.faults
        if each.on.partition("-")[0] not in SWITCHES and f"{each.kind} of {each.on}" not in left_out
    ]
    return [
        Span(each.asset, kinds[each.kind], each.from_ns, each.to_ns)
        for each in broken(replace(scenario, faults=faults))
        if each.kind in kinds
    ]


class Levels:
    """The true filling levels of bins at the moments of their readings, by asset and ns since 1970."""

    def __init__(self, levels: Mapping[tuple[str, int], float]) -> None:
        self._of: dict[str, dict[int, float]] = {}
        for (asset, ms), level in levels.items():
            self._of.setdefault(asset, {})[ms] = level

    def near_event(self, event: Span) -> bool:
        """Whether the bin was so full, within the sensor's error, as the event says."""
        limit, levels = LIMITS.get(event.kind), self._of.get(event.asset, {})
        return limit is not None and levels.get(event.from_ns // MS, 0.0) >= limit - LEVEL_ERROR

    def near_truth(self, truth: Span) -> bool:
        """Whether the bin was never so full that the sensor must see it."""
        if truth.kind != "binFull":
            return False
        to_ms = None if truth.to_ns is None else truth.to_ns // MS
        seen = [
            level
            for ms, level in self._of.get(truth.asset, {}).items()
            if truth.from_ns // MS <= ms and (to_ms is None or ms <= to_ms)
        ]
        return max(seen, default=0.0) < LIMITS["binFull"] + LEVEL_ERROR


def judge(
    truths: Sequence[Span],
    events: Sequence[Span],
    *,
    shortest_s: float,
    slack_s: float,
    faults: Sequence[Span] = (),
    levels: Levels | None = None,
) -> dict[str, Verdict]:
    """Hold events against truths: one below `shortest_s` need not be seen, `slack_s` beside is fair."""
    found: dict[str, Verdict] = {}
    slack_ns = int(slack_s * 1e9)
    renamed = [
        Span(each.asset, KIND_OF.get(each.kind, each.kind), each.from_ns, each.to_ns) for each in truths
    ]
    for truth in renamed:
        hits = [each for each in events if _same(each, truth) and _overlap(each, truth, 0)]
        if not hits and truth.to_ns is not None and truth.to_ns - truth.from_ns < shortest_s * 1e9:
            continue
        verdict = found.setdefault(truth.kind, Verdict())
        verdict.true += 1
        verdict.seen += bool(hits)
        verdict.once += len(hits) == 1
        verdict.over += bool(hits) and truth.to_ns is not None
        verdict.cleared += truth.to_ns is not None and [each.to_ns is None for each in hits] == [False]
        if not hits:
            near = levels is not None and levels.near_truth(truth)
            (verdict.near if near else verdict.missed).append(truth)
    for event in events:
        verdict = found.setdefault(event.kind, Verdict())
        if any(_same(each, event) and _overlap(each, event, slack_ns) for each in renamed):
            continue
        if any(each.asset == event.asset and _overlap(each, event, 0) for each in faults):
            verdict.of_fault.append(event)
        else:
            near = levels is not None and levels.near_event(event)
            (verdict.near if near else verdict.false).append(event)
    return dict(sorted(found.items()))


def report(verdicts: Mapping[str, Verdict], events: Sequence[Span]) -> str:
    """Write all verdicts as a table for a page."""
    counts = Counter(each.kind for each in events)
    lines = [verdict.line(kind, counts[kind]) for kind, verdict in verdicts.items()]
    return "\n".join([HEAD, "|" + " --- |" * (HEAD.count("|") - 1), *lines])


def _same(one: Span, other: Span) -> bool:
    return (one.asset, one.kind) == (other.asset, other.kind)


def _overlap(one: Span, other: Span, slack_ns: int) -> bool:
    begins = one.to_ns is None or other.from_ns - slack_ns <= one.to_ns
    return begins and (other.to_ns is None or one.from_ns <= other.to_ns + slack_ns)
