"""Serves an upstream that wants roll-ups: readings leave the spool for their hours, hours go up by a relay.

Custody passes twice, each time with a commit: a reading may leave the edge's spool when its hour has it on
disk, an hour counts as sent when it is in a spool of its own. What was interrupted is done again, and changes
nothing.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from isal import igzip

from edge_api.lineprotocol import encode, parse
from edge_api.lines import join_lines
from edge_api.point import Point
from edge_api.relay import Relay
from edge_api.rollups.choice import Choice
from edge_api.rollups.disk import HoursFile
from edge_api.rollups.hour import HOUR_NS, hour_of, rolled
from edge_api.rollups.settings import Rollups
from gateway.spool import READINGS, DamageError, Outbox, Segment, Spool, reclaim
from gateway.spool.outbox import Batch

log = logging.getLogger(__name__)

_BATCH_BYTES = 100_000  # gzip; some 8,000 readings are unpacked at a time
_MOST_LINES = 1_000  # hours in one segment


class Roller:
    """One thread, one upstream; `outbox` is what waits to be added to its hours, `relay` sends these.

    `make_relay` gets the hours' own spool.
    """

    def __init__(
        self,
        raw: Spool,
        name: str,
        choice: Choice,
        make_relay: Callable[[Spool], Relay],
        config: Rollups,
        wall_ns: Callable[[], int],
    ) -> None:
        self.name = name
        self._raw = raw
        self._choice = choice
        self._config = config
        self._wall_ns = wall_ns
        self._hours = HoursFile(_beside(raw.path, f"{name}-hours"))
        self.spool = Spool(_beside(raw.path, name), keep_s=raw.keep_s)
        self.outbox = Outbox(raw, name)
        self.relay = make_relay(self.spool)
        self._failing = ""
        self._full = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"rollups {name}", daemon=True)

    @property
    def passed_over(self) -> int:
        """Return how many readings were too old for any hour, or too far ahead, since the start."""
        return self._hours.passed_over

    def start(self) -> None:
        """Start adding and sending."""
        self._thread.start()
        self.relay.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop; what has not been added to its hour stays in the edge's spool."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self.relay.stop(timeout_s)
        try:
            reclaim(self.spool, [self.relay.outbox])
        except sqlite3.Error as error:
            log.error("progress cannot be written down, some hours will be sent again: %s", error)  # noqa: TRY400
        self.spool.close()
        self._hours.close()

    def _run(self) -> None:
        while True:
            try:
                self.work()
                if self._failing:
                    log.info("roll-ups for %s: the disk takes them again", self.name)
                    self._failing = ""
            except sqlite3.Error as error:
                self._failed(error)
            except Exception:
                # A fault here must cost neither custody nor the relay: readings wait in the edge's spool.
                log.exception("roll-ups for %s: unexpected; nothing is lost, trying again", self.name)
            if self._stop.wait(float(self._config.every)):
                return

    def _failed(self, error: sqlite3.Error) -> None:
        self.outbox.back_all()
        if str(error) != self._failing:
            self._failing = str(error)
            log.warning("roll-ups for %s: the disk fails, readings wait in the spool: %s", self.name, error)

    def work(self) -> None:
        """Add what waits to its hours, and put hours that are over into their spool. Raises sqlite3.Error."""
        self._see_what_can_be_whole()
        now = hour_of(self._wall_ns())
        oldest = now - round(self._config.keep * 1e9 / HOUR_NS)
        before = self.passed_over
        while not self._stop.is_set() and (batch := self.outbox.next(_BATCH_BYTES)) is not None:
            self._hours.take(self._points(batch), self._choice, max(oldest, self._first), now)
            self.outbox.done(batch)
        if self.passed_over > before:
            log.warning(
                "roll-ups for %s: %d readings are in no hour: they are too old, or more than a day ahead",
                self.name,
                self.passed_over - before,
            )
        self._send()
        self._hours.prune(oldest)
        reclaim(self.spool, [self.relay.outbox])

    def _see_what_can_be_whole(self) -> None:
        """A lost file of hours must not let a late reading stand for the hour that was sent before."""
        first = self._hours.whole_from
        if first is None:
            lost = self._hours.lost or self.spool.last_id > 0
            first = hour_of(self._wall_ns()) + 1 if lost else 0
            self._hours.begin(first)
            if first:
                log.warning(
                    "roll-ups for %s: what was known of hours is gone; they are sent again from the next full"
                    " hour on, and earlier ones stay upstream as they are",
                    self.name,
                )
        self._first = first

    def _points(self, batch: Batch) -> list[Point]:
        points: list[Point] = []
        for head in batch.heads:
            try:
                body = self._raw.body(head.id)
            except (KeyError, DamageError) as error:
                log.warning("roll-ups for %s: %s; the rest goes on", self.name, error)
                continue
            points += parse(igzip.decompress(body), "ns", 0)
        return points

    def _send(self) -> None:
        """Put hours that are over, and have rested, into the spool of their upstream."""
        last = hour_of(self._wall_ns() - round(self._config.rest * 1e9)) - 1
        while not self._stop.is_set() and self._has_room():
            ready = self._hours.ready(last, _MOST_LINES)
            if not ready:
                return
            points = [point for key, hour in ready if (point := rolled(key.asset, key.kind, key.hour, hour))]
            if points:
                times = [point.ts_ns for point in points]
                body = join_lines([encode(point).encode() for point in points])
                self.spool.append(
                    [Segment(READINGS, len(points), "", body, min(times), max(times))],
                    wall_ns=self._wall_ns(),
                )
            self._hours.sent([key for key, _ in ready])

    def _has_room(self) -> bool:
        waiting = sum(lane.bytes for lane in self.relay.outbox.waiting.values())
        full = waiting >= self._config.max_bytes
        if full and not self._full:
            log.warning("roll-ups for %s: its spool is full; hours wait in their own file", self.name)
        self._full = full
        return not full


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}-{name}.db")
