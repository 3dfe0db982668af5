"""The hours' file: what readings have come to by hour, and which readings are in it; committed together."""

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge_api.database import is_damage, open_database, set_aside, transaction
from edge_api.history import asset_key
from edge_api.point import Point, identity
from edge_api.rollups.choice import Choice
from edge_api.rollups.hour import Hour, fold, hour_of
from gateway.spool import RangeSet, Stream

log = logging.getLogger(__name__)

_VERSION = 1  # of the tables; a file of another version is set aside
_CACHE_KIB = 8192
_AHEAD_H = 24  # a reading from further in the future has no clock worth believing
_encode = msgspec.msgpack.encode
_hours = msgspec.msgpack.Decoder(Hour)


class Key(NamedTuple):
    """Whose hour: counted since 1970 in UTC, the asset's key, and the type of its readings."""

    hour: int
    asset: str
    kind: str


class HoursFile:
    """The database, for any thread; methods raise sqlite3.Error. A damaged file is set aside when opened.

    A reading of ours is known by its number, any other by its time: it is added once, however often it comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self.passed_over = 0
        self.lost = False
        try:
            self._use(_open(path))
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._use(self._another())

    def _use(self, db: sqlite3.Connection) -> None:
        self._db = db
        rows = db.execute("SELECT gw, ep, seen FROM folded").fetchall()
        self._seen = {(gw, ep): RangeSet.parse(text) for gw, ep, text in rows}

    def _another(self) -> sqlite3.Connection:
        """Keep a damaged file for a look, and begin a new one."""
        set_aside(self._path, "roll-ups")
        self.lost = True
        return _open(self._path)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """One caller at a time; one who meets damage gets the error, the next one a new file."""
        with self._lock:
            try:
                yield
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    self._db.close()
                    self._use(self._another())
                raise

    @property
    def whole_from(self) -> int | None:
        """Return the first hour that can be whole here; None while nobody has said so."""
        with self._guarded():
            found = self._db.execute("SELECT hour FROM begun").fetchall()
        return int(found[0][0]) if found else None

    def begin(self, hour: int) -> None:
        """Say which hour is the first that can be whole; earlier ones are left as they are upstream."""
        with self._guarded(), transaction(self._db) as db:
            db.execute("INSERT OR IGNORE INTO begun VALUES (0, ?)", (hour,))

    def take(self, points: Iterable[Point], choice: Choice, first_hour: int, now_hour: int) -> None:
        """Add readings to their hours, in one transaction.

        What lies before `first_hour`, or a day ahead of now, is passed over and counted.
        """
        with self._guarded():
            fresh: dict[Stream, RangeSet] = {}
            touched: dict[Key, Hour] = {}
            passed_over = 0
            for point in points:
                numbered = identity(point)
                if numbered is not None and not self._is_new(fresh, numbered):
                    continue
                kind, key = point.measurement, asset_key(point.tags)
                fields = choice.fields(kind, point.tags.get("commune", ""))
                if key is None or not fields:
                    continue
                number = hour_of(point.ts_ns)
                if not first_hour <= number <= now_hour + _AHEAD_H:
                    passed_over += 1
                    continue
                where = Key(number, key, kind)
                hour = touched.get(where)
                if hour is None:
                    hour = touched[where] = self._hour(where)
                if numbered is None:
                    if point.ts_ns in hour.times:
                        continue
                    hour.times.append(point.ts_ns)
                fold(hour, point, fields)
            self._write(touched, fresh)
            self.passed_over += passed_over

    def _is_new(self, fresh: dict[Stream, RangeSet], numbered: tuple[str, str, int]) -> bool:
        stream, seq = numbered[:2], numbered[2]
        if seq in self._seen.get(stream, ()):
            return False
        numbers = fresh.setdefault(stream, RangeSet())
        if seq in numbers:
            return False
        numbers.add(seq, seq)
        return True

    def _hour(self, where: Key) -> Hour:
        found = self._db.execute(
            "SELECT packed FROM hour WHERE hour = ? AND asset = ? AND kind = ?", where
        ).fetchall()
        return _hours.decode(found[0][0]) if found else Hour()

    def _write(self, touched: dict[Key, Hour], fresh: dict[Stream, RangeSet]) -> None:
        seen = {stream: self._seen.get(stream, RangeSet()).copy() for stream in fresh}
        for stream, numbers in fresh.items():
            seen[stream].update(numbers)
        with transaction(self._db) as db:
            db.executemany(
                "INSERT OR REPLACE INTO hour VALUES (?, ?, ?, 1, ?)",
                [(*where, _encode(hour)) for where, hour in touched.items()],
            )
            db.executemany(
                "INSERT OR REPLACE INTO folded VALUES (?, ?, ?)",
                [(*stream, str(numbers)) for stream, numbers in seen.items()],
            )
        self._seen |= seen

    def ready(self, last_hour: int, most: int) -> list[tuple[Key, Hour]]:
        """Return hours up to `last_hour` that have changed since they were sent, newest first."""
        with self._guarded():
            rows = self._db.execute(
                "SELECT hour, asset, kind, packed FROM hour WHERE changed = 1 AND hour <= ?"
                " ORDER BY hour DESC, asset LIMIT ?",
                (last_hour, most),
            ).fetchall()
        return [(Key(*row[:3]), _hours.decode(row[3])) for row in rows]

    def sent(self, keys: Sequence[Key]) -> None:
        """These hours are in the spool of their upstream as they are now."""
        with self._guarded(), transaction(self._db) as db:
            db.executemany("UPDATE hour SET changed = 0 WHERE hour = ? AND asset = ? AND kind = ?", keys)

    def waiting(self) -> int:
        """Return how many hours have changed and are not sent, running ones included."""
        with self._guarded():
            (found,) = self._db.execute("SELECT count(*) FROM hour WHERE changed = 1").fetchone()
        return int(found)

    def prune(self, first_hour: int) -> None:
        """Forget what was sent and is older."""
        with self._guarded(), transaction(self._db) as db:
            db.execute("DELETE FROM hour WHERE hour < ? AND changed = 0", (first_hour,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


def _open(path: Path) -> sqlite3.Connection:
    # FULL: readings that are in it may leave the spool
    return open_database(path, "edge_api.rollups", version=_VERSION, synchronous="FULL", cache_kib=_CACHE_KIB)
