"""A card may give back what was never written: each row carries a checksum, and is believed only with it."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Any

from gateway.spool.ranges import RangeSet
from gateway.spool.segment import Gap, Refused, Segment, Stream

Row = tuple[Any, ...]

COLUMNS = {
    "segment": ("id", "lane", "points", "first_ns", "last_ns", "boot", "size", "span", "crc", "body"),
    "stream": ("gw", "ep", "seen", "released", "first_ns", "last_ns", "crc"),
    "gap": ("gw", "ep", "first", "last", "reason", "at_ns", "after_ns", "before_ns", "crc"),
    "quarantine": ("at_ns", "source", "place", "reason", "span", "crc", "body"),
    "progress": ("upstream", "delivered", "crc"),
    "note": ("key", "value", "crc"),
}
"""What is written of each table, in the order of the file; SQLite numbers gaps and quarantined bodies."""

_OLD = {
    "stream": ("gw", "ep", "seen", "released", "crc"),
    "gap": ("gw", "ep", "first", "last", "reason", "at_ns", "crc"),
}
"""The tables that version 1 wrote otherwise; version 2 added their times, which it did not know."""

NUMBERED = frozenset({"gap", "quarantine"})
REPLACED = frozenset({"stream", "progress", "note"})
_CRC_AT = {table: names.index("crc") for table, names in COLUMNS.items()}

INSERT = {
    table: f"INSERT{' OR REPLACE' * (table in REPLACED)} INTO {table} ({', '.join(names)})"
    f" VALUES ({', '.join('?' * len(names))})"
    for table, names in COLUMNS.items()
}
SELECT = {table: f"SELECT {', '.join(names)} FROM {table}" for table, names in COLUMNS.items()}  # noqa: S608


def sealed(table: str, *values: object) -> Row:
    """Return the row to insert: the values of all columns but `crc`, and the checksum in its place."""
    at = _CRC_AT[table]
    return (*values[:at], _checksum(table, values), *values[at:])


def intact(table: str, row: Sequence[object]) -> bool:
    """Whether a row is what `sealed` once returned for this table."""
    at = _CRC_AT[table]
    return len(row) == len(COLUMNS[table]) and row[at] == _checksum(table, (*row[:at], *row[at + 1 :]))


def tables_of(number: int, record: Row) -> Iterator[tuple[str, Row]]:
    """Yield the table, and the row as in `COLUMNS`, of a record found in the file under a row number."""
    for table, names in COLUMNS.items():
        row = record[1:] if table in NUMBERED else record
        if table == "segment":
            row = (number, *record[1:])
        newer = upgraded(table, row)
        if newer is not None:
            yield table, newer
        elif len(row) == len(names) and intact(table, row):
            yield table, row


def upgraded(table: str, row: Sequence[object]) -> Row | None:
    """Return what version 2 writes for a row that version 1 wrote, None for any other row."""
    if table not in _OLD or len(row) != len(_OLD[table]) or row[-1] != _checksum(table, row[:-1]):
        return None
    return sealed(table, *row[:-1], None, None)


def select_old(table: str) -> str:
    """Return the question for all rows of a table that version 1 made."""
    return f"SELECT {', '.join(_OLD[table])} FROM {table}"  # noqa: S608


OLD_TABLES = tuple(_OLD)


def insert_segments(db: Connection, segments: Iterable[Segment]) -> None:
    """Write segments that have their ids."""
    rows = [
        sealed(
            "segment",
            it.id,
            it.lane,
            it.points,
            it.first_ns,
            it.last_ns,
            it.boot,
            len(it.body),
            it.span,
            it.body,
        )
        for it in segments
    ]
    db.executemany(INSERT["segment"], rows)


def insert_gaps(db: Connection, gaps: Iterable[Gap], wall_ns: int) -> None:
    """Write what will never come."""
    rows = [
        sealed("gap", *it.stream, it.first, it.last, it.reason, wall_ns, it.after_ns, it.before_ns)
        for it in gaps
    ]
    db.executemany(INSERT["gap"], rows)


def take_from_gaps(db: Connection, stream: Stream, numbers: RangeSet) -> None:
    """Cut from a stream's gaps what has come after all; a gap of which nothing is left goes."""
    columns = ", ".join(COLUMNS["gap"])
    rows = db.execute(
        f"SELECT id, {columns} FROM gap WHERE gw = ? AND ep = ? AND first <= last",  # noqa: S608
        stream,
    ).fetchall()
    for number, gw, ep, first, last, *rest, _ in rows:
        left = list(numbers.missing(first, last))
        if left != [(first, last)]:
            db.execute("DELETE FROM gap WHERE id = ?", (number,))
            db.executemany(INSERT["gap"], [sealed("gap", gw, ep, *each, *rest) for each in left])


def insert_refused(db: Connection, refused: Iterable[Refused], wall_ns: int) -> None:
    """Write what nobody would take."""
    rows = [sealed("quarantine", wall_ns, it.source, it.place, it.reason, it.span, it.body) for it in refused]
    db.executemany(INSERT["quarantine"], rows)


def _checksum(table: str, values: Sequence[object]) -> int:
    last = values[-1]
    if isinstance(last, bytes):
        return zlib.crc32(last, zlib.crc32(repr((table, *values[:-1])).encode()))
    return zlib.crc32(repr((table, *values)).encode())
