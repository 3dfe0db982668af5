"""The edge put together: ingest, writer, spool, relays, history; the same at every level."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from edge_api.asked import Asked
from edge_api.config import EdgeConfig
from edge_api.drain import Ebb
from edge_api.expiries import certificates, warn
from edge_api.status import Wall
from gateway.spool import READINGS, reclaim

log = logging.getLogger(__name__)

_HOUSE_S = 10.0
_RECLAIM_S = 60.0  # each time wears the card: at 100 assets a minute, once in ten seconds 0.3 GB more a day
_SOON_ROUNDS = 12  # two minutes
_WATCH_S = 86_400.0


class Edge(Asked):
    """One edge: its parts started, kept in order, and stopped in the right order."""

    def __init__(self, config: EdgeConfig, wall_ns: Wall = time.time_ns) -> None:
        super().__init__(config, wall_ns)
        self._stop = threading.Event()
        self._called = threading.Event()  # there is something that does not wait for its turn
        self.history.filled = self._called.set
        self._watched_at: float | None = None
        self._reclaimed_at = time.monotonic()
        self._ebb = Ebb(_SOON_ROUNDS)
        self._chores = (
            self._reclaim,
            self._resume,
            self._tell_lost,
            self._show,
            self._join,
            self._flush,
            self._watch,
            self._count,
            self._look,
        )
        self._keeper = threading.Thread(target=self._keep_house, name="keeper", daemon=True)

    def start(self) -> None:
        """Start everything but the HTTP server, which the caller runs."""
        try:
            self._tell_lost()
        except sqlite3.Error as error:
            log.error("what went with a damaged file is told later: %s", error)  # noqa: TRY400
        self.committer.start()
        self.custodian.start()
        for relay in self.relays:
            relay.start()
        for roller in self.rollers:
            roller.start()
        if self.mqtt:
            self.mqtt.link.start()
        self._keeper.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop taking, commit what was taken, relay what can be relayed in `timeout_s`, close the files."""
        deadline = time.monotonic() + timeout_s
        self._stop.set()
        self._called.set()
        if self.mqtt:
            self.mqtt.link.stop()
        if not self.committer.stop(timeout_s):
            log.error(
                "stopped while the disk takes nothing: %s; senders keep custody", self.committer.failing
            )
        for relay in self.relays:
            relay.stop(max(deadline - time.monotonic(), 0.0))
        for roller in self.rollers:
            roller.stop(max(deadline - time.monotonic(), 0.0))
        self.custodian.stop()
        if self._keeper.is_alive():
            self._keeper.join(timeout_s)
        if self.office is not None:
            self.office.keeper.close()
        self.history.close()
        self.alarms.close()
        try:
            reclaim(self.spool, self._outboxes, self._needed())
        except sqlite3.Error as error:
            log.error("progress cannot be written down, some readings will be sent again: %s", error)  # noqa: TRY400
        self.spool.close()

    def _keep_house(self) -> None:
        due = time.monotonic() + _HOUSE_S
        while True:
            self._called.wait(max(due - time.monotonic(), 0.0))
            self._called.clear()
            if self._stop.is_set():
                return
            if time.monotonic() < due:
                self._do(self._flush)  # else a flood fills memory before the next round
                continue
            for chore in self._chores:
                self._do(chore)
            due = time.monotonic() + _HOUSE_S

    def _do(self, chore: Callable[[], object]) -> None:
        try:
            chore()
        except Exception as error:
            log.exception("housekeeping failed; trying again")
            self.room.quota.gave_out(error)

    def _reclaim(self) -> None:
        """Delete what may go: once a minute, and each time while there is no room."""
        now = time.monotonic()
        if now - self._reclaimed_at >= _RECLAIM_S or self.room.quota.full:
            reclaim(self.spool, self._outboxes, self._needed())
            self._reclaimed_at = now

    def _needed(self) -> tuple[int, int] | None:
        """Return what history has not on disk yet; nothing once half of the spool is used."""
        quota = self.room.quota
        return self.history.unsettled if quota.used < quota.limit / 2 else None

    def _resume(self) -> None:
        """Look whether there is room again, and take in what waited for it."""
        self.room.quota.look()
        self._arrived(self.intake.resumable())

    def _show(self) -> None:
        """Let the page know of what was put into the spool on another way than by the writer."""
        if self.spool.last_id > self.history.read and not self._stop.is_set():
            self._show_others()

    def _join(self) -> None:
        """Join what waits, but not what is gone within minutes: that would be in vain."""
        soon = [
            self._ebb.soon(relay.name, relay.delivered, relay.outbox.waiting[READINGS].points)
            for relay in self.relays
        ]
        if not soon or not all(soon):
            self._compactor.compact()

    def _watch(self) -> None:
        """Say once a day which certificates end soon."""
        now = time.monotonic()
        if self._watched_at is None or now - self._watched_at > _WATCH_S:
            self._watched_at = now
            warn(certificates(self.config, self._wall_ns()))

    def _count(self) -> None:
        if self.office is not None:
            self.office.keeper.work()

    def _look(self) -> None:
        """See how much waits, so that a drain's beginning is known when somebody asks."""
        self.relay_status()

    def _flush(self) -> None:
        if self.history.due:
            self.history.flush()
