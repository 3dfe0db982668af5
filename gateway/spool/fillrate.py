"""How fast a spool fills, so that a person can be told for how many hours it will last without a link."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.spool.segment import Head, Segment
from gateway.spool.store import Spool

_WINDOW_S = 86_400.0  # lamps burn at night only: a day knows the whole load
_BUCKET_S = 600.0
_KNOWN_S = 60.0  # before that a rate says nothing
_HEADER = 12  # a page's own
_TREE = 14  # a page's entry in the map of pages, and in the page above it
_ROW = 45  # times, counts and checksum, the record's header, and the cell's place in its page


def page_bytes(payload: int, page: int) -> float:
    """Return how many bytes of a file with such pages a row takes that holds so many: whole rows fill pages.

    By SQLite's file format: of a row larger than a page only the beginning is among others.
    """
    size, usable = payload + _ROW, page - _HEADER
    rest_pages = 0
    if size > usable - 23:
        least = (page - 12) * 32 // 255 - 23
        here = least + (size - least) % (page - 4)
        here = here if here <= page - 35 else least
        rest_pages = -(-(size - here) // (page - 4))
        size = here
    return (page + _TREE) / max(usable // size, 1) + rest_pages * (page + _TREE)


@dataclass(slots=True)
class _Bucket:
    """What came in some minutes."""

    start_s: float
    size: float = 0.0
    commits: int = 0


class FillRate:
    """Bytes a second that come into a spool's file, over the last day or since the start.

    What leaves towards an upstream does not count: it would stay if the link went. What is joined into fewer
    bytes does.
    """

    def __init__(self, spool: Spool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._buckets: deque[_Bucket] = deque()
        self._since_s: float | None = None
        self._last_s = 0.0
        (self._page,) = spool.query("PRAGMA page_size")[0]
        spool.watchers.append(self._came)
        spool.rewriters.append(self._rewritten)

    def per_s(self) -> float | None:
        """Return bytes a second; None while too little is known."""
        now_s = self._monotonic()
        self._forget(now_s)
        commits = sum(bucket.commits for bucket in self._buckets)
        if self._since_s is None or not commits:
            return None
        between_s = (self._last_s - self._since_s) / commits
        over_s = max(self._last_s - self._since_s, now_s - between_s - self._since_s)
        size = sum(bucket.size for bucket in self._buckets)
        return size / over_s if over_s >= _KNOWN_S and size > 0 else None

    def _came(self, segments: Sequence[Segment]) -> None:
        if not segments:
            return
        now_s = self._monotonic()
        first, self._last_s = self._since_s is None, now_s
        if first:
            self._since_s = now_s  # how long the first took to come is not known
        else:
            self._add(now_s, sum(map(self._cost, segments)), 1)

    def _rewritten(self, old: Sequence[Head], new: Sequence[Segment]) -> None:
        if sum(head.points for head in old) == sum(each.points for each in new):  # joined, not thinned
            before = sum(
                page_bytes(head.size + len(head.span) + len(head.boot or ""), self._page) for head in old
            )
            self._add(self._monotonic(), sum(map(self._cost, new)) - before, 0)

    def _add(self, now_s: float, size: float, commits: int) -> None:
        start_s = now_s // _BUCKET_S * _BUCKET_S
        if not self._buckets or self._buckets[-1].start_s != start_s:
            self._buckets.append(_Bucket(start_s))
        self._buckets[-1].size += size
        self._buckets[-1].commits += commits

    def _forget(self, now_s: float) -> None:
        while self._buckets and self._buckets[0].start_s < now_s - _WINDOW_S:
            self._buckets.popleft()
            if self._buckets and self._since_s is not None:
                self._since_s = max(self._since_s, self._buckets[0].start_s)

    def _cost(self, segment: Segment) -> float:
        return page_bytes(len(segment.body) + len(segment.span) + len(segment.boot or ""), self._page)
