"""Asks history's disk so that a failure costs history, never the edge: it is logged, and memory goes on."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge_api.database import is_damage
from edge_api.history.disk import Disk

log = logging.getLogger(__name__)

T = TypeVar("T")


class SafeDisk:
    """One disk for callers of any thread, one after the other."""

    def __init__(self, path: Path, busy_s: float) -> None:
        self._lock = threading.Lock()
        self._failing = ""
        self.disk: Disk | None = None
        """None where not even a new file can be begun."""
        try:
            self.disk = Disk(path, busy_s)
        except (sqlite3.Error, OSError) as error:
            log.error("history: %s cannot be used, recent readings stay in memory: %s", path, error)  # noqa: TRY400

    @property
    def works(self) -> bool:
        """Whether it took or gave what it was last asked."""
        return self.disk is not None and not self._failing

    def ask(self, question: Callable[[Disk], T], failed: T) -> T:
        """Ask the disk; a file that is broken is set aside, any other failure is logged once."""
        with self._lock:
            if self.disk is None:
                return failed
            try:
                answer = question(self.disk)
            except sqlite3.Error as error:
                self._failed(self.disk, error)
                return failed
            if self._failing:
                log.info("history: the disk takes readings again")
                self._failing = ""
            return answer

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self.disk is not None:
                self.disk.close()

    def _failed(self, disk: Disk, error: sqlite3.Error) -> None:
        try:
            if is_damage(error):
                disk.set_aside()
                return
        except (sqlite3.Error, OSError) as second:
            log.error("history: no new file can be begun, readings stay in memory: %s", second)  # noqa: TRY400
            self.disk = None
            return
        if str(error) != self._failing:
            self._failing = str(error)
            log.warning("history: the disk fails, readings stay in memory meanwhile: %s", error)
