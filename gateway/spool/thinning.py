"""A full spool gives up the least it can: old readings first, one an interval stays, events always do."""

import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.spool.errors import DamageError
from gateway.spool.outbox import Outbox
from gateway.spool.ranges import RangeSet
from gateway.spool.segment import READINGS, Gap, Head, Segment, Stream
from gateway.spool.store import Spool

log = logging.getLogger(__name__)

QUOTA = "quota"
"""Reason of a gap: there was no room for these readings."""

INTERVALS_S = (600, 3_600, 21_600, 86_400)  # each divides the next: what one keeps, the next may choose from
_DROP = 0  # stands for the last resort: the oldest readings go as a whole
_WINDOW_BYTES = 256_000  # rewritten in one transaction: the log of it must fit into the reserve
_WINDOW_HEADS = 500
_LOOKS = 20  # windows without a gain in one step; the next step goes on from there
_SCAN = 20_000
_NOTE = "thinned"


class Item(NamedTuple):
    """One line of a segment. Of items of one `key` one an interval stays; times are ns of any one clock."""

    key: str
    at_ns: int
    event: bool
    line: bytes
    stream: Stream | None = None
    seq: int = 0


class Codec(Protocol):
    """Takes segments apart and puts what is left of them together again."""

    def read(self, head: Head, body: bytes) -> list[Item]:
        """Return what is in a segment; raise ValueError or OSError when that cannot be told."""

    def write(self, head: Head, kept: Sequence[Item]) -> Segment:
        """Return the segment with only these of its items (at least one), under the same id."""

    def tell(self, gaps: Sequence[Gap]) -> list[Segment]:
        """Return events that say upward what is gone; called with the spool's lock held."""


@dataclass(slots=True)
class _Window:
    """What one transaction changes."""

    old: list[Head]
    new: list[Segment]
    gone: dict[Stream, RangeSet]
    dropped: int = 0


def select(items: Iterable[Item], every_ns: int, kept_of: dict[str, int]) -> list[bool]:
    """Tell which items stay: events, and of each key the first in every interval; with 0 only events.

    `kept_of` remembers the interval of the last that stayed, by key, from call to call.
    """
    stays = []
    for item in items:
        if item.event or not every_ns:
            stays.append(item.event)
            continue
        interval = item.at_ns // every_ns
        stays.append(kept_of.get(item.key) != interval)
        kept_of[item.key] = interval
    return stays


