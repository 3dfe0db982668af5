"""Sends what was quarantined once more, as it is or mended by a person."""

from edge_api.ingest.mqtt import arrival
from edge_api.lineprotocol import encode, parse
from edge_api.lines import join_lines
from edge_api.point import Point, identity
from gateway.feed import Topic
from gateway.spool import EVENTS, READINGS, RangeSet, Segment, Spool, span_of
from gateway.spool.segment import parse_span, span_text


def replay(spool: Spool, number: int, fixed: bytes | None, wall_ns: int) -> None:
    """Put a quarantined body into the spool again, and out of the quarantine once it is there.

    Raises KeyError when there is none of that number, ValueError that says what is still wrong with it.
    """
    rows = spool.query("SELECT source, place, span, body FROM quarantine WHERE id = ?", (number,))
    if not rows:
        raise KeyError(number)
    source, place, span, body = rows[0]
    points = _points(source, place, fixed if fixed is not None else body)
    lane = EVENTS if all(point.measurement == "Alert" for point in points) else READINGS
    times = [point.ts_ns for point in points]
    lines = join_lines([encode(point).encode() for point in points])
    numbers = parse_span(span)
    for stream, mended in parse_span(span_of(it for it in map(identity, points) if it is not None)).items():
        numbers.setdefault(stream, RangeSet()).update(mended)  # a body that nobody could read had none
    segment = Segment(lane, len(points), span_text(numbers), lines, min(times), max(times))
    spool.append([segment], mended=[number], found=numbers, wall_ns=wall_ns)


def _points(source: str, place: str, body: bytes) -> list[Point]:
    if source == "mqtt":
        point = arrival(Topic.parse(place), body, lambda: None).point
        points = [point] if point is not None else []
    else:
        points = parse(body)
    if not points:
        raise ValueError("there is no reading in it")
    return points
