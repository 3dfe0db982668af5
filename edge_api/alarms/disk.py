"""The alarm book's file: one small row an alarm, written when it changes, bounded."""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, event, func, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DatabaseError
from sqlmodel import Field, SQLModel, create_engine

from edge_api.alarms.alarm import Alarm
from edge_api.history.disk import is_damage, move_aside

log = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder(enc_hook=int).encode
_alarms = msgspec.msgpack.Decoder(Alarm)


class AlarmRow(SQLModel, table=True):
    """One alarm; what is asked for stands beside it in columns."""

    __tablename__ = "alarm"

    key: str = Field(primary_key=True)
    slot: str = Field(index=True)
    commune: str
    raised_ns: int | None
    last_ns: int = Field(index=True)
    open: bool = Field(index=True)
    packed: bytes


class ReadRow(SQLModel, table=True):
    """How far the spool has been read: the last segment whose events are in the book."""

    __tablename__ = "read"

    id: int = Field(primary_key=True)
    segment: int


_alarm = SQLModel.metadata.tables["alarm"]
_read = SQLModel.metadata.tables["read"]


class AlarmFile:
    """The database. Methods raise SQLAlchemyError; a damaged file is set aside when it is opened."""

    def __init__(self, path: Path) -> None:
        try:
            self._engine = _open(path)
        except DatabaseError as error:
            if not is_damage(error):
                raise
            aside = move_aside(path)
            log.error("alarms: %s is damaged; set aside as %s, a new one is begun", path, aside)  # noqa: TRY400
            self._engine = _open(path)

    def segment(self) -> int:
        """Return the last segment of the spool that was read into the book."""
        return int(next((row[0] for row in self._rows(select(_read.c.segment))), 0))

    def one(self, key: str) -> Alarm | None:
        """Return an alarm by its key."""
        return next(iter(self._decoded(select(_alarm.c.packed).where(_alarm.c.key == key))), None)

    def opened(self, most: int) -> list[Alarm]:
        """Return the open alarms, the newest first."""
        statement = select(_alarm.c.packed).where(_alarm.c.open).order_by(_alarm.c.last_ns.desc())
        return self._decoded(statement.limit(most))

    def some(self, commune: str | None, since_ns: int | None, most: int) -> list[Alarm]:
        """Return alarms last heard of since then, the newest first."""
        statement = select(_alarm.c.packed).order_by(_alarm.c.last_ns.desc(), _alarm.c.key).limit(most)
        if commune is not None:
            statement = statement.where(_alarm.c.commune == commune)
        if since_ns is not None:
            statement = statement.where(_alarm.c.last_ns >= since_ns)
        return self._decoded(statement)

    def next_raised(self, slot: str, raised_ns: int) -> int | None:
        """Return when the next alarm of a slot was raised after this time, None when none was."""
        statement = select(func.min(_alarm.c.raised_ns)).where(
            _alarm.c.slot == slot, _alarm.c.raised_ns > raised_ns
        )
        found = self._rows(statement)[0][0]
        return None if found is None else int(found)

    def write(self, alarms: Sequence[Alarm], segment: int | None, most: int) -> None:
        """Write alarms, and how far the spool is read, in one transaction; forget the oldest past `most`."""
        rows = [
            {
                "key": each.key,
                "slot": each.slot,
                "commune": each.commune,
                "raised_ns": each.raised_ns,
                "last_ns": each.last_ns,
                "open": each.open,
                "packed": _encode(each),
            }
            for each in alarms
        ]
        with self._engine.begin() as connection:
            if rows:
                statement = upsert(_alarm)
                new = {name: statement.excluded[name] for name in rows[0] if name != "key"}
                connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=new), rows)
            if segment is not None:
                mark = upsert(_read).values(id=1, segment=segment)
                connection.execute(
                    mark.on_conflict_do_update(index_elements=["id"], set_={"segment": segment})
                )
            spare = connection.execute(select(func.count()).select_from(_alarm)).scalar_one() - most
            if spare > 0:
                oldest = select(_alarm.c.key).order_by(_alarm.c.open, _alarm.c.last_ns).limit(spare)
                connection.execute(delete(_alarm).where(_alarm.c.key.in_(oldest)))

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _rows(self, statement: Any) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(statement).all()

    def _decoded(self, statement: Any) -> list[Alarm]:
        found = []
        for (packed,) in self._rows(statement):
            try:
                found.append(_alarms.decode(packed))
            except msgspec.MsgspecError as error:
                log.warning("alarms: one cannot be read and is passed over: %s", error)
        return found


def _open(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 5.0})
    event.listen(engine, "connect", _pragmas)
    with engine.begin() as connection:
        SQLModel.metadata.create_all(connection, tables=[_alarm, _read])
    return engine


def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
    # FULL: an acknowledgement that was answered must outlive a power cut
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -256"):
        connection.execute(f"PRAGMA {pragma}").close()
