"""The tables of a spool, declared once; `schema.sql` is made from them, so a node need not load SQLModel.

Each row's `crc` is made by `gateway.spool.rows`: a row whose checksum does not fit is not believed.
Seldom-run questions (quarantine, gaps) go through these classes; the data path speaks to SQLite itself.
"""

from sqlalchemy import Column, Index, LargeBinary, MetaData, text
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Field, SQLModel

VERSION = 2
metadata = MetaData()


class SpoolTable(SQLModel):
    """Base of the spool's tables; they have a metadata of their own."""

    metadata = metadata


class SegmentRow(SpoolTable, table=True):
    """One group commit. The body comes last, so that a scan of the rest does not touch its pages."""

    __tablename__ = "segment"
    __table_args__ = (Index("segment_events", "id", sqlite_where=text("lane = 0")),)

    id: int = Field(primary_key=True)
    lane: int
    points: int
    first_ns: int | None = None
    last_ns: int | None = None
    boot: str | None = None
    size: int
    span: str
    crc: int
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StreamRow(SpoolTable, table=True):
    """The numbers of one node's spool that have been seen here, and those whose segments have left.

    `first_ns` and `last_ns` are the times between which its readings lie (UTC), as far as they were seen.
    """

    __tablename__ = "stream"

    gw: str = Field(primary_key=True)
    ep: str = Field(primary_key=True)
    seen: str
    released: str
    first_ns: int | None = None
    last_ns: int | None = None
    crc: int


class GapRow(SpoolTable, table=True):
    """Readings that will never come, and why; `at_ns` is when it was learned (UTC, for people only).

    A stretch of time without numbers has `first` 0, `last` -1, and lies between `after_ns` and `before_ns`.
    """

    __tablename__ = "gap"

    id: int | None = Field(default=None, primary_key=True)
    gw: str
    ep: str
    first: int
    last: int
    reason: str
    at_ns: int
    after_ns: int | None = None
    before_ns: int | None = None
    crc: int


class QuarantineRow(SpoolTable, table=True):
    """What no one would take, whole, with the reason that was given."""

    __tablename__ = "quarantine"

    id: int | None = Field(default=None, primary_key=True)
    at_ns: int
    source: str
    place: str
    reason: str
    span: str
    crc: int
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ProgressRow(SpoolTable, table=True):
    """The ids of segments that one upstream has confirmed."""

    __tablename__ = "progress"

    upstream: str = Field(primary_key=True)
    delivered: str
    crc: int


class NoteRow(SpoolTable, table=True):
    """Small facts: the spool's name, the last id given, what to add to a boot's monotonic times."""

    __tablename__ = "note"

    key: str = Field(primary_key=True)
    value: str
    crc: int


def schema(tables: MetaData = metadata, version: int = VERSION, *, again: bool = False) -> str:
    """Write the SQL that makes tables in an empty file; with `again` also in one that has them already."""
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - only who writes schema.sql anew, and its test, come here

    dialect = sqlite.dialect()
    statements = []
    for table in tables.sorted_tables:
        statements.append(str(CreateTable(table, if_not_exists=again).compile(dialect=dialect)).strip())
        statements += [
            str(CreateIndex(index, if_not_exists=again).compile(dialect=dialect))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    lines = (";\n\n".join(statements) + ";\n").replace("\t", "    ").splitlines()
    return "\n".join(line.rstrip() for line in lines) + f"\n\nPRAGMA user_version = {version};\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(schema())
