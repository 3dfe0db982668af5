"""The spool's file: segments go in with one fsync, and out when every upstream has confirmed them."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from gateway.spool.file import (
    COMPANIONS,
    DamageError,
    SpoolError,
    Transaction,
    beside,
    is_damage,
    open_file,
)
from gateway.spool.ranges import RangeSet
from gateway.spool.rows import INSERT, SELECT, Row, intact, sealed
from gateway.spool.segment import EVENTS, READINGS, Gap, Refused, Segment, Span, Stored, Stream, parse_span

log = logging.getLogger(__name__)

_KEEP_S = 60.0  # a database that has answered 204 may still forget; this long we can send again
_FREE_PAGES = 2_000  # 8 MB: fewer free pages are soon used again, and giving them back wears the card

_HEAD = "SELECT id, lane, points, size, first_ns, last_ns, boot, span FROM segment"


class Head(NamedTuple):
    """A segment without its body."""

    id: int
    lane: int
    points: int
    size: int
    first_ns: int | None
    last_ns: int | None
    boot: str | None
    span: str


class Spool:
    """One SQLite file in WAL mode, synchronous=FULL, one writer.

    `by_seq` numbers segments by the seq of their last reading (a node), else by order of commit (an edge).
    """

    def __init__(self, path: Path, *, by_seq: bool = False, keep_s: float = _KEEP_S) -> None:
        self.path = path
        self.by_seq = by_seq
        self.keep_s = keep_s
        self.streams: dict[Stream, RangeSet] = {}
        self.watchers: list[Callable[[Sequence[Segment]], None]] = []
        self.rewriters: list[Callable[[Sequence[Head], Sequence[Segment]], None]] = []
        self.lock = threading.RLock()
        self._read_lock = threading.Lock()
        self._released: dict[Stream, RangeSet] = {}
        self._touched: set[Stream] = set()
        self._deleted = RangeSet()
        self._start()

    def _start(self) -> None:
        self._writer = open_file(self.path)
        self._reader = sqlite3.connect(self.path, check_same_thread=False)
        self._reader.execute("PRAGMA query_only = ON")
        self._recall()

    def _recall(self) -> None:
        """Bring back what is known of streams and numbers, also from segments not yet folded into tables."""
        for gw, ep, seen, released, _ in self._believed("stream"):
            self.streams[gw, ep] = RangeSet.parse(seen)
            self._released[gw, ep] = RangeSet.parse(released)
        if not self.by_seq:
            for (span,) in self.query("SELECT span FROM segment UNION ALL SELECT span FROM quarantine"):
                self._see(parse_span(span))
            for gw, ep, first, last, *_ in self._believed("gap"):
                self._see({(gw, ep): RangeSet([(first, last)])})
        (top,) = self.query("SELECT coalesce(max(id), 0) FROM segment")[0]
        self.last_id: int = max(top, int(self.note("last_id", "0")))
        newest = self.query("SELECT last_ns FROM segment WHERE last_ns IS NOT NULL ORDER BY id DESC LIMIT 1")
        self.last_ns: int = newest[0][0] if newest else int(self.note("last_ns", "0"))

    def _believed(self, table: str) -> list[Row]:
        rows = [tuple(row) for row in self.query(SELECT[table])]
        for row in rows:
            if not intact(table, row):
                raise DamageError(f"a row of its table {table} is not what was written: {row}"[:200])
        return rows

    def query(self, sql: str, arguments: Sequence[object] = ()) -> list[Any]:
        """Ask the file something, beside the writer."""
        with self._read_lock, closing(self._reader.execute(sql, arguments)) as cursor:
            return cursor.fetchall()

    def note(self, key: str, default: str = "") -> str:
        """Return a small fact kept with the spool."""
        rows = self.query("SELECT value FROM note WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else default

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Keep small facts, durably."""
        with self.lock, self._transaction():
            self._write_notes(notes)

    def _write_notes(self, notes: Mapping[str, str]) -> None:
        self._writer.executemany(INSERT["note"], [sealed("note", *note) for note in notes.items()])

    def _transaction(self) -> Transaction:
        return Transaction(self._writer)

    def append(
        self,
        segments: Sequence[Segment],
        *,
        gaps: Sequence[Gap] = (),
        refused: Sequence[Refused] = (),
        wall_ns: int = 0,
    ) -> Stored:
        """Commit segments, and what was learned with them, in one transaction; return when it is on disk.

        Raises sqlite3.Error when the disk does not take it; then nothing has been kept.
        """
        with self.lock:
            next_id = self.last_id
            placed: list[Segment] = []
            for each in segments:
                next_id = each.id or next_id + 1
                placed.append(each if each.id else _with_id(each, next_id))
            with self._transaction():
                self._writer.executemany(INSERT["segment"], map(_row, placed))
                self._insert_gaps(gaps, wall_ns)
                self._insert_refused(refused, wall_ns)
            first_id, self.last_id = self.last_id + 1, next_id
            self.last_ns = max((each.last_ns for each in placed if each.last_ns), default=self.last_ns)
            if not self.by_seq:
                for text in [each.span for each in segments] + [each.span for each in refused]:
                    self._see(parse_span(text))
                for gap in gaps:
                    self._see({gap.stream: RangeSet([(gap.first, gap.last)])})
            for watcher in self.watchers:
                watcher(placed)
        return Stored(first_id, next_id)

    def rewrite(
        self, old: Sequence[Head], new: Sequence[Segment], *, gaps: Sequence[Gap] = (), wall_ns: int = 0
    ) -> None:
        """Put segments, with ids out of the old ones', in the place of others, in one transaction.

        What is no longer in the new ones must be in `gaps`. The caller holds the lock and has seen to it that
        no old one is on its way to an upstream.
        """
        with self.lock:
            with self._transaction():
                self._writer.executemany("DELETE FROM segment WHERE id = ?", [(head.id,) for head in old])
                self._writer.executemany(INSERT["segment"], map(_row, new))
                self._insert_gaps(gaps, wall_ns)
            for rewriter in self.rewriters:
                rewriter(old, new)

    def _insert_gaps(self, gaps: Iterable[Gap], wall_ns: int) -> None:
        self._writer.executemany(
            INSERT["gap"],
            [sealed("gap", *gap.stream, gap.first, gap.last, gap.reason, wall_ns) for gap in gaps],
        )

    def _insert_refused(self, refused: Iterable[Refused], wall_ns: int) -> None:
        self._writer.executemany(
            INSERT["quarantine"],
            [
                sealed("quarantine", wall_ns, it.source, it.place, it.reason, it.span, it.body)
                for it in refused
            ],
        )

    def _see(self, span: Span) -> None:
        for stream, ranges in span.items():
            self.streams.setdefault(stream, RangeSet()).update(ranges)
            self._touched.add(stream)

    def _release(self, first: int, last: int) -> None:
        """Remember whose readings leave: what was seen, is not here and did not leave was lost by damage."""
        if not self.by_seq:
            for (text,) in self.query("SELECT span FROM segment WHERE id BETWEEN ? AND ?", (first, last)):
                for stream, ranges in parse_span(text).items():
                    self._released.setdefault(stream, RangeSet()).update(ranges)
                    self._touched.add(stream)

    def _stream_row(self, stream: Stream) -> Row:
        return sealed("stream", *stream, str(self.streams[stream]), str(self._released.get(stream, "")))

    def heads(self, lane: int, first: int, last: int, limit: int) -> list[Head]:
        """Return the segments of a lane with ids first..last, oldest first."""
        # The literal lane lets SQLite use the partial index on events.
        rows = self.query(
            f"{_HEAD} WHERE lane = {int(lane)} AND id BETWEEN ? AND ? ORDER BY id LIMIT ?",
            (first, last, limit),
        )
        return [Head(*row) for row in rows]

    def body(self, segment_id: int) -> bytes:
        """Return the bytes of a segment; raise KeyError when it has left."""
        rows = self.query("SELECT body FROM segment WHERE id = ?", (segment_id,))
        if not rows:
            raise KeyError(segment_id)
        return bytes(rows[0][0])

    def totals(self, first: int, last: int) -> dict[int, tuple[int, int]]:
        """Return count of readings and bytes in each lane among ids first..last."""
        rows = self.query(
            "SELECT lane, sum(points), sum(size) FROM segment WHERE id BETWEEN ? AND ? GROUP BY lane",
            (first, last),
        )
        found = {lane: (points, size) for lane, points, size in rows}
        return {lane: found.get(lane, (0, 0)) for lane in (EVENTS, READINGS)}

    def first_id(self) -> int:
        """Return the lowest id held, or one more than the last when empty."""
        (first,) = self.query("SELECT min(id) FROM segment")[0]
        return int(first) if first is not None else self.last_id + 1

    def delivered(self, upstream: str) -> RangeSet:
        """Return the ids that this upstream had confirmed when it was last written down."""
        rows = self.query("SELECT delivered FROM progress WHERE upstream = ?", (upstream,))
        return RangeSet.parse(rows[0][0]) if rows else RangeSet()

    def quarantine(self, refused: Sequence[Refused], wall_ns: int = 0) -> None:
        """Keep what an upstream refused, durably; only then may it count as delivered."""
        self.append((), refused=refused, wall_ns=wall_ns)

    def reclaim(self, progress: Mapping[str, RangeSet], releasable: RangeSet) -> int:
        """Delete what may go, and write down progress and streams in the same transaction.

        Returns the number of segments deleted. Called seldom: deletes wear the card.
        """
        with self.lock:
            doomed = [
                span
                for first, last in releasable
                for span in self._deleted.missing(first, min(last, self.last_id))
            ]
            with self._transaction():
                gone = 0
                for first, last in doomed:
                    self._release(first, last)
                    gone += self._writer.execute(
                        "DELETE FROM segment WHERE id BETWEEN ? AND ?", (first, last)
                    ).rowcount
                self._writer.executemany(
                    INSERT["progress"], [sealed("progress", k, str(v)) for k, v in progress.items()]
                )
                self._writer.executemany(
                    INSERT["stream"], [self._stream_row(stream) for stream in self._touched]
                )
                self._write_notes({"last_id": str(self.last_id), "last_ns": str(self.last_ns)})
            self._deleted.update(doomed)
            self._touched.clear()
            if self._writer.execute("PRAGMA freelist_count").fetchone()[0] > _FREE_PAGES:
                # A script steps the pragma to its end; execute() would give back a single page.
                self._writer.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
            return gone

    def close(self) -> None:
        """Close the file; what is in it stays."""
        with self.lock, self._read_lock:
            self._reader.close()
            self._writer.close()


def _row(it: Segment) -> Row:
    times = it.first_ns, it.last_ns, it.boot
    return sealed("segment", it.id, it.lane, it.points, *times, len(it.body), it.span, it.body)


def _with_id(segment: Segment, number: int) -> Segment:
    return Segment(
        segment.lane,
        segment.points,
        segment.span,
        segment.body,
        segment.first_ns,
        segment.last_ns,
        segment.boot,
        number,
    )
