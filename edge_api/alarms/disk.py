"""The alarm book's file: one small row an alarm, written when it changes, bounded."""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge_api.alarms.alarm import Alarm
from edge_api.database import open_database, open_sound, transaction

log = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder(enc_hook=int).encode
_alarms = msgspec.msgpack.Decoder(Alarm)


_VERSION = 0  # of the tables: the first ones gave none
_CACHE_KIB = 256
_WRITE = """
INSERT INTO alarm (key, slot, commune, raised_ns, last_ns, open, packed) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET slot = excluded.slot, commune = excluded.commune,
    raised_ns = excluded.raised_ns, last_ns = excluded.last_ns, open = excluded.open, packed = excluded.packed
"""
_READ = """
INSERT INTO read (id, segment) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET segment = excluded.segment
"""
_FORGET = "DELETE FROM alarm WHERE key IN (SELECT key FROM alarm ORDER BY open, last_ns LIMIT ?)"


class AlarmFile:
    """The database, for one caller at a time; a damaged file is set aside. Methods raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._db = open_sound(path, "alarms", lambda: _open(path))

    def segment(self) -> int:
        """Return the last segment of the spool that was read into the book."""
        return int(next((row[0] for row in self._db.execute("SELECT segment FROM read").fetchall()), 0))

    def one(self, key: str) -> Alarm | None:
        """Return an alarm by its key."""
        return next(iter(self._decoded("WHERE key = ?", key)), None)

    def opened(self, most: int) -> list[Alarm]:
        """Return the open alarms, the newest first."""
        return self._decoded("WHERE open ORDER BY last_ns DESC LIMIT ?", most)

    def some(self, commune: str | None, since_ns: int | None, most: int) -> list[Alarm]:
        """Return alarms last heard of since then, the newest first."""
        return self._decoded(
            "WHERE (?1 IS NULL OR commune = ?1) AND (?2 IS NULL OR last_ns >= ?2)"
            " ORDER BY last_ns DESC, key LIMIT ?3",
            commune,
            since_ns,
            most,
        )

    def next_raised(self, slot: str, raised_ns: int) -> int | None:
        """Return when the next alarm of a slot was raised after this time, None when none was."""
        (found,) = self._db.execute(
            "SELECT min(raised_ns) FROM alarm WHERE slot = ? AND raised_ns > ?", (slot, raised_ns)
        ).fetchone()
        return None if found is None else int(found)

    def write(self, alarms: Sequence[Alarm], segment: int | None, most: int) -> None:
        """Write alarms, and how far the spool is read, in one transaction; forget the oldest past `most`."""
        rows = [
            (it.key, it.slot, it.commune, it.raised_ns, it.last_ns, it.open, _encode(it)) for it in alarms
        ]
        with transaction(self._db) as db:
            db.executemany(_WRITE, rows)
            if segment is not None:
                db.execute(_READ, (segment,))
            spare = db.execute("SELECT count(*) FROM alarm").fetchone()[0] - most
            if spare > 0:
                db.execute(_FORGET, (spare,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _decoded(self, where: str, *values: object) -> list[Alarm]:
        found = []
        for (packed,) in self._db.execute(f"SELECT packed FROM alarm {where}", values).fetchall():  # noqa: S608 - all of them stand above
            try:
                found.append(_alarms.decode(packed))
            except msgspec.MsgspecError as error:
                log.warning("alarms: one cannot be read and is passed over: %s", error)
        return found


def _open(path: Path) -> sqlite3.Connection:
    # FULL: an acknowledgement that was answered must outlive a power cut
    return open_database(path, "edge_api.alarms", version=_VERSION, synchronous="FULL", cache_kib=_CACHE_KIB)
