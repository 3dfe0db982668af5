"""Sends the spool over MQTT and lets go of it only when custody says that the edge has it on disk."""

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.dating import Dating
from gateway.feed import Custody, Event, FeedError, Meta, Topic, encode
from gateway.feed.bodies import decode
from gateway.feed.link import Link, Message, Settings, Will
from gateway.journal import Entry, join_bodies, records
from gateway.spool import Compactor, Outbox, Spool, reclaim
from gateway.spool.outbox import Batch
from gateway.thinning import lowest_told

log = logging.getLogger(__name__)

_WINDOW = 200  # PUBACKs outstanding: enough to fill a link, little enough to lose nothing of weight
_UNCONFIRMED = 5_000  # sent and not yet in custody: past this, sending more only fills the broker's queue
_LIVE_BYTES = 32_000  # of what waited through an outage, how much counts as live: the newest few minutes
_STALL_FIRST_S = 5.0
_STALL_MOST_S = 120.0
_RECLAIM_S = 10.0
_TICK_S = 1.0
_DISK_PAUSE_S = 2.0


@dataclass(slots=True)
class Identity:
    """Who publishes: the node's place in the topic tree."""

    province: str
    commune: str
    gw: str
    ep: str

    def topic(self, path: str) -> str:
        """Return the topic of domain/asset/channel."""
        return str(Topic(self.province, self.commune, *path.split("/")))

    def own(self, channel: str) -> str:
        """Return the topic of one of the node's own channels."""
        return self.topic(f"gateway/{self.gw}/{channel}")


