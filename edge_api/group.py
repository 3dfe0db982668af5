"""What one commit will hold, and how messages become a segment of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from isal import igzip

from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.bodies import widen
from edge_api.lineprotocol import feed_lines
from edge_api.lines import join_lines
from edge_api.point import Point
from gateway.spool import READINGS, Gap, RangeSet, Refused, Segment, Stream
from gateway.spool.segment import Span, span_text

_MANY = 200  # messages of a commit: in a smaller body gzip finds little, and each is opened for itself

Home = tuple[str, str]
"""Province and commune of a node, as its topics say."""


@dataclass(slots=True)
class Group:
    """What one commit will hold. `span` is what came, new or known; `late` is what had been given up."""

    messages: dict[int, dict[Stream, list[MessageArrival]]] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    refused: dict[bytes, Refused] = field(default_factory=dict)
    bodies: list[BatchArrival] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    span: Span = field(default_factory=dict)
    late: Span = field(default_factory=dict)
    times: dict[Stream, tuple[int, int]] = field(default_factory=dict)
    given_up: Span = field(default_factory=dict)
    homes: dict[Stream, Home] = field(default_factory=dict)
    fresh: int = 0
    duplicates: int = 0
    _readings: Segment | None = None

    def close(self) -> None:
        """Make segments of the messages; no more come."""
        for lane, of_lane in sorted(self.messages.items()):
            segment = segment_of(lane, of_lane, self.times)
            self.segments.append(segment)
            if lane == READINGS:
                self._readings = segment

    def shown(self, *, unopened: bool) -> tuple[list[Point], list[tuple[Sequence[Point], bytes]]]:
        """Return what history gets of it: points, and bodies.

        A flood of messages is the body that it is on disk: most of its readings nobody looks at. So are the
        few that come after it while history holds it `unopened`: as points they would have it opened.
        """
        bodies: list[tuple[Sequence[Point], bytes]] = [(each.points, each.body) for each in self.bodies]
        it = self._readings
        if it is None or (it.points < _MANY and not unopened):
            return self.points, bodies
        lines = feed_lines(igzip.decompress(it.body))
        if lines is None:
            return self.points, bodies
        bodies.append((lines, it.body))
        return [point for point in self.points if point.measurement == "Alert"], bodies


def segment_of(
    lane: int, messages: dict[Stream, list[MessageArrival]], between: dict[Stream, tuple[int, int]]
) -> Segment:
    """Make one segment of messages, and note between which times those of each stream lie."""
    lines: list[str] = []
    ends: list[int] = []
    for stream, its in messages.items():
        lines += [each.line for each in its]
        times = [each.point.ts_ns for each in its if each.point is not None]
        ends += (min(times), max(times))
        widen(between, stream, min(times), max(times))
    return Segment(
        lane=lane,
        points=len(lines),
        span=span_text({stream: RangeSet.of([each.seq for each in its]) for stream, its in messages.items()}),
        body=join_lines(["\n".join(lines).encode()]),
        first_ns=min(ends),
        last_ns=max(ends),
    )
