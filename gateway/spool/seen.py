"""Knows by number what a spool has ever seen: what is missing is then known, and so is what left."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.spool.guard import GuardedFile
from gateway.spool.ranges import RangeSet
from gateway.spool.rows import Row, sealed
from gateway.spool.salvage import lost_of
from gateway.spool.segment import Gap, Span, Stream, parse_span

_SPANS = (
    "SELECT id, span, first_ns, last_ns FROM segment UNION ALL SELECT 0, span, NULL, NULL FROM quarantine"
)


class SeenFile(GuardedFile):
    """The file of a spool, and the numbers seen in it; kept in memory, and folded into a table at times."""

    def __init__(self, path: Path, *, by_seq: bool) -> None:
        self.streams: dict[Stream, RangeSet] = {}
        self.times: dict[Stream, tuple[int, int]] = {}
        """An edge: between which times (ns UTC) the readings of a stream lie."""
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
        self.times.clear()
        for gw, ep, seen, released, first_ns, last_ns, _ in self._believed("stream"):
            self.streams[gw, ep] = RangeSet.parse(seen)
            self._released[gw, ep] = RangeSet.parse(released)
            self._saw((gw, ep), first_ns, last_ns)
        if not self.by_seq:
            known, folded = set(self.times), int(self.note("last_id", "0"))
            for number, text, first_ns, last_ns in self.query(_SPANS):
                span = parse_span(str(text))
                self._see(span)
                for stream in span:
                    if number > folded or stream not in known:
                        self._saw(stream, first_ns, last_ns)
            for gw, ep, first, last, *_ in self._believed("gap"):
                self._see({(gw, ep): Gap((gw, ep), first, last, "").numbers})
        (top,) = self.query("SELECT coalesce(max(id), 0) FROM segment")[0]
        self.last_id: int = max(top, int(self.note("last_id", "0")))
        newest = self.query("SELECT last_ns FROM segment WHERE last_ns IS NOT NULL ORDER BY id DESC LIMIT 1")
        self.last_ns: int = newest[0][0] if newest else int(self.note("last_ns", "0"))
        self.untold = RangeSet.parse(self.note("untold"))
        self.lost = lost_of(self.query("SELECT key, value FROM note WHERE key LIKE 'lost %'"))

    def saw(self, times: Mapping[Stream, tuple[int, int]]) -> None:
        """Remember between which times readings that were just committed lie, to the reading."""
        with self.lock:
            for stream, (first_ns, last_ns) in times.items():
                self._saw(stream, first_ns, last_ns)

    def _see(self, span: Span) -> None:
        for stream, ranges in span.items():
            self.streams.setdefault(stream, RangeSet()).update(ranges)
            self._touched.add(stream)

    def _saw(self, stream: Stream, first_ns: int | None, last_ns: int | None) -> None:
        if first_ns is not None and last_ns is not None:
            low, high = self.times.get(stream, (first_ns, last_ns))
            self.times[stream] = (min(low, first_ns), max(high, last_ns))

    def _leave(self, spans: Iterable[tuple[str]]) -> None:
        """Remember whose readings leave: what was seen, is not here and did not leave was lost by damage."""
        for (text,) in spans if not self.by_seq else ():
            for stream, ranges in parse_span(text).items():
                self._released.setdefault(stream, RangeSet()).update(ranges)
                self._touched.add(stream)

    def _stream_row(self, stream: Stream) -> Row:
        times = self.times.get(stream, (None, None))
        released = str(self._released.get(stream, ""))
        return sealed("stream", *stream, str(self.streams[stream]), released, *times)
