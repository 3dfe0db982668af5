"""All calibrations of a node in a file that only grows: each value can be traced to who made it true."""

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from sensors.calibration.record import Calibration, Record, from_line, to_line

log = logging.getLogger(__name__)


class Calibrations:
    """The history file, one record a line. A damaged line is left out and told; the others hold.

    Other processes may append to it: `refresh` takes in what they have written. Safe from any thread.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read what there is; without a path nothing is calibrated, and nothing can be kept."""
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._records: tuple[Record, ...] = ()
        self.damaged: tuple[int, ...] = ()
        self.refresh()

    @property
    def path(self) -> Path | None:
        """Where the history is kept."""
        return self._path

    @property
    def records(self) -> tuple[Record, ...]:
        """Return all records in the order in which they were made."""
        return self._records

    def refresh(self) -> None:
        """Take in what has been appended since; costs one stat when nothing was."""
        if self._path is None:
            return
        with self._lock:
            try:
                stat = self._path.stat()
                mark = stat.st_size, stat.st_mtime_ns
                if mark == self._seen:
                    return
                lines = self._path.read_bytes().splitlines()
            except FileNotFoundError:
                return
            except OSError as error:
                if self._seen != (-1, -1):
                    log.warning("%s: the calibrations cannot be read: %s", self._path, error.strerror)
                self._seen = -1, -1
                return
            self._seen = mark
            self._take(lines)

    def append(self, records: Sequence[Record]) -> None:
        """Add records, on disk before it returns; raise OSError when the disk refuses."""
        if self._path is None:
            raise FileNotFoundError("no file for calibrations is configured")
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = not self._path.exists()
            with self._path.open("ab+") as file:
                file.seek(0, os.SEEK_END)
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":  # half a line, from a power cut
                        file.write(b"\n")
                file.write(b"".join(to_line(record) for record in records))
                file.flush()
                os.fsync(file.fileno())
            if new:
                _sync_folder(self._path.parent)
        self.refresh()

    def newest(self, of: str, at_ns: int | None = None) -> Record | None:
        """Return the record that holds for `of` at a time, in ns since 1970; None: the last that was made."""
        found = [record for record in self._records if record.of == of]
        if at_ns is not None:
            found = sorted((each for each in found if each.at_ns <= at_ns), key=lambda each: each.at_ns)
        return found[-1] if found else None

    def again(self, of: str, own: float, at_ns: int) -> float:
        """Make a past value anew from its reading's `raw` and time (ns since 1970)."""
        record = self.newest(of, at_ns)
        return own if record is None else record.apply(own)

    def holding(self, of: str, now_ns: int | None, good_for_s: float | None, *, wanted: bool) -> Calibration:
        """Return what holds for `of` now, doubted when older than `good_for_s`, or missing though `wanted`.

        `now_ns` is ns since 1970; None while the clock is not set: then no age can be told.
        """
        record = self.newest(of)
        if record is None or record.kind == "factory":
            return Calibration(None, "uncalibrated" if wanted and good_for_s else "")
        old = bool(now_ns and good_for_s) and (now_ns or 0) - record.at_ns > (good_for_s or 0) * 1e9
        return Calibration(record, "calibration" if old else "")

    def _take(self, lines: Sequence[bytes]) -> None:
        records, damaged = [], []
        for number, line in enumerate(lines, 1):
            try:
                if line.strip():
                    records.append(from_line(line))
            except ValueError as error:  # msgspec's errors are ValueErrors too
                damaged.append(number)
                if number not in self.damaged:
                    log.warning("%s: line %d is left out: %s", self._path, number, error)
        self._records, self.damaged = tuple(records), tuple(damaged)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
