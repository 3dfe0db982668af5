"""The one writer of an edge: arrivals become segments, one commit a group, and only then are acknowledged."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from edge_api.api.view import CannotCommit, SpoolFull
from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.bodies import gaps_of, is_event, numbers_of, span_ns, widen
from edge_api.group import Group, Home
from edge_api.history import History
from edge_api.unread import unread
from gateway.spool import EVENTS, READINGS, Gap, RangeSet, Refused, Segment, Spool, Stored, Stream
from gateway.spool.quota import Fullness
from gateway.spool.room import Room
from gateway.spool.segment import parse_span, span_text
from gateway.spool.thinning import QUOTA

log = logging.getLogger(__name__)

Arrival = MessageArrival | BatchArrival
_NONE = RangeSet()
_RETRY_AFTER_S = 10.0
_FULL_RETRY_S = 30.0
_MOST_HELD = 20_000  # messages: older ones came over connections that are gone, and come again
_GIVEN_UP = "SELECT first, last FROM gap WHERE gw = ? AND ep = ? AND reason <> ? AND first <= last"
_TOLD = "SELECT 1 FROM gap WHERE gw = ? AND ep = ? AND reason = ? AND after_ns = ?"
_REMEMBERED = 1_000  # refused messages: one that is sent again and again is kept once


@dataclass(slots=True)
class Counts:
    """Totals since this process started, in readings and events."""

    received: int = 0
    committed: int = 0
    duplicates: int = 0
    refused: int = 0
    commits: int = 0


class Intake:
    """Commits groups of arrivals; the Committer's thread is the only caller of `commit`."""

    def __init__(
        self,
        spool: Spool,
        history: History,
        touched: Callable[[Mapping[Stream, Home | None]], None],
        wall_ns: Callable[[], int],
        room: Room | None = None,
    ) -> None:
        self._spool = spool
        self._room = room
        self._held: list[MessageArrival] = []
        self._holding = threading.Lock()
        self._history = history
        self._touched = touched
        self._wall_ns = wall_ns
        rows = spool.query(
            "SELECT place, body FROM quarantine WHERE source = 'mqtt' ORDER BY id DESC LIMIT ?",
            (_REMEMBERED,),
        )
        self._refused = dict.fromkeys(_digest(place, body) for place, body in reversed(rows))
        self.counts = Counts()

    def commit(self, arrivals: list[Arrival]) -> None:
        """Put a group on disk, then acknowledge it and show it; raise sqlite3.Error when the disk refuses.

        What there is no room for is refused (HTTP) or held, unacknowledged, until `resumable` (MQTT).
        """
        arrivals = self._admit(arrivals)
        group = self._sort(arrivals)
        stored = None
        if group.segments or group.gaps or group.refused:
            stored = self._append(group)
            self.counts.commits += 1
        # It is on disk: from here on nothing may make the committer believe that it is not.
        self._remember(group)
        for arrival in arrivals:
            if isinstance(arrival, MessageArrival):
                arrival.ack()
        self._spool.saw(group.times)
        self._touched({stream: group.homes.get(stream) for stream in group.span})
        try:
            self._show(group, stored)
        except Exception:
            # History is a copy for people: a fault in it must not undo what is committed and acknowledged.
            log.exception("what was committed cannot be shown; custody goes on")
        for arrival in arrivals:  # whoever has an answer finds it counted, and shown
            if isinstance(arrival, BatchArrival) and not arrival.done.done():
                arrival.done.set_result(None)

    def _show(self, group: Group, stored: Stored | None) -> None:
        """Show first what came into the spool beside us (replays, the edge's own words), then this.

        All in the order of the spool: marks of what has been shown need no more than one number then.
        """
        before = self._spool.last_id if stored is None else stored.first_id - 1
        if before > self._history.read:
            lanes = (EVENTS, READINGS)
            for number, theirs, body in unread(self._spool, lanes, self._history.read, before):
                self._history.add((), number, [(theirs, body)])
        last = before if stored is None else stored.last_id
        points, bodies = group.shown(unopened=self._history.unopened(group.homes.values()))
        self._history.add(points, last, bodies)

    def _append(self, group: Group) -> Stored:
        try:
            return self._spool.append(
                group.segments,
                gaps=group.gaps,
                refused=list(group.refused.values()),
                found=group.late,
                wall_ns=self._wall_ns(),
            )
        except sqlite3.Error as error:
            if self._room is not None:
                self._room.quota.gave_out(error)  # so that the next try finds space for events
            raise

    def _admit(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Return what there is room for: all, or events only."""
        if self._room is None or self._room.make():
            return arrivals
        admitted: list[Arrival] = []
        for arrival in arrivals:
            if isinstance(arrival, BatchArrival):
                problem = self._room.refusal(event=is_event(arrival.points))
                if problem is None:
                    admitted.append(arrival)
                elif not arrival.done.done():
                    arrival.done.set_exception(refusal_of(problem))
            elif self._room.refusal(event=arrival.lane == EVENTS and arrival.refused is None) is None:
                admitted.append(arrival)
            else:
                with self._holding:
                    self._held = [*self._held[-_MOST_HELD + 1 :], arrival]
        return admitted

    def resumable(self) -> list[MessageArrival]:
        """Return, once, the messages that waited for room if there may be some now."""
        if self._room is None or self._room.state is not Fullness.ROOM:
            return []
        with self._holding:
            held, self._held = self._held, []
        return held

    def _remember(self, group: Group) -> None:
        self.counts.received += group.fresh + group.duplicates + len(group.refused)
        self.counts.committed += group.fresh
        self.counts.duplicates += group.duplicates
        self.counts.refused += len(group.refused)
        self._refused |= dict.fromkeys(group.refused)
        while len(self._refused) > _REMEMBERED:
            del self._refused[next(iter(self._refused))]

    @staticmethod
    def refuse(arrivals: list[Arrival], error: Exception) -> list[Arrival]:
        """Answer the HTTP senders that it did not work; MQTT messages stay, unacknowledged."""
        for arrival in arrivals:
            if isinstance(arrival, BatchArrival) and not arrival.done.done():
                why = "the disk does not take it" if isinstance(error, (OSError, sqlite3.Error)) else "fault"
                arrival.done.set_exception(CannotCommit(f"{why}: {error}", _RETRY_AFTER_S))
        return [arrival for arrival in arrivals if isinstance(arrival, MessageArrival)]

    def _sort(self, arrivals: list[Arrival]) -> Group:
        group = Group()
        told: list[Gap] = []
        by_stream: dict[Stream, list[MessageArrival]] = {}
        for arrival in arrivals:
            if isinstance(arrival, BatchArrival):
                told += self._add_batch(group, arrival)
            elif arrival.refused is not None:
                self._add_refused(group, arrival.refused)
            elif arrival.stream is None or arrival.point is None:
                raise ValueError("a message that is not refused has a stream and a point")
            else:
                by_stream.setdefault(arrival.stream, []).append(arrival)
        for stream, messages in by_stream.items():
            told += self._add_messages(group, stream, messages)
        group.close()
        group.gaps = [missing for gap in told for missing in self._unseen(group, gap)]
        return group

    def _add_refused(self, group: Group, refused: Refused) -> None:
        digest = _digest(refused.place, refused.body)
        if digest in self._refused or digest in group.refused:
            group.duplicates += 1
            return
        group.refused[digest] = refused
        for stream in parse_span(refused.span):
            group.span.setdefault(stream, RangeSet())

    def _add_messages(self, group: Group, stream: Stream, messages: list[MessageArrival]) -> list[Gap]:
        """Take in the messages of one stream; those committed before are acknowledged, and kept once."""
        fresh = self._new(group, stream, messages)
        group.duplicates += len(messages) - len(fresh)
        group.fresh += len(fresh)
        group.points += [each.point for each in fresh if each.point is not None]
        newest = messages[-1].point
        if newest is not None:
            group.homes[stream] = (newest.tags["province"], newest.tags["commune"])
        for lane in {each.lane for each in fresh}:
            group.messages.setdefault(lane, {})[stream] = [each for each in fresh if each.lane == lane]
        return [each.gap for each in fresh if each.gap is not None]

    def _new(self, group: Group, stream: Stream, messages: list[MessageArrival]) -> list[MessageArrival]:
        """Return those whose numbers have not come before; enter them."""
        seqs = [each.seq for each in messages]
        numbers = group.span.setdefault(stream, RangeSet())
        seen = self._spool.streams.get(stream, _NONE)
        first, last = seqs[0], seqs[-1]
        # As a rule each number is one more than the one before it, and all are above what is known.
        one_by_one = last - first == len(seqs) - 1 and seqs == list(range(first, last + 1))
        if one_by_one and numbers.below(first) and seen.below(first):
            numbers.add(first, last)
            return messages
        return [each for each in messages if self._is_new(group, stream, each.seq)]

    def _add_batch(self, group: Group, arrival: BatchArrival) -> list[Gap]:
        points = arrival.points
        numbers, times = numbers_of(points)
        span = {stream: RangeSet.of(seqs) for stream, seqs in numbers.items()}
        fresh = sum(self._enter(group, stream, ranges) for stream, ranges in span.items())
        known = sum(map(len, numbers.values())) - fresh
        group.duplicates += known
        if known == len(points):
            return []  # the whole body was sent before, and its answer was lost on the way
        lane = EVENTS if is_event(points) else READINGS
        group.segments.append(Segment(lane, len(points), span_text(span), arrival.body, *span_ns(points)))
        group.bodies.append(arrival)
        for stream, between in times.items():
            widen(group.times, stream, *between)
        group.fresh += len(points) - known
        return gaps_of(points)

    def _is_new(self, group: Group, stream: Stream, seq: int) -> bool:
        """Whether a number has not come before; enter it."""
        return seq not in group.span[stream] and bool(self._enter(group, stream, ((seq, seq),)))

    def _enter(self, group: Group, stream: Stream, ranges: Iterable[tuple[int, int]]) -> int:
        """Enter numbers, and return how many had not come before. One given up as a gap is new.

        But not one that was thinned: it was here, or its node has told of it, and there was no room for it.
        """
        numbers = group.span.setdefault(stream, RangeSet())
        seen = self._spool.streams.get(stream, _NONE)
        fresh = 0
        for low, high in [each for first, last in ranges for each in numbers.missing(first, last)]:
            new = list(seen.missing(low, high))
            if new != [(low, high)]:
                late = self._given_up(group, stream).common(seen.common(((low, high),)))
                group.late.setdefault(stream, RangeSet()).update(late)
                new += late
            for first, last in new:
                numbers.add(first, last)
                fresh += last - first + 1
        return fresh

    def _given_up(self, group: Group, stream: Stream) -> RangeSet:
        if stream not in group.given_up:
            group.given_up[stream] = RangeSet(self._spool.query(_GIVEN_UP, (*stream, QUOTA)))
        return group.given_up[stream]

    def _unseen(self, group: Group, gap: Gap) -> list[Gap]:
        """Cut from a gap what did arrive: only what is really missing is a gap."""
        if not gap.numbers:
            return [] if self._spool.query(_TOLD, (*gap.stream, gap.reason, gap.after_ns)) else [gap]
        seen = self._spool.streams.get(gap.stream, RangeSet()).copy()
        seen.update(group.span.get(gap.stream, ()))
        return [Gap(gap.stream, a, b, gap.reason) for a, b in seen.missing(gap.first, gap.last)]


def refusal_of(state: Fullness) -> SpoolFull | CannotCommit:
    """Return what an HTTP sender is told when there is no room."""
    if state is Fullness.QUOTA:
        return SpoolFull("the spool is full; keep it, and send it later", _FULL_RETRY_S)
    return CannotCommit("the disk is full; keep it, and send it later", _FULL_RETRY_S)


def _digest(place: str, body: bytes) -> bytes:
    return blake2b(place.encode() + b"\0" + body, digest_size=16).digest()