@dataclass(slots=True)
class Shown:
    """The retained side of the feed: the last word on each topic, said again on every new connection."""

    metas: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Early:
    """A PUBACK that overtook the return of publish()."""

    error: str | None


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
        self._metas = list(metas)
        self._shown = Shown()
        self._wake = threading.Condition()
        self._fresh = False
        self._in_flight: dict[int, Batch | None] = {}
        self._early: dict[int, Early] = {}
        self._unacked: dict[int, int] = {}
        self._undated: list[Batch] = []
        self._stopping = False
        self._stall_s = _STALL_FIRST_S
        self._moved_at = monotonic()
        self._reclaimed_at = monotonic()
        self.error: str | None = None
        self.disk_failed: Callable[[Exception], object] = lambda _: None
        self.link = Link(
            Settings(
                host=settings.host,
                port=settings.port,
                client_id=settings.client_id,
                username=settings.username,
                password=settings.password,
                keepalive_s=settings.keepalive_s,
                will=Will(identity.own("status"), b"offline"),
            ),
            on_up=self._up,
            on_down=self._down,
            on_message=self._heard,
            on_puback=self._acked,
        )
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)
        for path, meta in self._metas:
            self._shown.statuses[path.replace("/meta", "/status")] = b"online"
            self._shown.metas[path] = encode(meta)
        spool.watchers.append(lambda _: self._poke())

    def start(self) -> None:
        """Start connecting and sending."""
        self._thread.start()
        self.link.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send for up to `timeout_s` what still waits, say offline, disconnect, write progress down."""
        deadline = time.monotonic() + timeout_s
        with self._wake:
            self._wake.wait_for(lambda: not self.link.up or self.drained, max(deadline - time.monotonic(), 0))
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(_TICK_S * 2)
        if self.link.up:
            for path in self._shown.statuses:
                self._send(path, b"offline", retain=True)
            with self._wake:
                self._wake.wait_for(lambda: not self._in_flight, max(deadline - time.monotonic(), 0.5))
        self.link.stop()
        try:
            reclaim(self.spool, [self.outbox])
        except sqlite3.Error as error:
            log.error("progress cannot be written down, some readings will be sent again: %s", error)  # noqa: TRY400

    @property
    def drained(self) -> bool:
        """Whether everything in the spool is in custody."""
        return not any(waiting.points for waiting in self.outbox.waiting.values())

    def show(self, entries: Sequence[Entry]) -> None:
        """Publish the newest reading of each asset as its state, and its status; called after a commit."""
        newest: dict[str, Entry] = {}
        for entry in entries:
            if isinstance(entry.body, Event) or not self._dating.dated(entry.body.ts):
                continue
            path = entry.path.removesuffix("telemetry") + "state"
            if path not in newest or entry.mono_ns >= newest[path].mono_ns:
                newest[path] = entry
        for path, entry in newest.items():
            if isinstance(entry.body, Event):
                continue
            state = encode(entry.body)
            status = b"fault" if entry.body.q == "bad" else b"online"
            status_path = path.removesuffix("state") + "status"
            with self._wake:
                self._shown.states[path] = state
                changed = self._shown.statuses.get(status_path) != status
                self._shown.statuses[status_path] = status
            self._send(path, state, retain=True)
            if changed:
                self._send(status_path, status, retain=True)

    def _poke(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _send(self, path: str, payload: bytes, *, retain: bool = False, batch: Batch | None = None) -> bool:
        mid = self.link.publish(self.identity.topic(path), payload, retain=retain)
        if mid is None:
            return False
        with self._wake:
            self._in_flight[mid] = batch
            early = self._early.pop(mid, None)
        if early is not None:  # the PUBACK came before publish() had told us the number
            self._acked(mid, early.error)
        return True

    def _up(self, link: Link) -> None:
        link.subscribe([self.identity.own("custody")])
        with self._wake:
            self._fresh = True
            self._wake.notify_all()

    def _down(self, _reason: str) -> None:
        with self._wake:
            self._in_flight.clear()
            self._early.clear()
            self._unacked.clear()
            self._wake.notify_all()

    def _acked(self, mid: int, error: str | None) -> None:
        done = None
        with self._wake:
            if mid not in self._in_flight:
                self._early[mid] = Early(error)
                return
            batch = self._in_flight.pop(mid)
            if error is not None and error != self.error:
                log.error("the broker refuses what we publish: %s; check its ACL and our login", error)
            self.error = error
            if batch is not None and error is None and id(batch) in self._unacked:
                self._unacked[id(batch)] -= 1
                if not self._unacked[id(batch)]:
                    del self._unacked[id(batch)]
                    done = batch
            self._wake.notify_all()
        if self._by_broker and done is not None:
            self.outbox.done(done)
            self._poke()

    def _heard(self, message: Message) -> None:
        message.ack()
        try:
            said = decode(message.payload, Custody)
        except FeedError as error:
            log.warning("%s: %s", message.topic, error)
            return
        if (said.gw, said.ep) != (self.identity.gw, self.identity.ep):
            return
        if said.seq > self.spool.last_id:
            log.error(
                "custody of %s is at %d, but this spool has only given %d: was an old copy of it put back?",
                said.ep, said.seq, self.spool.last_id,
            )  # fmt: skip
            return
        self._stall_s = _STALL_FIRST_S
        if self.outbox.confirm_through(said.seq):
            self._moved_at = self._monotonic()
        self._poke()

    def _run(self) -> None:
        while True:
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
            except sqlite3.Error as error:
                log.warning("the spool's disk fails: %s; trying again", error)
                self.disk_failed(error)
                with self._wake:
                    self._wake.wait_for(lambda: self._stopping, _DISK_PAUSE_S)

    def _begin(self) -> None:
        """A new connection: say all that is retained, then send from where custody stands."""
        self._fresh = False
        self.outbox.back_all()
        self._undated.clear()
        self.outbox.resume(_LIVE_BYTES)
        self._say_held()
        with self._wake:
            said = [*self._shown.metas.items(), *self._shown.statuses.items(), *self._shown.states.items()]
        for path, payload in said:
            if "gateway/" + self.identity.gw + "/meta" != path:
                self._send(path, payload, retain=True)
        self._moved_at = self._monotonic()

    def _say_held(self) -> None:
        """The node's meta says what it can still send: nothing below will ever come."""
        if self._by_broker:
            return  # what the broker has confirmed may still be on its way to the edge
        oldest = self.outbox.oldest()
        held = self.outbox.first(oldest) if oldest else self.spool.last_id + 1
        told = lowest_told(self.outbox)
        held = held if told is None else min(held, told)
        for path, meta in self._metas:
            if meta.id == self.identity.gw:
                meta.ep, meta.held = self.identity.ep, held
                self._shown.metas[path] = encode(meta)
                self._send(path, self._shown.metas[path], retain=True)

    def _send_next(self) -> bool:
        """Publish one more segment; False when there is none, or the way is full."""
        if len(self._in_flight) >= _WINDOW or self.outbox.on_its_way >= _UNCONFIRMED:
            return False
        batch = self.outbox.next(1)
        if batch is None:
            return False
        head = batch.heads[0]
        if not self._dating.can_date(head):
            self._undated.append(batch)
            return True
        self._unacked[id(batch)] = head.points
        for record in records(self.spool.body(head.id), head.id):
            body = self._dating.finish(record, head)
            with self._wake:
                self._wake.wait_for(
                    lambda: len(self._in_flight) < _WINDOW or not self.link.up or self._stopping
                )
            if not self._send(record.path, body, batch=batch):
                return False
        return True

    def _rest(self) -> None:
        """Nothing to send: wait for news, and send again what has been without custody for too long."""
        now = self._monotonic()
        if self.outbox.on_its_way and not self._by_broker and now - self._moved_at > self._stall_s:
            log.warning(
                "custody has not moved for %.0f s with %d sent: sending again",
                self._stall_s,
                self.outbox.on_its_way,
            )
            self._stall_s = min(self._stall_s * 2 * random.uniform(0.9, 1.1), _STALL_MOST_S)  # noqa: S311
            self._moved_at = now
            self._say_held()
            self.outbox.back_all()
            self._undated.clear()
            return
        if self._undated and self._dating.can_date(self._undated[0].heads[0]):
            for batch in self._undated:
                self.outbox.back(batch)
            self._undated.clear()
            return
        with self._wake:
            if not self._stopping and not self._fresh:
                self._wake.wait(_TICK_S)

    def _housekeep(self) -> None:
        now = self._monotonic()
        if now - self._reclaimed_at >= _RECLAIM_S:
            self._reclaimed_at = now
            reclaim(self.spool, [self.outbox])
            self._compactor.compact()
