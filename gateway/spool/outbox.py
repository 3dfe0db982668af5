"""One upstream's view of a spool: what to send next, in lanes, and what it has confirmed."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.spool.ranges import RangeSet
from gateway.spool.segment import EVENTS, READINGS, Head, Segment, first_number
from gateway.spool.store import Spool

_URGENCY = ("", "events", "live", "backlog")
_SCAN = 256  # heads looked at in one query


@dataclass(frozen=True, slots=True)
class Batch:
    """Segments that travel together."""

    lane: str
    heads: tuple[Head, ...]

    @property
    def points(self) -> int:
        """Return how many readings and events are in it."""
        return sum(head.points for head in self.heads)

    @property
    def size(self) -> int:
        """Return the bytes of all bodies."""
        return sum(head.size for head in self.heads)


@dataclass(slots=True)
class Waiting:
    """What an upstream has not confirmed yet, of one lane."""

    points: int = 0
    bytes: int = 0


class Outbox:
    """Hands out segments: events first, then live readings, then the backlog; each oldest first.

    Live is what was committed after `resume`: the newest values are seen first after an outage. Progress
    is a set of ids, so lanes may overtake each other. All methods are safe from any thread.
    """

    def __init__(self, spool: Spool, upstream: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.spool = spool
        self.upstream = upstream
        self._monotonic = monotonic
        self._recent: deque[tuple[float, Batch]] = deque()
        self._out = RangeSet()
        self._mark = 0
        self._crowded_out = ""
        self.waiting = {EVENTS: Waiting(), READINGS: Waiting()}
        with spool.lock:
            self.delivered = spool.delivered(upstream)
            first = spool.first_id()
            if first > 1:
                self.delivered.add(0, first - 1)
            for low, high in self.delivered.missing(0, spool.last_id):
                for lane, (points, size) in spool.totals(low, high).items():
                    self._count(lane, points, size)
            spool.watchers.append(self._appended)
            spool.rewriters.append(self._rewritten)

    def _appended(self, segments: Sequence[Segment]) -> None:
        for each in segments:
            self._count(each.lane, each.points, len(each.body))

    def _rewritten(self, old: Sequence[Head], new: Sequence[Segment]) -> None:
        for head in old:
            if head.id not in self.delivered:
                self._count(head.lane, -head.points, -head.size)
        for each in new:
            if each.id not in self.delivered:
                self._count(each.lane, each.points, len(each.body))
        if sum(head.points for head in old) > sum(each.points for each in new):
            held = RangeSet((self.first(each), each.id) for each in new)
            for head in old:
                for low, high in held.missing(self.first(head), head.id):
                    self.delivered.add(low, high)  # nobody waits for what was given up

    def fixed(self) -> RangeSet:
        """Return the ids that must stay as they are: on their way, or sent and perhaps to be sent again."""
        with self.spool.lock:
            self._expire()
            kept = self._out.copy()
            for _, batch in self._recent:
                for head in batch.heads:
                    kept.add(self.first(head), head.id)
            return kept

    def busy(self, number: int) -> bool:
        """Whether a segment is confirmed, or on its way: then it must stay as it is."""
        with self.spool.lock:
            return number in self.delivered or number in self._out

    def _count(self, lane: int, points: int, size: int) -> None:
        self.waiting[lane].points += points
        self.waiting[lane].bytes += size

    def resume(self, live_bytes: int) -> None:
        """Begin again after silence: all but the newest `live_bytes` (one request's worth) is backlog now.

        The newest segment is live however large it is.
        """
        with self.spool.lock:
            mark, seen = self.spool.last_id, 0
            rows = self.spool.query(
                "SELECT id, size FROM segment WHERE lane = ? ORDER BY id DESC LIMIT 1000", (READINGS,)
            )
            for segment_id, size in rows:
                seen += size
                if seen > max(live_bytes, size):
                    break
                mark = segment_id - 1
            self._mark = max(mark, 0)

    def next(
        self,
        max_bytes: int,
        max_points: int = 1 << 30,
        *,
        lanes: int = 3,
        ready: Callable[[Head], bool] = lambda _: True,
    ) -> Batch | None:
        """Hand out the next batch, at least one segment if anything waits; None when nothing does.

        What room the more urgent lanes leave the next one fills, so that a thin line with a steady trickle
        of live readings still drains its backlog. The batch is named after its least urgent segment.
        With fewer `lanes` the backlog (2), or live readings too (1), must wait; so must what is not `ready`.
        """
        with self.spool.lock:
            ways = (
                ("events", EVENTS, 0, self.spool.last_id),
                ("live", READINGS, self._mark + 1, self.spool.last_id),
                ("backlog", READINGS, 0, self._mark),
            )
            chosen: list[Head] = []
            named = ""
            size = points = 0
            # A segment that found no room last time goes first now, alone of its lane: a large one would else
            # wait for as long as small ones of more urgent lanes come.
            crowded_out = [way for way in ways[:lanes] if way[0] == self._crowded_out]
            self._crowded_out = ""
            for turn, (name, lane, first, last) in enumerate([*crowded_out, *ways[:lanes]]):
                alone = turn < len(crowded_out)
                here = 0
                for head in filter(ready, self._pending(lane, first, last)):
                    if head in chosen:
                        continue
                    if chosen and (size + head.size > max_bytes or points + head.points > max_points):
                        self._crowded_out = name if not here and name != named else ""
                        size = max_bytes + 1
                        break
                    size += head.size
                    points += head.points
                    here += 1
                    chosen.append(head)
                    named = max(named, name, key=_URGENCY.index)
                    if alone:
                        break
                if size > max_bytes:
                    break
            for head in chosen:
                self._out.add(self.first(head), head.id)
        return Batch(named, tuple(chosen)) if chosen else None

    def _pending(self, lane: int, first: int, last: int) -> Iterator[Head]:
        if first > last or not self.waiting[lane].points:
            return
        busy = self.delivered.copy()
        busy.update(self._out)
        for low, high in busy.missing(first, last):
            at = low
            while at <= high:
                heads = self.spool.heads(lane, at, high, _SCAN)
                yield from heads
                if len(heads) < _SCAN:
                    break
                at = heads[-1].id + 1

    def first(self, it: Head | Segment) -> int:
        """Return the first number that a segment stands for; a thinned one has fewer points than numbers."""
        if not self.spool.by_seq:
            return it.id
        number = first_number(it.span)
        return it.id - it.points + 1 if number is None else number

    def done(self, batch: Batch) -> None:
        """The upstream has confirmed the batch: it may leave once it has been kept a while."""
        with self.spool.lock:
            self.back(batch)
            for head in batch.heads:
                if head.id not in self.delivered:
                    self._count(head.lane, -head.points, -head.size)
                first = self.first(head)
                if not self.spool.by_seq and first - 1 not in self.delivered:
                    # What was joined into it left its ids: as holes they would be asked for at each batch.
                    first = self.spool.before(first) + 1
                self.delivered.add(first, head.id)
            self._recent.append((self._monotonic(), batch))

    def back(self, batch: Batch) -> None:
        """The batch was not confirmed: it waits again."""
        with self.spool.lock:
            for head in batch.heads:
                self._out.discard(self.first(head), head.id)

    def confirm_through(self, number: int) -> bool:
        """Everything with an id up to `number` is confirmed; return whether that was news."""
        with self.spool.lock:
            number = min(number, self.spool.last_id)
            news = list(self.delivered.missing(0, number)) if number >= 0 else []
            for low, high in news:
                for lane, (points, size) in self.spool.totals(low, high).items():
                    self._count(lane, -points, -size)
                self.delivered.add(low, high)
                self._out.discard(low, high)
            return bool(news)

    def back_all(self) -> None:
        """Whatever is on its way waits again: the connection it went by is gone."""
        with self.spool.lock:
            self._out = RangeSet()

    @property
    def on_its_way(self) -> int:
        """Return how many ids have been handed out and not been confirmed."""
        with self.spool.lock:
            return len(self._out)

    @property
    def backlog_on_its_way(self) -> int:
        """Return how many of those are of the backlog."""
        with self.spool.lock:
            return sum(min(high, self._mark) - low + 1 for low, high in self._out if low <= self._mark)

    def forgotten(self) -> int:
        """What the upstream confirmed of late may be lost there: it waits again. Returns its readings."""
        with self.spool.lock:
            self._expire()
            points = 0
            for _, batch in self._recent:
                for head in batch.heads:
                    self.delivered.discard(self.first(head), head.id)
                    self._count(head.lane, head.points, head.size)
                    points += head.points
            self._recent.clear()
            return points

    def _expire(self) -> None:
        horizon = self._monotonic() - self.spool.keep_s
        while self._recent and self._recent[0][0] <= horizon:
            self._recent.popleft()

    def releasable(self) -> RangeSet:
        """Return the ids that this upstream no longer needs."""
        with self.spool.lock:
            self._expire()
            free = self.delivered.copy()
            for _, batch in self._recent:
                for head in batch.heads:
                    free.discard(self.first(head), head.id)
            return free

    def oldest(self) -> Head | None:
        """Return the oldest segment that waits, also one that is on its way."""
        with self.spool.lock:
            for low, high in self.delivered.missing(0, self.spool.last_id):
                found = [h for lane in (EVENTS, READINGS) for h in self.spool.heads(lane, low, high, 1)]
                if found:
                    return min(found)
        return None

    def live(self) -> Waiting:
        """Return what waits of readings committed since the last `resume`."""
        with self.spool.lock:
            found = Waiting()
            for low, high in self.delivered.missing(self._mark + 1, self.spool.last_id):
                points, size = self.spool.totals(low, high)[READINGS]
                found.points += points
                found.bytes += size
            return found


def reclaim(spool: Spool, outboxes: Sequence[Outbox], needed: tuple[int, int] | None = None) -> int:
    """Delete what every upstream has confirmed and kept long enough; return how many segments went.

    `needed` are the first and last id of what stays all the same.
    A spool without an upstream keeps everything: it waits for an export, or for an upstream to come.
    """
    with spool.lock:
        if spool.problem:
            return 0
        free = [outbox.releasable() for outbox in outboxes]
        common = free[0].copy() if free else RangeSet()
        for other in free[1:]:
            for low, high in other.missing(0, spool.last_id):
                common.discard(low, high)
        if needed is not None:
            common.discard(*needed)
        return spool.reclaim({outbox.upstream: outbox.delivered for outbox in outboxes}, common)
