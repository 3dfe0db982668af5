"""Sends the spool to one upstream, for ever: back-off, splitting, quarantine; no line blocks the rest."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from edge_api.outbox import EdgeOutbox
from edge_api.pace import BACKOFF_MOST_S, PROBE_BYTES, Pace
from edge_api.relay_state import State
from edge_api.suspects import Suspects
from edge_api.upstream import Action, Sink, UpstreamError
from edge_api.upstream.trouble import Trouble
from gateway.spool import DamageError, Spool
from gateway.spool.outbox import Batch

log = logging.getLogger(__name__)

_IDLE_S = 5.0
_TICK_S = 0.05
_LAST_S = 0.5  # granted to the thread at a stop, over and above the time to drain
_SUSPECTS, _MOST_SUSPECTS = 4, 32  # refused segments in memory before the backlog, then live readings, wait
_CLOSINGS = 3  # connections lost in a row with nothing wrong: the upstream closes after each answer
_KNOWN = 1_000  # quarantined lines looked at before one is put there again


class Stopped(Exception):  # noqa: N818 - reads as the sentence it is
    """The relay was told to stop while it waited."""


class Relay:
    """One thread, one upstream."""

    def __init__(
        self,
        spool: Spool,
        name: str,
        sink: Sink,
        *,
        max_bytes: int = 512_000,
        backlog_rate: float = 0,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = name
        self.outbox = EdgeOutbox(spool, name)
        self.state = State.IDLE
        self.last_error: str | None = None
        self.last_trouble: Trouble | None = None
        self.last_error_at: datetime | None = None
        self.last_success: datetime | None = None
        self.delivered = 0
        self.sent_again = 0
        self._spool = spool
        self._sink = sink
        self._pace = Pace(max_bytes, backlog_rate)
        self._wall_ns = wall_ns
        self._connections = 0
        self._closings = 0
        self._failed = False
        self._suspects = Suspects(spool, name, self._write, self._confirmed, wall_ns)
        self._set_apart: list[Batch] = []  # what went wrong unexpectedly: one is tried again at a time
        self._again_at = 0.0
        self._at: Batch | None = None
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"relay {name}", daemon=True)
        spool.watchers.append(lambda _: self._poke())

    def start(self) -> None:
        """Start sending."""
        self.outbox.resume(PROBE_BYTES)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send for up to `timeout_s` what waits, unless the upstream is away; then stop.

        A request that the upstream has not answered by then is given up; it will be sent again.
        """
        deadline = time.monotonic() + timeout_s
        with self._wake:
            self._wake.wait_for(
                lambda: self.drained or self.state in (State.RETRYING, State.HOLDING), timeout_s
            )
            self._stopping = True
            self._wake.notify_all()
        self._sink.close()
        if self._thread.is_alive():
            self._thread.join(max(deadline - time.monotonic(), 0) + _LAST_S)

    @property
    def quarantined(self) -> int:
        """Return how many lines this upstream has refused for good since the start."""
        return self._suspects.quarantined

    @property
    def drained(self) -> bool:
        """Whether the upstream has confirmed everything."""
        return not any(waiting.points for waiting in self.outbox.waiting.values())

    def _poke(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            self._at = None
            try:
                self._turn()
            except Stopped:
                return
            except DamageError as error:
                log.warning("%s: %s; the rest goes on", self.name, error)
                self._put_aside()
            except Exception as error:
                if self._stopping:
                    return  # the spool may be closed by now; what was not confirmed is still in it
                # A relay that dies in silence is the worst fault of all: say it, keep all, go on.
                log.exception("%s: unexpected; nothing is lost, trying again", self.name)
                self._went_wrong(f"{type(error).__name__}: {error}", "unexpected")
                self._put_aside()
                try:
                    self._pause(State.RETRYING, self._pace.backoff_s())
                except Stopped:
                    return

    def _turn(self) -> None:
        """Send the next batch, and then one piece of a segment in which something was refused."""
        if self._set_apart and time.monotonic() >= self._again_at:
            self.outbox.back(self._set_apart.pop(0))
            self._again_at = time.monotonic() + BACKOFF_MOST_S
        few = len(self._suspects) < _SUSPECTS
        lanes = 3 if few and self._pace.backlog_may_go() else 2 if len(self._suspects) < _MOST_SUSPECTS else 1
        batch = self._at = self.outbox.next(self._pace.bytes, lanes=lanes)
        if batch is not None:
            self.state = State.SENDING if self.state is State.IDLE else self.state
            self._deliver(batch)
        if self._suspects:
            self._narrow()
        elif batch is None:
            self._rest()

    def _rest(self) -> None:
        """Nothing is left but what could not be handled: that is tried again now and then."""
        with self._wake:
            state = State.IDLE if self.drained else State.RETRYING if self._set_apart else self.state
            if self.state is not state:
                self.state = state
                self._wake.notify_all()
            if not self._stopping:
                self._wake.wait(_IDLE_S if self.drained else _TICK_S)

    def _deliver(self, batch: Batch) -> None:
        """Send a batch, in pieces when it must be; whatever is not confirmed goes back to wait."""
        pieces = [list(batch.heads)]
        try:
            while pieces:
                heads = pieces.pop()
                error = self._write(b"".join(self._spool.bodies([head.id for head in heads])), batch.lane)
                if error is None:
                    self._confirmed(Batch(batch.lane, tuple(heads)))
                elif len(heads) > 1:
                    middle = len(heads) // 2
                    pieces += [heads[middle:], heads[:middle]]
                else:
                    self._suspects.add(batch.lane, heads[0])
        except UpstreamError as error:
            if error.paced and batch.lane == "backlog":
                # The upstream is well, and asks only the backlog to wait.
                self._pace.hold_backlog(error)
                self._answered()
                for rest in [*pieces, heads]:
                    self.outbox.back(Batch(batch.lane, tuple(rest)))
                return
            if error.too_slow and len(heads) == 1 and heads[0].size > PROBE_BYTES:
                self._suspects.add(batch.lane, heads[0])  # this line does not carry it in one piece
            else:
                pieces.append(heads)
            for rest in pieces:
                self.outbox.back(Batch(batch.lane, tuple(rest)))
            self._wait(error)

    def _write(self, body: bytes, lane: str = "live") -> UpstreamError | None:
        """Send a body; return the error that splitting can cure, raise any other."""
        if self._stopping:
            raise Stopped
        began = time.monotonic()
        try:
            self._sink.write(body, lane)
        except UpstreamError as error:
            self._went_wrong(str(error), error.trouble)
            if error.action is Action.SPLIT:
                self._pace.too_large(len(body))
            if error.action in (Action.SPLIT, Action.REFUSE):
                self._answered()
                return error
            raise
        self._answered()
        self._pace.sent(len(body), time.monotonic() - began, backlog=lane == "backlog")
        return None

    def _answered(self) -> None:
        """The upstream is there. Over a new connection it may be a new process that has forgotten."""
        connections = self._sink.connections()
        if connections == self._connections:
            self._closings = 0
        elif self._connections and (self._failed or self._closings < _CLOSINGS):
            self._closings += 1
            self._send_again()
        self._connections = connections
        self._failed = False
        if self.state in (State.RETRYING, State.HOLDING):
            log.warning("%s: reachable again", self.name)
            self.state = State.SENDING
        self._pace.answered()
        self.last_success = self._now()

    def _went_wrong(self, sentence: str, trouble: Trouble) -> None:
        self.last_error, self.last_trouble, self.last_error_at = sentence, trouble, self._now()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall_ns() / 1e9, UTC)

    def _send_again(self) -> None:
        self._suspects.start_again()
        again = self.outbox.forgotten()
        self.sent_again += again
        if again:
            log.info("%s: new connection; sending the last %d readings again", self.name, again)

    def _confirmed(self, batch: Batch, refused: int = 0) -> None:
        self.outbox.done(batch)
        self.delivered += max(batch.points - refused, 0)
        if self.drained:
            self._poke()

    def _narrow(self) -> None:
        """Send one piece of a segment in which something was refused."""
        self._at = self._suspects.first
        try:
            self._suspects.narrow()
        except UpstreamError as error:
            self._wait(error)

    def _put_aside(self) -> None:
        """What was at hand when it went wrong must not stand in the way of the rest."""
        batch = self._at
        if batch is None:
            return
        self._suspects.forget(batch)
        if len(batch.heads) == 1:
            if not self._set_apart:
                self._again_at = time.monotonic() + BACKOFF_MOST_S
            self._set_apart.append(batch)
        else:
            self.outbox.back(batch)
            self._pace.singly()  # the next batches hold one segment each: the bad one shows itself

    def _wait(self, error: UpstreamError) -> None:
        """The upstream is away or closed to us; when it comes back, the newest readings go first."""
        holding = error.action is Action.HOLD
        state = State.HOLDING if holding else State.RETRYING
        if self.state is not state:
            hint = " (check token, org, bucket and address)" if holding else ""
            log.warning("%s: %s%s; nothing is lost, it waits here", self.name, error, hint)
        self._failed = True
        self._pause(state, self._pace.pause_s(error))
        self.outbox.resume(PROBE_BYTES)

    def _pause(self, state: State, seconds: float) -> None:
        with self._wake:
            self.state = state
            self._wake.notify_all()
            if self._wake.wait_for(lambda: self._stopping, seconds):
                raise Stopped
