"""Sends the spool over MQTT and lets go of it only when custody says that the edge has it on disk."""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.custody import confirmed
from gateway.dating import Dating
from gateway.feed import FeedError, Meta, encode
from gateway.feed.link import Link, Message, Settings, Will
from gateway.flight import Flight
from gateway.journal import Entry, join_bodies
from gateway.shown import Identity, Shown
from gateway.spool import Compactor, DamageError, Outbox, Spool, reclaim
from gateway.spool.outbox import Batch
from gateway.spool.segment import Head
from gateway.thinning import lowest_told
from gateway.unsendable import read, set_aside

__all__ = ["Identity", "Publisher"]

log = logging.getLogger(__name__)

_WINDOW = 200  # PUBACKs outstanding: enough to fill a link, little enough to lose nothing of weight
_UNCONFIRMED = (
    5_000  # of the backlog sent and not yet in custody: past this, it only fills the broker's queue
)
_LIVE_BYTES = 32_000  # of what waited through an outage, how much counts as live: the newest few minutes
_URGENT_EVERY = 50  # messages of a backlog segment between two looks for events and live readings
_STALL_FIRST_S = 5.0
_STALL_MOST_S = 120.0
_HOUSE_S = 10.0
_RECLAIM_S = 60.0  # each time wears the card
_TICK_S = 1.0
_FAILURE_PAUSE_S = 2.0
_GOODBYE_S = 0.5  # for the statuses, when all the time was needed for readings


