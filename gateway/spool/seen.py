"""Knows by number what a spool has ever seen: what is missing is then known, and so is what left."""

from collections.abc import Iterable
from pathlib import Path

from gateway.spool.guard import GuardedFile
from gateway.spool.ranges import RangeSet
from gateway.spool.rows import Row, sealed
from gateway.spool.salvage import lost_of
from gateway.spool.segment import Span, Stream, parse_span


class SeenFile(GuardedFile):
    """The file of a spool, and the numbers seen in it; kept in memory, and folded into a table at times."""

    def __init__(self, path: Path, *, by_seq: bool) -> None:
        self.streams: dict[Stream, RangeSet] = {}
        self.lost: Span = {}
        """An edge: what had been seen here and went with a damaged file; a node may still send some of it."""
        self.untold = RangeSet()
        """A node: numbers that will never come, which no gap event has told the edge of yet."""
        self._released: Span = {}
        self._touched: set[Stream] = set()
        super().__init__(path, by_seq=by_seq)

    def _recall(self) -> None:
        """Bring back what is known of streams and numbers, also from segments not yet folded into tables."""
        super()._recall()
        self.streams.clear()
        for gw, ep, seen, released, _ in self._believed("stream"):
            self.streams[gw, ep] = RangeSet.parse(seen)
            self._released[gw, ep] = RangeSet.parse(released)
        if not self.by_seq:
            for (span,) in self.query("SELECT span FROM segment UNION ALL SELECT span FROM quarantine"):
                self._see(parse_span(str(span)))
            for gw, ep, first, last, *_ in self._believed("gap"):
                self._see({(gw, ep): RangeSet([(first, last)])})
        (top,) = self.query("SELECT coalesce(max(id), 0) FROM segment")[0]
        self.last_id: int = max(top, int(self.note("last_id", "0")))
        newest = self.query("SELECT last_ns FROM segment WHERE last_ns IS NOT NULL ORDER BY id DESC LIMIT 1")
        self.last_ns: int = newest[0][0] if newest else int(self.note("last_ns", "0"))
        self.untold = RangeSet.parse(self.note("untold"))
        self.lost = lost_of(self.query("SELECT key, value FROM note WHERE key LIKE 'lost %'"))

    def _see(self, span: Span) -> None:
        for stream, ranges in span.items():
            self.streams.setdefault(stream, RangeSet()).update(ranges)
            self._touched.add(stream)

    def _leave(self, spans: Iterable[tuple[str]]) -> None:
        """Remember whose readings leave: what was seen, is not here and did not leave was lost by damage."""
        for (text,) in spans if not self.by_seq else ():
            for stream, ranges in parse_span(text).items():
                self._released.setdefault(stream, RangeSet()).update(ranges)
                self._touched.add(stream)

    def _stream_row(self, stream: Stream) -> Row:
        return sealed("stream", *stream, str(self.streams[stream]), str(self._released.get(stream, "")))
