"""The spool itself: segments go in with one fsync, and out when every upstream has confirmed them."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.spool.errors import DamageError
from gateway.spool.guard import write_notes
from gateway.spool.ranges import RangeSet
from gateway.spool.rows import (
    INSERT,
    SELECT,
    Row,
    insert_gaps,
    insert_refused,
    insert_segments,
    intact,
    sealed,
    take_from_gaps,
)
from gateway.spool.salvage import DAMAGE
from gateway.spool.seen import SeenFile
from gateway.spool.segment import (
    EVENTS,
    READINGS,
    Gap,
    Head,
    Refused,
    Segment,
    Span,
    Stored,
    Stream,
    parse_span,
)

log = logging.getLogger(__name__)

_KEEP_S = 60.0  # a database that has answered 204 may still forget; this long we can send again
_FREE_BYTES = 8_000_000  # fewer are soon used again, and giving them back wears the card
_ASKED = 200  # segments read at a time
_PIECE = 250  # pages given back at a time

DROPPED = "dropped"
"""Reason of a gap: what was quarantined has been given up by a person."""

_SPANS = "SELECT span FROM segment WHERE id BETWEEN ? AND ?"
_DROP = "DELETE FROM quarantine WHERE id = ?"
_HEAD = "SELECT id, lane, points, size, first_ns, last_ns, boot, span FROM segment"


class Spool(SeenFile):
    """One SQLite file in WAL mode, synchronous=FULL, one writer.

    `by_seq` numbers segments by the seq of their last reading (a node), else by order of commit (an edge).
    """

    def __init__(self, path: Path, *, by_seq: bool = False, keep_s: float = _KEEP_S) -> None:
        self.keep_s = keep_s
        self.watchers: list[Callable[[Sequence[Segment]], None]] = []
        self.rewriters: list[Callable[[Sequence[Head], Sequence[Segment]], None]] = []
        self._aside: set[int] = set()
        self._deleted = RangeSet()
        self.tell: Callable[[Sequence[Gap]], list[Segment]] = lambda _: []
        """An edge: makes the events that say upward what is gone here; called with the lock held."""
        super().__init__(path, by_seq=by_seq)

    def append(
        self,
        segments: Sequence[Segment],
        *,
        gaps: Sequence[Gap] = (),
        refused: Sequence[Refused] = (),
        found: Span | None = None,
        mended: Sequence[int] = (),
        notes: Mapping[str, str] | None = None,
        wall_ns: int = 0,
    ) -> Stored:
        """Commit segments, and what was learned with them, in one transaction; return when it is on disk.

        `found` are numbers that had been given up as gaps, and came after all: they are none any more.
        `mended` are rows that leave the quarantine.
        Raises sqlite3.Error when the disk does not take it; then nothing has been kept.
        """
        with self.lock:
            first_id, placed = self.last_id + 1, self._placed(segments)
            untold = self.untold.copy()
            for first, last in (each for gap in gaps for each in gap.numbers) if self.by_seq else ():
                untold.discard(first, last)
            if untold != self.untold:
                notes = {**(notes or {}), "untold": str(untold)}
            with self._transaction() as db:
                insert_segments(db, placed)
                insert_gaps(db, gaps, wall_ns)
                for stream, numbers in (found or {}).items():
                    take_from_gaps(db, stream, numbers)
                insert_refused(db, refused, wall_ns)
                if mended:
                    self._leave_quarantine(db, mended)
                write_notes(db, notes or {})
            self.untold = untold
            self._came(placed, gaps, refused)
        return Stored(first_id, self.last_id)

    def _leave_quarantine(self, db: sqlite3.Connection, ids: Sequence[int]) -> None:
        for number in ids:
            self._leave(self.query("SELECT span FROM quarantine WHERE id = ?", (number,)))
            db.execute(_DROP, (number,))
        db.executemany(INSERT["stream"], [self._stream_row(stream) for stream in self.streams])

    def rewrite(
        self,
        old: Sequence[Head],
        new: Sequence[Segment],
        *,
        gaps: Sequence[Gap] = (),
        told: Sequence[Segment] = (),
        refused: Sequence[Refused] = (),
        untold: RangeSet | None = None,
        notes: Mapping[str, str] | None = None,
        wall_ns: int = 0,
    ) -> None:
        """Put segments, with ids out of the old ones', in the place of others, in one transaction.

        What is no longer in the new ones must be in `gaps`, and `told` is appended and says so upward; or, on
        a node, in `untold`, and the next commit says it. The caller holds the lock and has seen to it that no
        old one is on its way to an upstream.
        """
        with self.lock:
            placed = self._placed(told)
            gone = self.untold.copy()
            if untold:
                gone.update(untold)
                notes = {**(notes or {}), "untold": str(gone)}
            with self._transaction() as db:
                db.executemany("DELETE FROM segment WHERE id = ?", [(head.id,) for head in old])
                insert_segments(db, [*new, *placed])
                insert_gaps(db, gaps, wall_ns)
                insert_refused(db, refused, wall_ns)
                write_notes(db, notes or {})
            self.untold = gone
            for rewriter in self.rewriters:
                rewriter(old, new)
            self._came(placed, gaps)

    def _placed(self, segments: Iterable[Segment]) -> list[Segment]:
        """Return segments with their ids: their own, or the next ones."""
        next_id = self.last_id
        placed = []
        for each in segments:
            next_id = each.id or next_id + 1
            placed.append(each if each.id else replace(each, id=next_id))
        return placed

    def _came(self, placed: Sequence[Segment], gaps: Iterable[Gap], refused: Iterable[Refused] = ()) -> None:
        """Remember, and say, what has been committed."""
        self.last_id = placed[-1].id if placed else self.last_id
        self.last_ns = max((each.last_ns for each in placed if each.last_ns), default=self.last_ns)
        if not self.by_seq:
            for text in [*(each.span for each in placed), *(each.span for each in refused)]:
                self._see(parse_span(text))
            for gap in gaps:
                self._see({gap.stream: gap.numbers})
        for watcher in self.watchers:
            watcher(placed)

    def heads(self, lane: int, first: int, last: int, limit: int) -> list[Head]:
        """Return the segments of a lane with ids first..last, oldest first."""
        # The literal lane lets SQLite use the partial index on events.
        rows = self.query(
            f"{_HEAD} WHERE lane = {int(lane)} AND id BETWEEN ? AND ? ORDER BY id LIMIT ?",
            (first, last, limit),
        )
        return [Head(*row) for row in rows]

    def body(self, segment_id: int) -> bytes:
        """Return the bytes of a segment; raise KeyError when it has left.

        One that is not what was written is set aside, and raises DamageError; nobody waits for it any more.
        """
        return next(self.bodies([segment_id]))

    def bodies(self, ids: Sequence[int]) -> Iterator[bytes]:
        """Yield the bytes of segments as `body` returns them, some hundred a question."""
        for first in range(0, len(ids), _ASKED):
            asked = ids[first : first + _ASKED]
            marks = ", ".join("?" * len(asked))
            rows = {row[0]: row for row in self.query(f"{SELECT['segment']} WHERE id IN ({marks})", asked)}
            for number in asked:
                row = rows.pop(number)
                if not intact("segment", row):
                    why = f"segment {number} is not what was written"
                    self._set_aside(row, why)
                    raise DamageError(why)
                yield bytes(row[-1])

    def set_aside(self, segment_id: int, why: str) -> None:
        """Keep a segment that can be of no use as quarantine, and its readings as a gap."""
        for row in self.query(f"{SELECT['segment']} WHERE id = ?", (segment_id,)):
            self._set_aside(row, why)

    def _set_aside(self, row: Row, why: str) -> None:
        """Do that, or condemn the file: that is when not even the segment's numbers can be true."""
        number, lane, points, first_ns, last_ns, boot, size, text, _, body = row
        try:
            span = parse_span(str(text))
        except ValueError:
            span = {}
        numbers = RangeSet(each for ranges in span.values() for each in ranges)
        if self.by_seq and (numbers.last != number or len(list(numbers)) != 1):
            self.condemn(why)
            return
        with self.lock:
            if number in self._aside:
                return
            self._aside.add(number)
            log.error("%s: %s; it is set aside in quarantine", self.path, why)
            kept = body if isinstance(body, bytes) else str(body).encode()
            refused = [Refused("spool", f"segment {number}", f"{DAMAGE}: {why}", kept)]
            if self.by_seq:
                self.untold.update(numbers)
                self.append((), refused=refused, notes={"untold": str(self.untold)})
            else:
                gaps = [Gap(stream, *each, DAMAGE) for stream, ranges in span.items() for each in ranges]
                self.append(self.tell(gaps) if gaps else (), gaps=gaps, refused=refused)
            for rewriter in self.rewriters:
                rewriter([Head(number, lane, points, size, first_ns, last_ns, boot, str(text))], [])

    def skip_to(self, number: int) -> None:
        """A node: give no number up to this one; those left out are a gap."""
        with self.lock:
            if number > self.last_id:
                untold = self.untold.copy()
                untold.add(self.last_id + 1, number)
                self.set_notes({"last_id": str(number), "untold": str(untold)})
                self.last_id, self.untold = number, untold

    def totals(self, first: int, last: int) -> dict[int, tuple[int, int]]:
        """Return count of readings and bytes in each lane among ids first..last."""
        rows = self.query(
            "SELECT lane, sum(points), sum(size) FROM segment WHERE id BETWEEN ? AND ? GROUP BY lane",
            (first, last),
        )
        found = {lane: (points, size) for lane, points, size in rows}
        return {lane: found.get(lane, (0, 0)) for lane in (EVENTS, READINGS)}

    def first_id(self) -> int:
        """Return the lowest id held, of a node the lowest number; one more than the last when empty."""
        found = self.query("SELECT id, points FROM segment ORDER BY id LIMIT 1")
        if not found:
            return self.last_id + 1
        number, points = found[0]
        return int(number - points + 1 if self.by_seq else number)

    def before(self, number: int) -> int:
        """Return the id of the segment before this one; 0 when there is none."""
        ((found,),) = self.query("SELECT max(id) FROM segment WHERE id < ?", (number,))
        return int(found or 0)

    def delivered(self, upstream: str) -> RangeSet:
        """Return the ids that this upstream had confirmed when it was last written down."""
        rows = self.query("SELECT delivered FROM progress WHERE upstream = ?", (upstream,))
        return RangeSet.parse(rows[0][0]) if rows else RangeSet()

    def quarantine(self, refused: Sequence[Refused], wall_ns: int = 0) -> None:
        """Keep what an upstream refused, durably; only then may it count as delivered."""
        self.append((), refused=refused, wall_ns=wall_ns)

    def drop_refused(self, ids: Sequence[int]) -> int:
        """Give rows of the quarantine up for good; return how many there were. Their numbers become gaps."""
        with self.lock:
            marks = ", ".join("?" * len(ids))
            rows = self.query(f"SELECT span FROM quarantine WHERE id IN ({marks})", ids)  # noqa: S608
            gaps = [
                Gap(stream, *each, DROPPED)
                for (text,) in rows
                for stream, ranges in ({} if self.by_seq else parse_span(text)).items()
                for first, last in ranges
                for each in self._given_up(stream).missing(first, last)
            ]
            self.append((), gaps=gaps, mended=ids)
            return len(rows)

    def _given_up(self, stream: Stream) -> RangeSet:
        rows = self.query("SELECT first, last FROM gap WHERE gw = ? AND ep = ? AND first <= last", stream)
        return RangeSet(rows)

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
            with self._transaction() as db:
                gone = 0
                for first, last in doomed:
                    self._leave(self.query(_SPANS, (first, last)))
                    gone += db.execute("DELETE FROM segment WHERE id BETWEEN ? AND ?", (first, last)).rowcount
                db.executemany(
                    INSERT["progress"], [sealed("progress", k, str(v)) for k, v in progress.items()]
                )
                db.executemany(INSERT["stream"], [self._stream_row(stream) for stream in self._touched])
                write_notes(db, {"last_id": str(self.last_id), "last_ns": str(self.last_ns)})
            self._deleted.update(doomed)
            self._touched.clear()
            self._give_back()
            return gone

    def _give_back(self) -> None:
        """Make the file smaller when much of it is free."""
        (free,), (page,) = (
            self.writer.execute(f"PRAGMA {what}").fetchone() for what in ("freelist_count", "page_size")
        )
        if free * page <= _FREE_BYTES:
            return
        # A script steps the pragma to its end; execute() would give back a single page. In pieces that fit
        # SQLite's cache: what lies beyond the new end is then dropped, and else written to the log before.
        for _ in range(0, free, _PIECE):
            self.writer.executescript(f"PRAGMA incremental_vacuum({_PIECE})")
        self.writer.executescript("PRAGMA wal_checkpoint(FULL)")
