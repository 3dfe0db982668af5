"""The tables of history, the alarm book and the hours, declared once; each `schema.sql` is made from them.

So an edge need not load SQLModel, which is 31 MB and a second of a Pi's start.
"""

from pathlib import Path

from sqlalchemy import Index, MetaData
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from gateway.spool.tables import schema

HISTORY_VERSION = 1
ALARMS_VERSION = 0  # of a book that was begun before there were versions
ROLLUPS_VERSION = 1


class HistoryTable(SQLModel):
    """Base of history's tables; they have a metadata of their own."""

    metadata = MetaData()


class Chunk(HistoryTable, table=True):
    """Readings of one asset: `packed` is zlib of msgpack of {field: (times_ns, values)}.

    Or of several that came in our own edges' lines: `asset` is province/commune/part.parts, and `packed`
    gzip of series by series its prefix and, from the space on, its lines; see `edge_api.history.pieces`.

    Most questions are for an asset's newest pieces, and so is what each flush lets go of the oldest.
    """

    __table_args__ = (Index("ix_chunk_asset_last_ns", "asset", "last_ns"),)

    id: int | None = Field(default=None, primary_key=True)
    asset: str
    first_ns: int
    last_ns: int
    count: int
    packed: bytes


class Asset(HistoryTable, table=True):
    """The last known state of one asset, so that its name survives a restart: msgpack of an AssetNow.

    Or of a place, province/commune: gzip of the newest line of each of its assets that came in bodies.
    """

    key: str = Field(primary_key=True)
    packed: bytes


class SettledRow(HistoryTable, table=True):
    """The last segment of the spool of which all is on disk here; above it the spool is read again."""

    __tablename__ = "settled"

    id: int = Field(primary_key=True)
    segment: int


class AlarmTable(SQLModel):
    """Base of the alarm book's tables; they have a metadata of their own."""

    metadata = MetaData()


class AlarmRow(AlarmTable, table=True):
    """One alarm; what is asked for stands beside it in columns."""

    __tablename__ = "alarm"

    key: str = Field(primary_key=True)
    slot: str = Field(index=True)
    commune: str
    raised_ns: int | None
    last_ns: int = Field(index=True)
    open: bool = Field(index=True)
    packed: bytes


class ReadRow(AlarmTable, table=True):
    """How far the spool has been read: the last segment whose events are in the book."""

    __tablename__ = "read"

    id: int = Field(primary_key=True)
    segment: int


class RollupTable(SQLModel):
    """Base of the tables of the hours; they have a metadata of their own."""

    metadata = MetaData()


class HourRow(RollupTable, table=True):
    """What an asset's readings of one hour (since 1970, UTC) have come to; `changed` since it was sent."""

    __tablename__ = "hour"
    __table_args__ = (
        Index("hour_changed", "hour", sqlite_where=sql("changed = 1")),
        {"sqlite_with_rowid": False},
    )

    hour: int = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    changed: bool
    packed: bytes


class FoldedRow(RollupTable, table=True):
    """The numbers of one node's spool that are in their hours."""

    __tablename__ = "folded"

    gw: str = Field(primary_key=True)
    ep: str = Field(primary_key=True)
    seen: str


class BegunRow(RollupTable, table=True):
    """The first hour that can be whole in this file."""

    __tablename__ = "begun"

    id: int = Field(primary_key=True)
    hour: int


def schemas() -> dict[Path, str]:
    """Write the SQL that makes what is missing of each file's tables, by the file that holds it."""
    here = Path(__file__).parent
    return {
        here / "history/schema.sql": schema(HistoryTable.metadata, HISTORY_VERSION, again=True),
        here / "rollups/schema.sql": schema(RollupTable.metadata, ROLLUPS_VERSION, again=True),
        here / "alarms/schema.sql": schema(AlarmTable.metadata, ALARMS_VERSION, again=True),
    }


if __name__ == "__main__":
    for file, text in schemas().items():
        file.write_text(text)