class Thinner:
    """Frees room a bit at each step. What it has done is kept on disk with what it has done it to."""

    def __init__(
        self,
        spool: Spool,
        outboxes: Sequence[Outbox],
        codec: Codec,
        wall_ns: Callable[[], int],
        *,
        newest_bytes: int,
    ) -> None:
        self._spool = spool
        self._outboxes = outboxes
        self._codec = codec
        self._wall_ns = wall_ns
        self._newest_bytes = newest_bytes
        count, _, at = spool.note(_NOTE, "0").partition(" ")
        self.thinned = int(count)
        """Readings given up here, since this spool began."""
        self._levels = (*INTERVALS_S, _DROP)
        self._at = dict.fromkeys(self._levels, 1)
        self._at.update(zip(self._levels, map(int, at.split()), strict=False))
        self._kept_of: dict[int, dict[str, int]] = {level: {} for level in self._levels}
        self._end = 0

    def step(self) -> bool:
        """Thin one window of segments, in one transaction; False when nothing is left to give up.

        Raises sqlite3.Error when the disk does not take it; then nothing has changed.
        """
        with self._spool.lock:
            if self._at[self._levels[0]] > self._end:
                self._find_end()
            fixed, done = self._fixed(), self._confirmed_by_all()
            looks = 0
            for level in self._levels:
                while heads := self._heads(level, fixed, done):
                    if self._thin(level, heads):
                        return True
                    looks += 1
                    if looks >= _LOOKS:
                        return True
            return False

    def _find_end(self) -> None:
        """Find out where the newest readings begin, which stay whole."""
        rows = self._spool.query(
            f"SELECT id, size FROM segment WHERE lane = {READINGS} ORDER BY id DESC LIMIT {_SCAN}"  # noqa: S608
        )
        size = 0
        for number, more in rows:
            if size >= self._newest_bytes:
                self._end = max(number, self._end)
                return
            size += more
        if len(rows) == _SCAN:
            self._end = max(rows[-1][0], self._end)

    def _fixed(self) -> RangeSet:
        """Return the ids that are being sent, or may be sent again as they are."""
        together = RangeSet()
        for outbox in self._outboxes:
            together.update(outbox.fixed())
        return together

    def _confirmed_by_all(self) -> RangeSet:
        if not self._outboxes:
            return RangeSet()
        common = self._outboxes[0].delivered.copy()
        for other in self._outboxes[1:]:
            for first, last in other.delivered.missing(0, self._spool.last_id):
                common.discard(first, last)
        return common

    def _heads(self, level: int, fixed: RangeSet, done: RangeSet) -> list[Head]:
        """Return the next segments of a level, at least one if there are any, and move past what stays."""
        found: list[Head] = []
        size = 0
        while not found and self._at[level] <= self._end:
            heads = self._spool.heads(READINGS, self._at[level], self._end, _WINDOW_HEADS)
            if not heads:
                self._at[level] = self._end + 1
            for head in heads:
                if found and size + head.size > _WINDOW_BYTES:
                    break
                self._at[level] = head.id + 1
                if head.id not in fixed and head.id not in done and not self._dates_a_boot(head):
                    found.append(head)
                    size += head.size
        return found

    def _dates_a_boot(self, head: Head) -> bool:
        """Whether this is the last undated segment of a boot, by which all of that boot will be dated."""
        if head.first_ns is not None or head.boot is None:
            return False
        after = self._spool.heads(READINGS, head.id + 1, self._spool.last_id, 1)
        return not after or after[0].boot != head.boot or after[0].first_ns is not None

    def _thin(self, level: int, heads: list[Head]) -> bool:
        """Thin these segments; return whether that freed anything."""
        window = _Window([], [], {})
        kept_of = self._kept_of[level].copy()
        for head in heads:
            try:
                items = self._codec.read(head, self._spool.body(head.id))
            except (ValueError, OSError, EOFError, zlib.error, DamageError) as error:
                # Whoever sends it will find out; it is not for us to judge.
                log.warning("segment %d stays as it is: %s", head.id, error)
                continue
            before = kept_of.copy()
            stays = select(items, level * 1_000_000_000, kept_of)
            if not self._add(window, head, items, stays):
                kept_of = before
        if window.old:
            try:
                self._write(window)
            except sqlite3.Error:
                self._at[level] = heads[0].id  # they are all still there, and are looked at again
                raise
        self._kept_of[level] = kept_of
        return bool(window.old)

    def _add(self, window: _Window, head: Head, items: list[Item], stays: list[bool]) -> bool:
        """Put a segment's change into the window; False when it would not get smaller."""
        if all(stays):
            return True
        kept = [item for item, stay in zip(items, stays, strict=True) if stay]
        if kept:
            segment = self._codec.write(head, kept)
            if len(segment.body) >= head.size:
                return False
            window.new.append(segment)
        window.old.append(head)
        for item, stay in zip(items, stays, strict=True):
            if not stay:
                window.dropped += 1
                if item.stream is not None:
                    window.gone.setdefault(item.stream, RangeSet()).add(item.seq, item.seq)
        return True

    def _write(self, window: _Window) -> None:
        gaps = [Gap(stream, a, b, QUOTA) for stream, ranges in window.gone.items() for a, b in ranges]
        count = self.thinned + window.dropped
        at = " ".join(str(self._at[level]) for level in self._levels)
        self._spool.rewrite(
            window.old,
            window.new,
            gaps=gaps,
            told=self._codec.tell(gaps) if gaps else (),
            notes={_NOTE: f"{count} {at}"},
            wall_ns=self._wall_ns(),
        )
        if not self.thinned:
            log.warning("the spool is full: the oldest readings are thinned, as gaps that are recorded")
        self.thinned = count
