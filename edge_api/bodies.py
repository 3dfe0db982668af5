"""What an HTTP body brings for the books: its numbers and times, whose it is, which gaps it tells of."""

from collections.abc import Sequence

from edge_api.lineprotocol import FeedLines
from edge_api.point import Point, identity, stream_of
from gateway.feed import FeedError, to_ns
from gateway.spool import Gap, Stream

Times = dict[Stream, tuple[int, int]]
"""Between which times (ns UTC) the readings of each stream lie."""


def numbers_of(points: Sequence[Point]) -> tuple[dict[Stream, list[int]], Times]:
    """Return the numbers and times of what nodes of ours have numbered."""
    if isinstance(points, FeedLines):
        return points.numbers, points.times
    numbers: dict[Stream, list[int]] = {}
    times: Times = {}
    for point in points:
        it = identity(point)
        if it is not None:
            numbers.setdefault(it[:2], []).append(it[2])
            widen(times, it[:2], point.ts_ns, point.ts_ns)
    return numbers, times


def span_ns(points: Sequence[Point]) -> tuple[int, int]:
    """Return the first and the last time (ns UTC) of a body, which holds at least one point."""
    if isinstance(points, FeedLines):
        return points.first_ns, points.last_ns
    return min(point.ts_ns for point in points), max(point.ts_ns for point in points)


def communes_of(points: Sequence[Point]) -> list[str]:
    """Return the codes of the communes that a body speaks for, in the order of its points."""
    if isinstance(points, FeedLines):
        return [commune for _, commune in points.places]
    return list(dict.fromkeys(point.tags.get("commune", "") for point in points))


def is_event(points: Sequence[Point]) -> bool:
    """Whether a batch is events only, which a full spool still takes."""
    if isinstance(points, FeedLines):
        return False
    return bool(points) and all(point.measurement == "Alert" for point in points)


def gaps_of(points: Sequence[Point]) -> list[Gap]:
    """Return what gap events of a body say is missing."""
    if isinstance(points, FeedLines):
        return []
    gaps = (_gap_of(point) for point in points if point.tags.get("kind") == "gap")
    return [gap for gap in gaps if gap is not None]


def widen(times: Times, stream: Stream, first_ns: int, last_ns: int) -> None:
    """Note that readings of a stream lie between these times too."""
    low, high = times.get(stream, (first_ns, last_ns))
    times[stream] = (min(low, first_ns), max(high, last_ns))


def _gap_of(point: Point) -> Gap | None:
    """Return what a gap event says; that of an edge has no number of its own."""
    stream, first, last = stream_of(point), point.fields.get("from"), point.fields.get("to")
    after, before = point.fields.get("after"), point.fields.get("before")
    if stream is not None and first is None and isinstance(after, str) and isinstance(before, str):
        try:
            times = to_ns(after), to_ns(before)
        except FeedError:
            return None  # a stranger's alert of the same name
        return Gap.of_time(stream, str(point.fields.get("reason", "unknown")), *times)
    if stream is not None and type(first) is int and type(last) is int and 0 <= first <= last:
        return Gap(stream, first, last, str(point.fields.get("reason", "unknown")))
    return None
