"""Sends the spool to one upstream, for ever: back-off, splitting, quarantine; no line blocks the rest."""

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum

from edge_api.lines import DAMAGED, join_lines, split_lines
from edge_api.upstream import Action, Sink, UpstreamError
from gateway.spool import Outbox, Refused, Spool
from gateway.spool.outbox import Batch
from gateway.spool.store import Head

log = logging.getLogger(__name__)

_BACKOFF_FIRST_S = 0.5
_BACKOFF_MOST_S = 10.0  # no more: the newest values must be seen within seconds of the link's return
_HOLD_S = 15.0
_PROBE_BYTES = 16_000  # what is risked on an upstream that has just failed
_AIM_S = 3.0  # how long one request should take: short enough that a new alarm need not wait behind it
_IDLE_S = 5.0


class State(Enum):
    """What a relay is doing; shown as it is in the API."""

    IDLE = "idle"
    """Everything has been confirmed."""
    SENDING = "sending"
    """Segments are on their way."""
    RETRYING = "retrying"
    """The upstream does not answer, or not now: backing off."""
    HOLDING = "holding"
    """The upstream does not let us in: a person must act."""


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
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = name
        self.outbox = Outbox(spool, name)
        self.state = State.IDLE
        self.last_error: str | None = None
        self.last_success: datetime | None = None
        self.delivered = 0
        self.quarantined = 0
        self.sent_again = 0
        self._spool = spool
        self._sink = sink
        self._max_bytes = max_bytes
        self._bytes = min(_PROBE_BYTES, max_bytes)
        self._wall_ns = wall_ns
        self._connections = 0
        self._backoff_s = _BACKOFF_FIRST_S
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"relay {name}", daemon=True)
        spool.watchers.append(lambda _: self._poke())

    def start(self) -> None:
        """Start sending."""
        self.outbox.resume(_PROBE_BYTES)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send for up to `timeout_s` what waits, unless the upstream is away; then stop."""
        with self._wake:
            self._wake.wait_for(
                lambda: self.drained or self.state in (State.RETRYING, State.HOLDING), timeout_s
            )
            self._stopping = True
            self._wake.notify_all()
        self._sink.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def drained(self) -> bool:
        """Whether the upstream has confirmed everything."""
        return not any(waiting.points for waiting in self.outbox.waiting.values())

    def _poke(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            try:
                batch = self.outbox.next(self._bytes)
                if batch is None:
                    self._rest()
                else:
                    self.state = State.SENDING if self.state is State.IDLE else self.state
                    self._deliver(batch)
            except Stopped:
                return
            except Exception as error:
                # A relay that dies in silence is the worst fault of all: say it, keep all, go on.
                log.exception("%s: unexpected; nothing is lost, trying again", self.name)
                self.last_error = f"{type(error).__name__}: {error}"
                self.outbox.back_all()
                with self._wake:
                    self.state = State.RETRYING
                    self._wake.wait_for(lambda: self._stopping, _BACKOFF_MOST_S)

    def _rest(self) -> None:
        with self._wake:
            if self.state is not State.IDLE:
                self.state = State.IDLE
                self._wake.notify_all()
            if not self._stopping and self.drained:
                self._wake.wait(_IDLE_S)

    def _deliver(self, batch: Batch) -> None:
        """Send a batch, in pieces when it must be; whatever is not confirmed goes back to wait."""
        pieces = [list(batch.heads)]
        try:
            while pieces:
                heads = pieces.pop()
                error = self._send(heads)
                if error is None:
                    self._confirmed(batch.lane, heads)
                elif len(heads) > 1:
                    middle = len(heads) // 2
                    pieces += [heads[middle:], heads[:middle]]
                else:
                    self._deliver_lines(heads[0], error)
                    self._confirmed(batch.lane, heads)
        except UpstreamError as error:
            pieces.append(heads)
            self._wait(error, [Batch(batch.lane, tuple(rest)) for rest in pieces])

    def _send(self, heads: list[Head]) -> UpstreamError | None:
        """Send segments as they lie; return the error that splitting can cure, raise any other."""
        return self._write(b"".join(self._spool.body(head.id) for head in heads))

    def _write(self, body: bytes) -> UpstreamError | None:
        began = time.monotonic()
        try:
            self._sink.write(body)
        except UpstreamError as error:
            self.last_error = str(error)
            if error.action in (Action.SPLIT, Action.REFUSE):
                self._answered()
                return error
            raise
        self._answered()
        self._pace(len(body), time.monotonic() - began)
        return None

    def _answered(self) -> None:
        """The upstream is there. Over a new connection it may be a new process that has forgotten."""
        connections = self._sink.connections()
        if connections != self._connections:
            if self._connections:
                again = self.outbox.forgotten()
                self.sent_again += again
                if again:
                    log.info("%s: new connection; sending the last %d readings again", self.name, again)
            self._connections = connections
        if self.state in (State.RETRYING, State.HOLDING):
            log.warning("%s: reachable again", self.name)
            self.state = State.SENDING
        self._backoff_s = _BACKOFF_FIRST_S
        self.last_success = datetime.fromtimestamp(self._wall_ns() / 1e9, UTC)

    def _pace(self, size: int, took_s: float) -> None:
        """Choose the next request's size so that it takes about `_AIM_S` on this line."""
        if size >= self._bytes // 2 or took_s > _AIM_S:
            fitting = int(size / max(took_s, 0.001) * _AIM_S)
            self._bytes = max(_PROBE_BYTES // 4, min(fitting, self._bytes * 4, self._max_bytes))

    def _confirmed(self, lane: str, heads: list[Head]) -> None:
        self.outbox.done(Batch(lane, tuple(heads)))
        self.delivered += sum(head.points for head in heads)
        if self.drained:
            self._poke()

    def _deliver_lines(self, head: Head, error: UpstreamError) -> None:
        """One segment is refused: send its lines in ever smaller groups, quarantine those refused alone."""
        body = self._spool.body(head.id)
        try:
            pieces = [split_lines(body)]
        except DAMAGED as damage:
            log.error("%s: segment %d cannot be unpacked, quarantined whole: %s", self.name, head.id, damage)  # noqa: TRY400 - the sentence says it all
            self._spool.quarantine(
                [Refused(f"upstream {self.name}", "", f"damaged segment: {damage}", body)], self._wall_ns()
            )
            self.quarantined += head.points
            return
        refused: list[Refused] = []
        first = True
        while pieces:
            lines = pieces.pop()
            answer: UpstreamError | None = error
            if not first:
                answer = self._write(join_lines(lines))
            first = False
            if answer is None:
                continue
            if len(lines) > 1:
                middle = len(lines) // 2
                pieces += [lines[middle:], lines[:middle]]
            else:
                log.error("%s refuses a line for good, quarantined: %s", self.name, answer)
                refused += [Refused(f"upstream {self.name}", "", str(answer), line) for line in lines]
        if refused:
            self._spool.quarantine(refused, self._wall_ns())
            self.quarantined += len(refused)

    def _wait(self, error: UpstreamError, rest: list[Batch]) -> None:
        """The upstream is away or closed to us: everything waits again, newest first when it comes back."""
        for batch in rest:
            self.outbox.back(batch)
        holding = error.action is Action.HOLD
        state = State.HOLDING if holding else State.RETRYING
        if self.state is not state:
            hint = " (check token, org, bucket and address)" if holding else ""
            log.warning("%s: %s%s; nothing is lost, it waits here", self.name, error, hint)
        pause = error.retry_after_s
        if pause is None:
            pause = _HOLD_S if holding else self._backoff_s
            pause *= random.uniform(0.5, 1.0)  # noqa: S311 - spreads communes that come back together
            self._backoff_s = min(self._backoff_s * 2, _BACKOFF_MOST_S)
        self._bytes = min(_PROBE_BYTES, self._max_bytes)
        with self._wake:
            self.state = state
            self._wake.notify_all()
            if self._wake.wait_for(lambda: self._stopping, pause):
                raise Stopped
        self.outbox.resume(_PROBE_BYTES)
