"""The tables of history and of the alarm book, declared once; each `schema.sql` is made from them.

So an edge need not load SQLModel, which is 31 MB and a second of a Pi's start.
"""

from pathlib import Path

from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel

from gateway.spool.tables import schema

HISTORY_VERSION = 1
ALARMS_VERSION = 0  # of a book that was begun before there were versions


class HistoryTable(SQLModel):
    """Base of history's tables; they have a metadata of their own."""

    metadata = MetaData()


class Chunk(HistoryTable, table=True):
    """Readings of one asset: `packed` is zlib of msgpack of {field: (times_ns, values)}."""

    id: int | None = Field(default=None, primary_key=True)
    asset: str = Field(index=True)
    first_ns: int
    last_ns: int
    count: int
    packed: bytes


class Asset(HistoryTable, table=True):
    """The last known state of one asset, so that its name survives a restart."""

    key: str = Field(primary_key=True)
    packed: bytes


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


def schemas() -> dict[Path, str]:
    """Write the SQL that makes what is missing of each file's tables, by the file that holds it."""
    here = Path(__file__).parent
    return {
        here / "history/schema.sql": schema(HistoryTable.metadata, HISTORY_VERSION, again=True),
        here / "alarms/schema.sql": schema(AlarmTable.metadata, ALARMS_VERSION, again=True),
    }


if __name__ == "__main__":
    for file, text in schemas().items():
        file.write_text(text)
