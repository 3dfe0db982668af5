"""The province's file: the registry, a row an asset and day, and a row a commune and day."""

import logging
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from edge_api.database import open_database, open_sound, transaction
from edge_api.province.assetday import Asset, AssetDay
from edge_api.province.due import Due
from edge_api.province.totals import CommuneDay

log = logging.getLogger(__name__)

_VERSION = 1  # of the tables; a file of another version is set aside
_CACHE_KIB = 2048
_encode = msgspec.msgpack.encode
_asset_days = msgspec.msgpack.Decoder(AssetDay)
_commune_days = msgspec.msgpack.Decoder(CommuneDay)
_assets = msgspec.msgpack.Decoder(Asset)


class _Came(msgspec.Struct):
    """What of a Total says how complete it is: a page asks it of all communes and many days."""

    present: int = 0
    missing: dict[str, int] = {}


class _Whole(msgspec.Struct):
    commune: str
    day: int
    types: dict[str, _Came] = {}


_wholes = msgspec.msgpack.Decoder(_Whole)  # takes an eighth of the time of a whole row


class ProvinceFile:
    """The database, for any thread. Methods raise sqlite3.Error; a damaged file is set aside when opened."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = open_sound(path, "province", lambda: _open(path))

    def assets(self) -> list[Asset]:
        """Return the registry."""
        return [_assets.decode(packed) for (packed,) in self._rows("SELECT packed FROM registered")]

    def due(self) -> list[Due]:
        """Return the days that waited to be counted anew."""
        return self._rows("SELECT asset, day FROM due")

    def asset_days(self, assets: Iterable[str], days: range) -> list[AssetDay]:
        """Return the rows of these assets, by asset and day."""
        statement = "SELECT packed FROM asset_day WHERE asset = ? AND day >= ? AND day < ? ORDER BY day"
        return [
            _asset_days.decode(packed)
            for key in assets
            for (packed,) in self._rows(statement, key, days.start, days.stop)
        ]

    def of_commune(self, place: str, day: int) -> list[AssetDay]:
        """Return a day's rows of all assets whose key begins with province/commune."""
        # 0 comes right after the slash
        statement = "SELECT packed FROM asset_day WHERE asset >= ? AND asset < ? AND day = ?"
        rows = self._rows(statement, f"{place}/", f"{place}0", day)
        return [_asset_days.decode(packed) for (packed,) in rows]

    def commune_days(self, commune: str | None, days: range) -> list[CommuneDay]:
        """Return the totals of one commune or of all, by commune and day."""
        rows = self._rows(
            "SELECT packed FROM commune_day WHERE (?1 IS NULL OR commune = ?1) AND day >= ?2 AND day < ?3"
            " ORDER BY commune, day",
            commune,
            days.start,
            days.stop,
        )
        return [_commune_days.decode(packed) for (packed,) in rows]

    def arrived(self, days: range) -> list[tuple[str, int, int, int]]:
        """Return commune, day, and how many readings came and were expected."""
        rows = self._rows("SELECT packed FROM commune_day WHERE day >= ? AND day < ?", days.start, days.stop)
        return [
            (
                it.commune,
                it.day,
                came := sum(each.present for each in it.types.values()),
                came + sum(sum(each.missing.values()) for each in it.types.values()),
            )
            for it in map(_wholes.decode, (packed for (packed,) in rows))
        ]

    def write(
        self,
        *,
        assets: Iterable[Asset] = (),
        asset_days: Iterable[AssetDay] = (),
        commune_days: Iterable[CommuneDay] = (),
        due: Iterable[Due] = (),
        counted: Iterable[Due] = (),
    ) -> None:
        """Write rows, and which days are due and which no longer, in one transaction."""
        with self._lock, transaction(self._db) as db:
            db.executemany(
                "INSERT OR REPLACE INTO registered VALUES (?, ?)", [(it.key, _encode(it)) for it in assets]
            )
            db.executemany(
                "INSERT OR REPLACE INTO asset_day VALUES (?, ?, ?)",
                [(it.asset, it.day, _encode(it)) for it in asset_days],
            )
            db.executemany(
                "INSERT OR REPLACE INTO commune_day VALUES (?, ?, ?)",
                [(it.commune, it.day, _encode(it)) for it in commune_days],
            )
            db.executemany("INSERT OR IGNORE INTO due VALUES (?, ?)", due)
            db.executemany("DELETE FROM due WHERE asset = ? AND day = ?", counted)

    def prune(self, first_day: int) -> None:
        """Forget what is older than a day."""
        with self._lock, transaction(self._db) as db:
            for table in ("asset_day", "commune_day", "due"):
                db.execute(f"DELETE FROM {table} WHERE day < ?", (first_day,))  # noqa: S608 - they stand above

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()


def _open(path: Path) -> sqlite3.Connection:
    # NORMAL: all of it can be counted again from history, except what is older than that
    return open_database(
        path, "edge_api.province", version=_VERSION, synchronous="NORMAL", cache_kib=_CACHE_KIB
    )
