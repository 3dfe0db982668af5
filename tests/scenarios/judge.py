"""Because alarms are worth what they say of the world: events beside the truth, the false and the missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulators.worlds.truth import Span

KIND_OF = {"dark": "lampFailed"}
"""Conditions whose event has another name."""


@dataclass(slots=True)
class Verdict:
    """Of one kind: conditions that were long enough to see, and what the events make of them."""

    true: int = 0
    seen: int = 0
    once: int = 0
    missed: list[Span] = field(default_factory=list)
    false: list[Span] = field(default_factory=list)

    def line(self, kind: str) -> str:
        """Write it for a person."""
        return (
            f"{kind:18} true {self.true:3}  seen {self.seen:3}  once {self.once:3}"
            f"  missed {len(self.missed):3}  false {len(self.false):3}"
        )


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


def judge(
    truths: Sequence[Span], events: Sequence[Span], *, shortest_s: float, slack_s: float
) -> dict[str, Verdict]:
    """Hold events against truths: one below `shortest_s` need not be seen, `slack_s` beside is fair."""
    found: dict[str, Verdict] = {}
    slack_ns = int(slack_s * 1e9)
    renamed = [
        Span(each.asset, KIND_OF.get(each.kind, each.kind), each.from_ns, each.to_ns) for each in truths
    ]
    for truth in renamed:
        if truth.to_ns is not None and truth.to_ns - truth.from_ns < shortest_s * 1e9:
            continue
        verdict = found.setdefault(truth.kind, Verdict())
        hits = [each for each in events if _same(each, truth) and _overlap(each, truth, 0)]
        verdict.true += 1
        verdict.seen += bool(hits)
        verdict.once += len(hits) == 1
        if not hits:
            verdict.missed.append(truth)
    for event in events:
        verdict = found.setdefault(event.kind, Verdict())
        if not any(_same(each, event) and _overlap(each, event, slack_ns) for each in renamed):
            verdict.false.append(event)
    return dict(sorted(found.items()))


def report(verdicts: Mapping[str, Verdict], events: Sequence[Span]) -> str:
    """Write all verdicts for a person."""
    counts = Counter(each.kind for each in events)
    lines = [f"{verdict.line(kind)}  events {counts[kind]:3}" for kind, verdict in verdicts.items()]
    return "\n".join(lines)


def _same(one: Span, other: Span) -> bool:
    return (one.asset, one.kind) == (other.asset, other.kind)


def _overlap(one: Span, other: Span, slack_ns: int) -> bool:
    begins = one.to_ns is None or other.from_ns - slack_ns <= one.to_ns
    return begins and (other.to_ns is None or one.from_ns <= other.to_ns + slack_ns)
