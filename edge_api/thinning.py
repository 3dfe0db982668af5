"""An edge whose disk is full gives up readings line by line, and says upward whose and which are gone."""

from collections.abc import Callable, Sequence

from edge_api.lineprotocol import encode, parse
from edge_api.lines import join_lines, split_lines
from edge_api.point import Point, identity
from edge_api.status import Wall
from gateway.spool import EVENTS, Gap, Segment, Stream, span_of
from gateway.spool.segment import Head
from gateway.spool.thinning import Item

Home = tuple[str, str]


class EdgeCodec:
    """An edge's segments: gzip of line protocol. `wall_ns` stamps what it says of gaps."""

    def __init__(self, wall_ns: Wall, home_of: Callable[[Stream], Home | None] = lambda _: None) -> None:
        self._home_of = home_of
        self._wall_ns = wall_ns
        self._homes: dict[Stream, dict[str, str]] = {}
        self._last_ns = 0

    def read(self, head: Head, body: bytes) -> list[Item]:
        """Return the lines; one series keeps one an interval. Raises ValueError when they cannot be told."""
        lines = split_lines(body)
        points = parse(b"\n".join(lines))
        if len(points) != len(lines):
            raise ValueError(f"segment {head.id} has {len(lines)} lines and {len(points)} points")
        return [self._item(line, point) for line, point in zip(lines, points, strict=True)]

    def _item(self, line: bytes, point: Point) -> Item:
        number = identity(point)
        stream, seq = (None, 0) if number is None else (number[:2], number[2])
        if stream is not None and stream not in self._homes:
            self._homes[stream] = {
                tag: point.tags[tag] for tag in ("province", "commune") if tag in point.tags
            }
        key = f"{point.measurement} {sorted(point.tags.items())}"
        return Item(key, point.ts_ns, point.measurement == "Alert", line, stream, seq)

    def write(self, head: Head, kept: Sequence[Item]) -> Segment:
        """Return the segment with these lines only."""
        times = [item.at_ns for item in kept]
        span = span_of((*item.stream, item.seq) for item in kept if item.stream is not None)
        body = join_lines([item.line for item in kept])
        return Segment(head.lane, len(kept), span, body, min(times), max(times), head.boot, head.id)

    def tell(self, gaps: Sequence[Gap]) -> list[Segment]:
        """Return one segment with an alert for each gap, each at its own time: a point is known by it."""
        points = [self._alert(gap) for gap in gaps]
        body = join_lines([encode(point).encode() for point in points])
        return [Segment(EVENTS, len(points), "", body, points[0].ts_ns, points[-1].ts_ns)]

    def _alert(self, gap: Gap) -> Point:
        gw, ep = gap.stream
        self._last_ns = max(self._last_ns + 1, self._wall_ns())
        home = self._home_of(gap.stream)
        where = (
            dict(zip(("province", "commune"), home, strict=True)) if home else self._homes.get(gap.stream, {})
        )
        tags = {**where, "domain": "gateway", "asset": gw, "kind": "gap"}
        fields: dict[str, str | int] = {
            "gw": gw, "ep": ep, "from": gap.first, "to": gap.last, "reason": gap.reason,
            "severity": "warning", "state": "raised",
        }  # fmt: skip
        return Point("Alert", tags, self._last_ns, dict(fields))
