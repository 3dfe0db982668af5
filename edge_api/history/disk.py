"""The part of history on disk: seldom, big, compressed rows, so that the SD card lives long."""

import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from edge_api.database import open_database, open_sound, set_aside, transaction
from edge_api.history.newest import Newest
from edge_api.history.now import AssetNow
from edge_api.history.pieces import Block, Chunk, columns_of, names_of, read_lines
from edge_api.history.query import Piece
from sensors.sample import Value

log = logging.getLogger(__name__)

_VERSION = 1  # of the tables; a file of another version is set aside
_CACHE_KIB = 512
_SETTLE = """
INSERT INTO settled (id, segment) VALUES (1, ?)
ON CONFLICT (id) DO UPDATE SET segment = excluded.segment WHERE segment <> excluded.segment
"""
# Each name by a step through the index: there are few where readings came in bodies.
_NAMES = """
WITH RECURSIVE each (name) AS (
    SELECT min(asset) FROM chunk
    UNION ALL
    SELECT (SELECT min(asset) FROM chunk WHERE asset > name) FROM each WHERE name IS NOT NULL
)
SELECT name FROM each WHERE name IS NOT NULL
"""

# Integers that came with a `u` are a kind of int of their own; here they are plain ones.
_encode = msgspec.msgpack.Encoder(enc_hook=int).encode
_columns = msgspec.msgpack.Decoder(dict[str, tuple[list[int], list[Value]]])
_assets = msgspec.msgpack.Decoder(AssetNow)

_GZIP = b"\x1f\x8b"  # what begins so is of lines, else of columns
_IN = f"asset IN ({', '.join('?' * len(names_of('a/b/c/d')))}) AND last_ns >= ? AND first_ns < ?"


class Disk:
    """The database file, for one caller at a time.

    A method raises only sqlite3.Error, and OSError when even renaming fails.
    """

    def __init__(self, path: Path, busy_s: float) -> None:
        self._path = path
        self._busy_s = busy_s
        self._db = open_sound(path, "history", self._open)
        self._bytes: int | None = None  # added up once: of a province that is gigabytes to be read

    def load(self, newest: Newest) -> list[AssetNow]:
        """Return the assets of before, and fill in the newest lines; leave out what cannot be read."""
        assets: list[AssetNow] = []
        for key, packed in self._db.execute("SELECT key, packed FROM asset").fetchall():
            try:
                if packed.startswith(_GZIP):
                    newest.load(packed)
                else:
                    assets.append(_assets.decode(packed))
            except (msgspec.MsgspecError, TypeError, ValueError) as error:
                log.warning("history: what was known of %s cannot be read: %s", key, error)
        return assets

    def settled(self) -> int:
        """Return the last segment of the spool of which all is here; 0 where that is not known."""
        return int(next((row[0] for row in self._db.execute("SELECT segment FROM settled").fetchall()), 0))

    def write(
        self,
        chunks: Sequence[Chunk],
        states: Iterable[tuple[str, bytes]],
        settled: int,
    ) -> bool:
        """Write chunks, states (see `pack_asset`, `Newest`) and `settled` in one transaction; return True."""
        with transaction(self._db) as db:
            db.executemany(
                "INSERT INTO chunk (asset, first_ns, last_ns, count, packed) VALUES (?, ?, ?, ?, ?)", chunks
            )
            db.executemany(
                "INSERT INTO asset (key, packed) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET packed = excluded.packed",
                states,
            )
            db.execute(_SETTLE, (settled,))
        if self._bytes is not None:
            self._bytes += sum(len(packed) for *_, packed in chunks)
        return True

    def prune(self, horizon_of: Callable[[str], int | None], most_bytes: int) -> None:
        """Delete the chunks of each name that end before its horizon, then the oldest above `most_bytes`."""
        if self._bytes is None:
            (self._bytes,) = self._db.execute("SELECT coalesce(sum(length(packed)), 0) FROM chunk").fetchone()
        with transaction(self._db) as db:
            gone = sum(
                size
                for (name,) in db.execute(_NAMES).fetchall()
                if (horizon_ns := horizon_of(name)) is not None
                for (size,) in db.execute(
                    "DELETE FROM chunk WHERE asset = ? AND last_ns < ? RETURNING length(packed)",
                    (name, horizon_ns),
                )
            )
            spare = self._bytes - gone - most_bytes
            if spare > 0:
                last = 0
                for ident, size in db.execute("SELECT id, length(packed) FROM chunk ORDER BY id"):
                    last = ident
                    gone += size
                    spare -= size
                    if spare <= 0:
                        break
                db.execute("DELETE FROM chunk WHERE id <= ?", (last,))
        self._bytes -= gone

    def spans(self, key: str, start_ns: int, stop_ns: int) -> list[tuple[int, int, int]]:
        """Return (id, first_ns, last_ns) of an asset's chunks that touch start <= time < stop."""
        return self._db.execute(
            f"SELECT id, first_ns, last_ns FROM chunk WHERE {_IN}",  # noqa: S608 - our own words
            (*names_of(key), start_ns, stop_ns),
        ).fetchall()

    def piece(self, ident: int, key: str, field: str) -> Piece:
        """Return one field of an asset in a chunk; empty when it has gone, lacks the field or is damaged."""
        times: list[int] = []
        values: list[Value] = []
        rows = self._db.execute("SELECT id, packed FROM chunk WHERE id = ?", (ident,)).fetchall()
        for version in _versions(rows, key):
            its_times, its_values = version.get(field, ([], []))
            times += its_times
            values += its_values[: len(its_times)]
        return times, values

    def pieces(self, key: str, start_ns: int, stop_ns: int) -> list[dict[str, Piece]]:
        """Return the columns of an asset's chunks that touch start <= time < stop, as written."""
        rows = self._db.execute(
            f"SELECT id, packed FROM chunk WHERE {_IN} ORDER BY id",  # noqa: S608 - our own words
            (*names_of(key), start_ns, stop_ns),
        )
        return list(_versions(rows.fetchall(), key))

    def set_aside(self) -> None:
        """Move a damaged file out of the way, keep it for a look, and begin a new one."""
        self._db.close()
        set_aside(self._path, "history")
        self._db = self._open()
        self._bytes = 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        return open_database(
            self._path,
            "edge_api.history",
            version=_VERSION,
            synchronous="FULL",  # the spool lets go of what is `settled`: a power cut must not take that back
            cache_kib=_CACHE_KIB,
            busy_s=self._busy_s,
        )


def pack(columns: dict[str, Piece]) -> bytes:
    """Compress columns as a chunk holds them."""
    return zlib.compress(_encode(columns), 6)


def _versions(rows: Iterable[tuple[int, bytes]], key: str) -> Iterator[dict[str, Piece]]:
    """Yield the columns of an asset in chunks, the oldest version first; of damaged ones none."""
    blocks: list[Block] = []
    for ident, packed in rows:
        try:
            if packed.startswith(_GZIP):
                blocks += read_lines(packed, key)
                continue
            columns = _columns.decode(zlib.decompress(packed))
        except (zlib.error, ValueError) as error:  # msgspec's are ValueErrors
            log.warning("history: chunk %d cannot be read and is passed over: %s", ident, error)
            continue
        yield from columns_of(blocks)
        blocks.clear()
        yield columns
    yield from columns_of(blocks)


def pack_asset(asset: AssetNow) -> bytes:
    """Write what is known of an asset as a state holds it."""
    return _encode(asset)
