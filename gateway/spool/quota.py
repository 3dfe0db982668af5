"""A spool must not take the disk from others: how full it may be, how full it is, how long it will last."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from gateway.spool.ballast import Ballast
from gateway.spool.errors import is_want_of_space
from gateway.spool.file import beside
from gateway.spool.fillrate import FillRate
from gateway.spool.store import Spool
from sensors.text import said

log = logging.getLogger(__name__)

LEAST_BYTES = 1_000_000
"""The smallest quota that makes sense: below it SQLite's own files are most of it."""

_RESUME = 0.9  # of the limit: less than that must be in use before readings are taken again
_EVENTS = 1 / 16  # of the quota, on top of it, for events
_ALLOWED = 1 / 8  # of the quota, but no more than _ALLOWED_MOST, may be used when the disk is below its floor
_ALLOWED_MOST = 16_000_000
_WAL_BYTES = 65_536  # a longer log is folded into the file before a spool counts as full
_WIDE = 4  # times the reserve must be free before it is made again


class Fullness(Enum):
    """Whether readings can be taken, and what keeps them out."""

    ROOM = "room"
    """They can."""
    QUOTA = "quota"
    """All is used that the configuration grants."""
    DISK = "disk"
    """The disk is full, or has less free space than it should keep."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the configuration grants: bytes in use, and bytes that stay free on the disk."""

    max_bytes: int
    min_free: int


class Usage(NamedTuple):
    """Bytes: pages in use, pages of the file, the write-ahead log, and what is free on the disk."""

    live: int
    file: int
    wal: int
    free: int


def usage(spool: Spool, free_on: Callable[[Path], int]) -> Usage:
    """Measure; raises OSError or sqlite3.Error when the disk does not even answer."""
    (page,) = spool.query("PRAGMA page_size")[0]
    (pages,) = spool.query("PRAGMA page_count")[0]
    (unused,) = spool.query("PRAGMA freelist_count")[0]
    wal = beside(spool.path, "-wal")
    wal_bytes = wal.stat().st_size if wal.exists() else 0
    return Usage((pages - unused) * page, pages * page, wal_bytes, free_on(spool.path.parent))


def free_bytes(folder: Path) -> int:
    """Return the bytes that this process may still use of the folder's disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def quota_problems(max_bytes: int) -> list[str]:
    """Return what is wrong with a configured quota, naming its key; empty when nothing is."""
    if max_bytes >= LEAST_BYTES:
        return []
    small = said('{given} is too small; {least} or more, such as "1GB"', given=max_bytes, least=LEAST_BYTES)
    return [f"[spool] max_bytes: {small}"]


class Quota:
    """Knows whether there is room. Safe from any thread; measures only when `look` is called."""

    def __init__(
        self,
        spool: Spool,
        limits: Limits,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        free_on: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.limits = limits
        self.state = Fullness.ROOM
        self.ballast = Ballast(spool.path, limits.max_bytes)
        self.rate = FillRate(spool, monotonic)
        self._spool = spool
        self._free_on = free_on
        self.used = 0
        self.limit = limits.max_bytes
        try:
            self.look()
        except (sqlite3.Error, OSError) as error:
            if not self.gave_out(error):
                raise

    @property
    def full(self) -> bool:
        """Whether there was no room for readings when last looked at."""
        return self.state is not Fullness.ROOM

    @property
    def over(self) -> bool:
        """Whether the limit itself was reached; `full` may last a while longer, so as not to flutter."""
        return self.used >= self.limit

    @property
    def events_fit(self) -> bool:
        """Whether events can still be taken, from the part that is kept for them."""
        return self.used < self.limit + self.limits.max_bytes * _EVENTS

    def look(self) -> Fullness:
        """Measure, and say whether there is room now."""
        with self._spool.lock:
            now = usage(self._spool, self._free_on)
            if not self.ballast.held and now.free >= _WIDE * self.ballast.size and self.ballast.make():
                now = usage(self._spool, self._free_on)
            if now.live + now.wal >= self._limit(now) and now.wal > _WAL_BYTES:
                # A pragma that may run on the reading connection: it changes no row.
                self._spool.query("PRAGMA wal_checkpoint(TRUNCATE)")
                now = usage(self._spool, self._free_on)
            self._judge(now)
            return self.state

    def gave_out(self, error: BaseException) -> bool:
        """Give up the reserve if the disk is full, so that deletes can be written; return whether it is."""
        if not is_want_of_space(error):
            return False
        with self._spool.lock:
            if self.ballast.give_up():
                log.error("the disk is full (%s): the reserve is given up", error)
            self.state = Fullness.DISK
        return True

    def autonomy_hours(self) -> float | None:
        """Return how long there will be room if nothing can be sent; None while that is not known."""
        per_s = self.rate.per_s()
        if per_s is None:
            return None
        with self._spool.lock:
            now = usage(self._spool, self._free_on)
            return max(self._limit(now) - now.live, 0) / per_s / 3600

    def _limit(self, now: Usage) -> int:
        """Return what may be in use. A disk at its floor stops growth; it does not cost what is held."""
        growth = now.free - self.limits.min_free if self.ballast.held else 0
        allowed = min(self.limits.max_bytes * _ALLOWED, _ALLOWED_MOST) if self.ballast.held else 0
        return int(min(self.limits.max_bytes, max(now.file + now.wal + max(growth, 0), allowed)))

    def _judge(self, now: Usage) -> None:
        was = self.state
        self.used, self.limit = now.live + now.wal, self._limit(now)
        if self.used >= self.limit:
            self.state = Fullness.QUOTA if self.limit == self.limits.max_bytes else Fullness.DISK
        elif self.used <= self.limit * _RESUME:
            self.state = Fullness.ROOM
        if self.state is not was:
            log.warning(
                "spool: %s; %d of %d bytes in use, %d free on the disk",
                self.state.value, self.used, self.limit, now.free,
            )  # fmt: skip
