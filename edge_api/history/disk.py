"""The part of history on disk: seldom, big, compressed rows, so that the SD card lives long."""

import logging
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, event, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlmodel import Field, SQLModel, create_engine

from edge_api.history.now import AssetNow
from edge_api.history.query import Piece
from sensors.sample import Value

log = logging.getLogger(__name__)

_VERSION = 1  # of the tables; a file of another version is set aside
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})

# Integers that came with a `u` are a kind of int of their own; here they are plain ones.
_encode = msgspec.msgpack.Encoder(enc_hook=int).encode
_columns = msgspec.msgpack.Decoder(dict[str, tuple[list[int], list[Value]]])
_assets = msgspec.msgpack.Decoder(AssetNow)


class Chunk(SQLModel, table=True):
    """Readings of one asset: `packed` is zlib of msgpack of {field: (times_ns, values)}."""

    id: int | None = Field(default=None, primary_key=True)
    asset: str = Field(index=True)
    first_ns: int
    last_ns: int
    count: int
    packed: bytes


class Asset(SQLModel, table=True):
    """The last known state of one asset, so that its name survives a restart."""

    key: str = Field(primary_key=True)
    packed: bytes


_chunk = SQLModel.metadata.tables["chunk"]
_asset = SQLModel.metadata.tables["asset"]


class Disk:
    """The database file. A method raises only SQLAlchemyError, and OSError when even renaming fails."""

    def __init__(self, path: Path, busy_s: float) -> None:
        self._path = path
        self._busy_s = busy_s
        self._engine = self._open()

    def load(self) -> list[AssetNow]:
        """Return the assets of before; leave out those that cannot be read."""
        assets: list[AssetNow] = []
        for key, packed in self._rows(select(_asset.c.key, _asset.c.packed)):
            try:
                assets.append(_assets.decode(packed))
            except (msgspec.MsgspecError, TypeError) as error:
                log.warning("history: what was known of %s cannot be read: %s", key, error)
        return assets

    def write(self, chunks: Sequence[tuple[str, int, int, int, bytes]], assets: Iterable[AssetNow]) -> bool:
        """Write chunks (see `pack`) and the state of assets in one transaction; return True."""
        names = ("asset", "first_ns", "last_ns", "count", "packed")
        rows = [dict(zip(names, chunk, strict=True)) for chunk in chunks]
        states = [{"key": asset.key, "packed": _encode(asset)} for asset in assets]
        with self._engine.begin() as connection:
            if rows:
                connection.execute(insert(_chunk), rows)
            if states:
                statement = upsert(_asset)
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=["key"], set_={"packed": statement.excluded.packed}
                    ),
                    states,
                )
        return True

    def prune(self, horizons: Iterable[tuple[str, int]], most_bytes: int) -> None:
        """Delete each asset's chunks that end before its horizon, then the oldest rows above `most_bytes`."""
        with self._engine.begin() as connection:
            for key, horizon_ns in horizons:
                connection.execute(delete(_chunk).where(_chunk.c.asset == key, _chunk.c.last_ns < horizon_ns))
            total = connection.execute(select(func.coalesce(func.sum(func.length(_chunk.c.packed)), 0)))
            spare = total.scalar_one() - most_bytes
            if spare > 0:
                last = 0
                for ident, size in connection.execute(
                    select(_chunk.c.id, func.length(_chunk.c.packed)).order_by(_chunk.c.id)
                ):
                    last = ident
                    spare -= size
                    if spare <= 0:
                        break
                connection.execute(delete(_chunk).where(_chunk.c.id <= last))

    def spans(self, key: str, start_ns: int, stop_ns: int) -> list[tuple[int, int, int]]:
        """Return (id, first_ns, last_ns) of an asset's chunks that touch start <= time < stop."""
        rows = self._rows(
            select(_chunk.c.id, _chunk.c.first_ns, _chunk.c.last_ns).where(
                _chunk.c.asset == key, _chunk.c.last_ns >= start_ns, _chunk.c.first_ns < stop_ns
            )
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def piece(self, ident: int, field: str) -> Piece:
        """Return one field of a chunk; empty when it has gone, lacks the field or is damaged."""
        for (packed,) in self._rows(select(_chunk.c.packed).where(_chunk.c.id == ident)):
            try:
                times, values = _columns.decode(zlib.decompress(packed)).get(field, ([], []))
                return times, values[: len(times)]
            except (zlib.error, msgspec.MsgspecError) as error:
                log.warning("history: chunk %d cannot be read and is passed over: %s", ident, error)
        return [], []

    def set_aside(self) -> None:
        """Move a damaged file out of the way, keep it for a look, and begin a new one."""
        self._engine.dispose()
        aside = move_aside(self._path)
        log.error("history: %s is damaged; set aside as %s, a new one is begun", self._path, aside)
        self._engine = self._make()

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _rows(self, statement: Any) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(statement).all()

    def _open(self) -> Engine:
        try:
            return self._make()
        except DatabaseError as error:
            if not is_damage(error):
                raise
            self.set_aside()
            return self._engine

    def _make(self) -> Engine:
        self._engine = create_engine(f"sqlite:///{self._path}", connect_args={"timeout": self._busy_s})
        event.listen(self._engine, "connect", _pragmas)
        with self._engine.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version not in {0, _VERSION}:
                raise WrongVersion(f"tables of version {version}", None, sqlite3.DatabaseError())
            SQLModel.metadata.create_all(connection, tables=[_chunk, _asset])
            connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")
        return self._engine


class WrongVersion(DatabaseError):  # noqa: N818 - reads as the sentence it is
    """The tables are those of another version of the program."""


def move_aside(path: Path) -> str:
    """Rename a damaged database and what belongs to it, for a look; return its new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside.name


def pack(columns: dict[str, Piece]) -> bytes:
    """Compress columns as a chunk holds them."""
    return zlib.compress(_encode(columns), 6)


def is_damage(error: SQLAlchemyError) -> bool:
    """Return whether the file itself is broken, rather than full, locked or not reachable."""
    if isinstance(error, WrongVersion):
        return True
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in _DAMAGE:
        return True
    return "no such table" in str(error) or "no such column" in str(error)


def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -512"):
        connection.execute(f"PRAGMA {pragma}").close()