class Publisher:
    """One thread that sends, one (the link's) that hears. `custody` is "edge" or "broker"."""

    def __init__(
        self,
        spool: Spool,
        identity: Identity,
        dating: Dating,
        settings: Settings,
        metas: Sequence[tuple[str, Meta]],
        *,
        custody: str = "edge",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spool = spool
        self.identity = identity
        self.outbox = Outbox(spool, "custody", monotonic)
        self._compactor = Compactor(spool, [self.outbox], join_bodies)
        self._dating = dating
        self._by_broker = custody == "broker"
        self._monotonic = monotonic
        self._own_meta = next(((path, meta) for path, meta in metas if meta.id == identity.gw), None)
        self._shown = Shown(metas)
        self._wake = threading.Condition()
        self._news = self._fresh = True
        self._idle = self._stalled = self._stopping = False
        self._stall_s = _STALL_FIRST_S
        self._moved_at = self._kept_at = self._reclaimed_at = monotonic()
        self._beat = time.monotonic()
        self.disk_failed: Callable[[Exception], object] = lambda _: None
        self.crowded: Callable[[], bool] = lambda: False
        self.commands: Sequence[str] = ()
        self.reads_at: Callable[[], int] | None = None  # the clock of readings that come by themselves
        self.commanded: Callable[[str, Message], None] = lambda _path, _message: None
        self.link = Link(
            replace(settings, will=Will(identity.own("status"), b"offline")),
            on_up=self._up,
            on_down=self._down,
            on_message=self._heard,
            on_puback=self._acked,
        )
        self._flight = Flight(self._wake, self.link.current)
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)
        spool.watchers.append(lambda _: self._poke())

    def start(self) -> None:
        """Start connecting and sending."""
        self._thread.start()
        self.link.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send for up to `timeout_s` what can be sent, say offline, disconnect, write progress down."""
        deadline = time.monotonic() + timeout_s
        with self._wake:
            self._wake.wait_for(lambda: not self.link.up or self._all_done(), timeout_s)
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(_TICK_S * 2)
        if self.link.up:
            for path in self._shown.statuses:
                self._send(path, b"offline")
            with self._wake:
                left = max(deadline - time.monotonic(), _GOODBYE_S)
                self._wake.wait_for(lambda: not self._flight or not self.link.up, left)
        self.link.stop()
        try:
            reclaim(self.spool, [self.outbox])
        except sqlite3.Error as error:
            log.error("progress cannot be written down, some readings will be sent again: %s", error)  # noqa: TRY400

    @property
    def drained(self) -> bool:
        """Whether everything in the spool is in custody."""
        return not any(waiting.points for waiting in self.outbox.waiting.values())

    @property
    def error(self) -> str | None:
        """Why the broker refuses what we publish; None when it does not."""
        return self._flight.error

    def alive(self, limit_s: float = 30.0) -> bool:
        """Whether its threads run and the sending one has moved in the last `limit_s`."""
        moving = time.monotonic() - self._beat < limit_s
        return self._thread.is_alive() and moving and self.link.alive

    def show(self, entries: Sequence[Entry]) -> None:
        """Publish the newest reading of each asset as its state, and its status; called after a commit."""
        self._shown.committed(entries)
        self._poke()

    def say(self, path: str, payload: bytes) -> bool:
        """Send an answer once, not retained; False when there is no connection."""
        number = self.link.publish(self.identity.topic(path), payload)
        if number is not None:
            self._done(self._flight.sent(number, None))
        return number is not None

    def put(self, path: str, body: bytes) -> None:
        """Publish something retained from now on, on every connection anew."""
        self._shown.put(path, body)
        self._poke()

    def _all_done(self) -> bool:
        """Whether nothing is left that could be sent now: readings without a date must wait for one."""
        return self.drained or (self._idle and not self.outbox.on_its_way)

    def _poke(self) -> None:
        with self._wake:
            self._news = True
            self._wake.notify_all()

    def _send(self, path: str, payload: bytes, head: Head | None = None) -> bool:
        number = self.link.publish(self.identity.topic(path), payload, retain=head is None)
        if number is None:
            return False
        self._done(self._flight.sent(number, head))
        return True

    def _up(self, link: Link) -> None:
        link.subscribe([self.identity.own("custody"), *map(self.identity.topic, self.commands)])
        self._poke()

    def _down(self, _reason: str) -> None:
        self._fresh = True  # before anything can be sent on the next connection
        self._flight.clear()

    def _acked(self, number: int, error: str | None) -> None:
        self._done(self._flight.acked(number, error))

    def _done(self, head: Head | None) -> None:
        """The broker has acknowledged a whole segment; that frees it only where there is no edge."""
        if self._by_broker and head is not None:
            self.outbox.done(Batch("", (head,)))
            self._moved(self._monotonic())

    def _heard(self, message: Message) -> None:
        message.ack()
        path = "/".join(message.topic.split("/")[4:])
        if path in self.commands:
            self.commanded(path, message)
            return
        number = confirmed(message, self.identity, self.spool)
        if number is None:
            return
        if self._by_broker:
            log.warning('an edge takes custody of our readings, and [mqtt] custody is "broker"; ignored')
            return
        if self.outbox.confirm_through(number):
            if self._stalled:
                self.outbox.back_all()  # how much was lost on the way is not known
            self._moved(self._monotonic())
        elif not message.retain:
            self._stall_s = _STALL_FIRST_S

    def _moved(self, now: float) -> None:
        """Custody has moved."""
        self._moved_at, self._stall_s, self._stalled = now, _STALL_FIRST_S, False
        self._poke()

    def _run(self) -> None:
        while True:
            self._beat = time.monotonic()
            with self._wake:
                if self._stopping:
                    return
                if not self.link.up:
                    self._wake.wait(_TICK_S)
            try:
                if self.link.up:
                    if self._fresh:
                        self._begin()
                    if not self._send_next():
                        self._rest()
                self._housekeep()
            except Exception as error:
                if isinstance(error, sqlite3.Error):
                    log.warning("the spool's disk fails: %s; trying again", error)
                    self.disk_failed(error)
                else:
                    log.exception("sending failed; trying again")
                with self._wake:
                    self._wake.wait_for(lambda: self._stopping, _FAILURE_PAUSE_S)

    def _begin(self) -> None:
        """A new connection: say all that is retained, then send from where custody stands."""
        self._fresh = self._stalled = False
        self.outbox.back_all()
        self.outbox.resume(_LIVE_BYTES)
        self._say_held()
        self._shown.again()
        self._moved_at = self._monotonic()

    def _say_held(self) -> None:
        """The node's meta says what it can still send: nothing below will ever come."""
        if self._by_broker or self._own_meta is None:
            return  # what the broker has confirmed may still be on its way to the edge
        oldest = self.outbox.oldest()
        held = self.outbox.first(oldest) if oldest else self.spool.last_id + 1
        told = lowest_told(self.outbox)
        path, meta = self._own_meta
        meta.ep, meta.held = self.identity.ep, held if told is None else min(held, told)
        self._shown.put(path, encode(meta))

    def _send_next(self, lanes: int = 3) -> bool:
        """Publish what is due of the retained side, and one segment; False when there is none."""
        while self._room() and self._shown.say(self._send):
            pass
        if not self._room():
            return False
        if self._stalled or self.outbox.backlog_on_its_way >= _UNCONFIRMED:
            lanes = min(lanes, 2)  # live readings go on: others listen too
        waited = not self.outbox.on_its_way
        batch = self.outbox.next(1, lanes=lanes, ready=self._dating.can_date)
        self._idle = batch is None
        if batch is None:
            return False
        if waited:  # custody has had nothing to move for until now
            self._moved_at = self._monotonic()
        return self._send_segment(batch)

    def _send_segment(self, batch: Batch) -> bool:
        head = batch.heads[0]
        try:
            found = read(self.spool, head)
        except (KeyError, DamageError):
            return True  # custody came while we looked, or it has been set aside
        bodies, wrong = [], {}
        for record in found:
            try:
                bodies.append((record.path, self._dating.finish(record, head)))
            except FeedError as error:
                wrong[record.seq] = error
        if wrong:
            set_aside(self.spool, head, wrong)
            self.outbox.back(batch)
            return True  # what is left of it comes in its next turn
        self._flight.expect(head, len(bodies))
        for number, (path, body) in enumerate(bodies, 1):
            if not self._room() or not self._send(path, body, head):
                return False
            if batch.lane == "backlog" and number % _URGENT_EVERY == 0:
                while self._send_next(lanes=2):
                    pass
        return True

    def _room(self) -> bool:
        """Wait for room in the window; False when there will be none, for the link is down or we stop."""
        with self._wake:
            while len(self._flight) >= _WINDOW and self.link.up and not self._stopping:
                self._beat = time.monotonic()
                self._wake.wait(_TICK_S)
        return self.link.up and not self._stopping

    def _rest(self) -> None:
        """Nothing to send: wait for news, and see to what has been without custody for too long."""
        now, under_way = self._monotonic(), self.outbox.on_its_way
        if under_way and now - self._moved_at > self._stall_s:
            self._send_again(now, under_way)
            return
        with self._wake:
            self._wake.notify_all()  # stop() may be waiting for just this
            self._wake.wait_for(lambda: self._news or self._stopping, _TICK_S)
            self._news = False

    def _send_again(self, now: float, under_way: int) -> None:
        """Custody does not move: ask with the oldest segment. Has it moved by that, all the rest follows."""
        log.warning("custody has not moved for %.0f s with %d sent: sending again", self._stall_s, under_way)
        self._stall_s = min(self._stall_s * 2 * random.uniform(0.9, 1.1), _STALL_MOST_S)  # noqa: S311
        self._moved_at = now
        oldest = self.outbox.oldest()
        if self._by_broker or oldest is None:
            self.outbox.back_all()
            return
        self._stalled = True
        self._say_held()
        if self._dating.can_date(oldest):
            self._send_segment(Batch("live", (oldest,)))

    def _housekeep(self) -> None:
        now = self._monotonic()
        if self.reads_at is not None:
            self._shown.overdue(self.reads_at())
        if now - self._kept_at < _HOUSE_S:
            return
        self._kept_at = now
        if now - self._reclaimed_at >= _RECLAIM_S or self.crowded():
            self._reclaimed_at = now
            reclaim(self.spool, [self.outbox])
        self._compactor.compact()
