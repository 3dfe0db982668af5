"""Keeps the alarms of all that arrives: the open ones in memory, all in a file; over restarts, bounded."""

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from edge_api.alarms.alarm import ACKNOWLEDGED, Alarm, is_alarm, told
from edge_api.alarms.disk import AlarmFile
from edge_api.point import Point
from edge_api.unread import unread
from gateway.spool import EVENTS, Spool

log = logging.getLogger(__name__)

MOST_OPEN = 5_000
MOST_KEPT = 20_000
_MS = 1_000_000


class AlarmUnknown(LookupError):  # noqa: N818 - reads as the sentence it is
    """There is no alarm of that key in the book."""


class AlarmBook:
    """All methods may be called from any thread. A disk that fails costs the book's memory, never the edge.

    `keep` puts an acknowledgement on its way upward, durably, before it is answered; `read_to` says up to
    which segment of the spool all events have been handed to `take`.
    """

    def __init__(
        self,
        path: Path,
        keep: Callable[[Point], None],
        read_to: Callable[[], int],
        wall_ns: Callable[[], int],
        *,
        most_open: int = MOST_OPEN,
        most_kept: int = MOST_KEPT,
    ) -> None:
        self._keep = keep
        self._read_to = read_to
        self._wall_ns = wall_ns
        self._most_open = most_open
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._open: dict[str, Alarm] = {}
        self._unwritten: dict[str, Alarm] = {}
        self._acked_ns = 0
        self._file: AlarmFile | None = None
        self._failing = ""
        try:
            self._file = AlarmFile(path)
            self._open = {each.key: each for each in reversed(self._file.opened(most_open))}
        except (sqlite3.Error, OSError) as error:
            log.error("alarms: %s cannot be used, the book is in memory only: %s", path, error)  # noqa: TRY400

    def catch_up(self, spool: Spool) -> None:
        """Read the events that were committed and not yet in the book when the edge went down."""
        read = self._file.segment() if self._file else 0
        for segment, points, _ in unread(spool, (EVENTS,), read):
            self._take([point for point in points if is_alarm(point)], segment)

    def take(self, points: Sequence[Point]) -> None:
        """Take in what has just been committed; called by the writer, in the order of the commits."""
        alarms = [point for point in points if is_alarm(point)]
        if alarms:
            self._take(alarms, None)

    def open_alarms(self) -> list[Alarm]:
        """Return what is open, the newest first."""
        with self._lock:
            return sorted(self._open.values(), key=lambda each: (-(each.raised_ns or 0), each.key))

    def alarms(self, commune: str | None, since_ns: int | None, most: int) -> list[Alarm]:
        """Return open and past alarms last heard of since then, the newest first."""
        with self._lock:
            if self._file is None:
                return list(self._open.values())[:most]
            return self._file.some(commune, since_ns, most)

    def counts(self) -> tuple[dict[str, int], int]:
        """Return how many are open by severity, and how many of them nobody has acknowledged."""
        with self._lock:
            by_severity = Counter(each.severity for each in self._open.values())
            return dict(by_severity), sum(each.acked_ns is None for each in self._open.values())

    def acknowledge(self, key: str, by: str, note: str) -> Alarm:
        """Note that a person has seen an alarm, and tell the upper levels; a second time changes nothing.

        Raises AlarmUnknown, and what `keep` raises when the disk does not take it.
        """
        with self._lock:
            old = self._find(key)
            if old is None:
                raise AlarmUnknown(key)
            if old.acked_ns is not None:
                return old
            # A time of its own, which no event of a node has: those are whole milliseconds.
            now_ns = self._wall_ns() // _MS * _MS + 1
            self._acked_ns = max(now_ns, self._acked_ns + _MS)
            tags = {tag: getattr(old, tag) for tag in ("province", "commune", "domain", "asset", "kind")}
            point = Point(
                "Alert",
                {tag: value for tag, value in tags.items() if value},
                self._acked_ns,
                {
                    "id": old.id,
                    "state": ACKNOWLEDGED,
                    "severity": old.severity,
                    "by": by,
                    **({"note": note} if note else {}),
                },
            )
            self._keep(point)
            new = told(old, point)
            self._put(new)
            self._write(None)
            return new

    def close(self) -> None:
        """Write what waits and close the file."""
        with self._lock:
            if self._unwritten:
                self._write(None)
            if self._file is not None:
                self._file.close()

    def _take(self, points: Sequence[Point], segment: int | None) -> None:
        with self._lock:
            for point in points:
                self._put(self._placed(told(self._find_of(point), point)))
            self._write(self._read_to() if segment is None else segment)

    def _find_of(self, point: Point) -> Alarm | None:
        return self._find(told(None, point).key)

    def _find(self, key: str) -> Alarm | None:
        found = self._open.get(key) or self._unwritten.get(key)
        if found is None and self._file is not None:
            try:
                return self._file.one(key)
            except sqlite3.Error as error:
                self._say(error)
        return found

    def _placed(self, alarm: Alarm) -> Alarm:
        """Only the last of a slot's alarms can be open: an older one's end was lost with its node's card."""
        if not alarm.open or alarm.raised_ns is None:
            return alarm
        later = []
        for other in [
            each for each in self._open.values() if each.slot == alarm.slot and each.key != alarm.key
        ]:
            if (other.raised_ns or 0) <= alarm.raised_ns:
                self._put(_superseded(other, alarm.raised_ns))
            else:
                later.append(other.raised_ns or 0)
        if self._file is not None:
            try:
                found = self._file.next_raised(alarm.slot, alarm.raised_ns)
                later += [] if found is None else [found]
            except sqlite3.Error as error:
                self._say(error)
        return _superseded(alarm, min(later)) if later else alarm

    def _put(self, alarm: Alarm) -> None:
        self._unwritten[alarm.key] = alarm
        self._open.pop(alarm.key, None)
        if alarm.open:
            self._open[alarm.key] = alarm
            while len(self._open) > self._most_open:
                oldest = next(iter(self._open))
                log.warning("alarms: more than %d are open; the oldest is left to the file", self._most_open)
                del self._open[oldest]

    def _write(self, segment: int | None) -> None:
        if self._file is None:
            while len(self._unwritten) > self._most_open:
                del self._unwritten[next(iter(self._unwritten))]
            return
        try:
            self._file.write(list(self._unwritten.values()), segment, self._most_kept)
        except sqlite3.Error as error:
            self._say(error)
            return
        self._unwritten.clear()
        self._failing = ""

    def _say(self, error: sqlite3.Error) -> None:
        if str(error) != self._failing:
            self._failing = str(error)
            log.warning("alarms: the disk fails, the book goes on in memory: %s", error)


def _superseded(alarm: Alarm, at_ns: int) -> Alarm:
    return msgspec.structs.replace(alarm, cleared_ns=at_ns, ended="superseded")
