"""The one writer of an edge: arrivals become segments, one commit a group, and only then are acknowledged."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_api.api.view import CannotCommit
from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.history import History
from edge_api.lines import join_lines
from edge_api.point import Point
from gateway.spool import EVENTS, READINGS, Gap, RangeSet, Refused, Segment, Spool, Stream, span_of
from gateway.spool.segment import Span, span_text

log = logging.getLogger(__name__)

Arrival = MessageArrival | BatchArrival
_RETRY_AFTER_S = 10.0


@dataclass(slots=True)
class Counts:
    """Totals since this process started, in readings and events."""

    received: int = 0
    committed: int = 0
    duplicates: int = 0
    refused: int = 0
    commits: int = 0


@dataclass(slots=True)
class Group:
    """What one commit will hold."""

    messages: dict[int, list[MessageArrival]] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    span: Span = field(default_factory=dict)
    duplicates: int = 0


class Intake:
    """Commits groups of arrivals; the Committer's thread is the only caller of `commit`."""

    def __init__(
        self,
        spool: Spool,
        history: History,
        touched: Callable[[Sequence[Stream]], None],
        wall_ns: Callable[[], int],
    ) -> None:
        self._spool = spool
        self._history = history
        self._touched = touched
        self._wall_ns = wall_ns
        self.counts = Counts()

    def commit(self, arrivals: list[Arrival]) -> None:
        """Put a group on disk, then acknowledge it and show it; raise sqlite3.Error when the disk refuses."""
        group = self._sort(arrivals)
        if group.segments or group.gaps or group.refused:
            self._spool.append(
                group.segments, gaps=group.gaps, refused=group.refused, wall_ns=self._wall_ns()
            )
            self.counts.commits += 1
        for arrival in arrivals:
            if isinstance(arrival, MessageArrival):
                arrival.ack()
            else:
                arrival.done.set_result(None)
        self.counts.received += len(group.points) + group.duplicates + len(group.refused)
        self.counts.committed += len(group.points)
        self.counts.duplicates += group.duplicates
        self.counts.refused += len(group.refused)
        self._touched(list(group.span))
        self._history.add(group.points)

    @staticmethod
    def refuse(arrivals: list[Arrival], error: Exception) -> list[Arrival]:
        """Answer the HTTP senders that it did not work; MQTT messages stay, unacknowledged."""
        for arrival in arrivals:
            if isinstance(arrival, BatchArrival):
                why = "the disk does not take it" if isinstance(error, (OSError, sqlite3.Error)) else "fault"
                arrival.done.set_exception(CannotCommit(f"{why}: {error}", _RETRY_AFTER_S))
        return [arrival for arrival in arrivals if isinstance(arrival, MessageArrival)]

    def _sort(self, arrivals: list[Arrival]) -> Group:
        group = Group()
        for arrival in arrivals:
            if isinstance(arrival, BatchArrival):
                self._add_batch(group, arrival)
            else:
                self._add_message(group, arrival)
        for lane, messages in sorted(group.messages.items()):
            group.segments.append(_segment(lane, messages))
        return group

    def _add_message(self, group: Group, arrival: MessageArrival) -> None:
        if arrival.refused is not None:
            group.refused.append(arrival.refused)
            return
        if arrival.stream is None or arrival.point is None:
            raise ValueError("a message that is not refused has a stream and a point")
        numbers = group.span.setdefault(arrival.stream, RangeSet())
        seen = self._spool.streams.get(arrival.stream)
        if arrival.seq in numbers or (seen is not None and arrival.seq in seen):
            group.duplicates += 1  # committed before: acknowledged again, kept once
            return
        numbers.add(arrival.seq, arrival.seq)
        group.messages.setdefault(arrival.lane, []).append(arrival)
        group.points.append(arrival.point)
        if arrival.gap is not None:
            group.gaps += self._unseen(arrival.gap)

    def _unseen(self, gap: Gap) -> list[Gap]:
        """Cut from a gap what did arrive: only what is really missing is a gap."""
        seen = self._spool.streams.get(gap.stream, RangeSet())
        return [Gap(gap.stream, a, b, gap.reason) for a, b in seen.missing(gap.first, gap.last)]

    def _add_batch(self, group: Group, arrival: BatchArrival) -> None:
        points = arrival.points
        if not points:
            return
        numbered = [(p, identity) for p in points if (identity := _identity(p)) is not None]
        known = sum(self._seen(identity) for _, identity in numbered)
        group.duplicates += known
        if known == len(points):
            return  # the whole body was sent before, and its answer was lost on the way
        span = span_of(identity for _, identity in numbered)
        lane = EVENTS if all(point.measurement == "Alert" for point in points) else READINGS
        times = [point.ts_ns for point in points]
        group.segments.append(Segment(lane, len(points), span, arrival.body, min(times), max(times)))
        for _, (gw, ep, seq) in numbered:
            group.span.setdefault((gw, ep), RangeSet()).add(seq, seq)
        for point, identity in numbered:
            if point.tags.get("kind") == "gap":
                gap = _gap_of(point, identity[:2])
                group.gaps += self._unseen(gap) if gap else []
        group.points += points

    def _seen(self, identity: tuple[str, str, int]) -> bool:
        seen = self._spool.streams.get(identity[:2])
        return seen is not None and identity[2] in seen


def _identity(point: Point) -> tuple[str, str, int] | None:
    gw, ep, seq = (point.fields.get(name) for name in ("gw", "ep", "seq"))
    if (
        isinstance(gw, str)
        and isinstance(ep, str)
        and type(seq) is int
        and seq >= 0
        and _plain(gw)
        and _plain(ep)
    ):
        return gw, ep, seq
    return None


def _plain(name: str) -> bool:
    return name.replace("-", "").isalnum()


def _gap_of(point: Point, stream: Stream) -> Gap | None:
    first, last = point.fields.get("from"), point.fields.get("to")
    if type(first) is int and type(last) is int and 0 <= first <= last:
        return Gap(stream, first, last, str(point.fields.get("reason", "unknown")))
    return None


def _segment(lane: int, messages: list[MessageArrival]) -> Segment:
    span: Span = {}
    times = []
    for each in messages:
        if each.stream is not None and each.point is not None:
            span.setdefault(each.stream, RangeSet()).add(each.seq, each.seq)
            times.append(each.point.ts_ns)
    return Segment(
        lane=lane,
        points=len(messages),
        span=span_text(span),
        body=join_lines([each.line.encode() for each in messages]),
        first_ns=min(times),
        last_ns=max(times),
    )
