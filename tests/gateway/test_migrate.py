"""A spool that version 1 wrote is brought to version 2 whole, or stays as it was; its salvage knows both."""

import sqlite3
import zlib
from contextlib import closing

import pytest

from gateway.spool import Gap, RangeSet, Spool, SpoolError, migrate
from gateway.spool.rows import tables_of
from tests.gateway.test_spool import reading

STREAM = ("gw-01", "aa")

VERSION_1 = """
PRAGMA auto_vacuum = INCREMENTAL;
CREATE TABLE gap (
    id INTEGER NOT NULL,
    gw VARCHAR NOT NULL,
    ep VARCHAR NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason VARCHAR NOT NULL,
    at_ns INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE note (
    "key" VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE progress (
    upstream VARCHAR NOT NULL,
    delivered VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (upstream)
);

CREATE TABLE quarantine (
    id INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    place VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    span VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE segment (
    id INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    points INTEGER NOT NULL,
    first_ns INTEGER,
    last_ns INTEGER,
    boot VARCHAR,
    size INTEGER NOT NULL,
    span VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX segment_events ON segment (id) WHERE lane = 0;

CREATE TABLE stream (
    gw VARCHAR NOT NULL,
    ep VARCHAR NOT NULL,
    seen VARCHAR NOT NULL,
    released VARCHAR NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (gw, ep)
);

PRAGMA user_version = 1;
"""


def crc(table, *values):
    """Version 1's checksum."""
    *most, last = values
    if isinstance(last, bytes):
        return zlib.crc32(last, zlib.crc32(repr((table, *most)).encode()))
    return zlib.crc32(repr((table, *values)).encode())


def old_file(path, *, broken=False):
    """Make a spool as version 1 would have left it: two segments, a stream, gaps, a note, progress."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(VERSION_1)
        db.execute("PRAGMA journal_mode = WAL")
        for number in (11, 12):
            span, body = f"gw-01/aa:{number}", f"body {number}".encode()
            head = (number, 1, 1, number * 10, number * 10, None, len(body), span)
            db.execute(
                "INSERT INTO segment VALUES (?,?,?,?,?,?,?,?,?,?)", (*head, crc("segment", *head, body), body)
            )
        stream = (*STREAM, "1-12", "1-4,6-10")
        db.execute("INSERT INTO stream VALUES (?,?,?,?,?)", (*stream, crc("stream", *stream) + broken))
        gap = (*STREAM, 5, 5, "quota", 99)
        db.execute("INSERT INTO gap VALUES (1,?,?,?,?,?,?,?)", (*gap, crc("gap", *gap)))
        for note in (("last_id", "12"), ("home gw-01/aa", "42/18562")):
            db.execute("INSERT INTO note VALUES (?,?,?)", (*note, crc("note", *note)))
        progress = ("province", "1-11")
        db.execute("INSERT INTO progress VALUES (?,?,?)", (*progress, crc("progress", *progress)))


def version(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


def gaps_of(spool):
    return spool.query("SELECT first, last, reason, at_ns, after_ns, before_ns FROM gap")


def test_an_older_spool_is_brought_to_this_version_with_all_that_is_in_it(tmp_path):
    path = tmp_path / "spool.db"
    old_file(path)
    spool = Spool(path)
    assert version(path) == 2
    assert spool.last_id == 12
    assert spool.body(11) == b"body 11"
    assert spool.streams == {STREAM: RangeSet([(1, 12)])}
    assert gaps_of(spool) == [(5, 5, "quota", 99, None, None)]
    assert spool.delivered("province") == RangeSet([(1, 11)])
    assert spool.note("home gw-01/aa") == "42/18562"
    spool.append([reading(13)], gaps=[Gap.of_time(STREAM, "power", 7, 8)])
    spool.close()
    again = Spool(path)
    assert gaps_of(again)[1] == (0, -1, "power", 0, 7, 8)
    assert again.last_id == 13
    again.close()
    assert not list(tmp_path.glob("*damaged*"))


def test_a_migration_that_ends_half_way_leaves_the_older_version_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "spool.db"
    old_file(path)
    with monkeypatch.context() as patch:
        patch.setitem(migrate.INSERT, "gap", "INSERT INTO nowhere VALUES (?)")
        with pytest.raises(SpoolError, match="cannot be opened as a spool: no such table"):
            Spool(path)
    assert version(path) == 1
    spool = Spool(path)
    assert gaps_of(spool) == [(5, 5, "quota", 99, None, None)]
    assert spool.streams == {STREAM: RangeSet([(1, 12)])}
    spool.close()


def test_a_wrong_row_of_an_older_spool_is_not_believed_and_the_rest_is_saved(tmp_path):
    path = tmp_path / "spool.db"
    old_file(path, broken=True)
    spool = Spool(path)
    assert [each.name for each in tmp_path.glob("*.damaged-1")] == ["spool.db.damaged-1"]
    assert spool.body(12) == b"body 12"
    assert gaps_of(spool) == [(5, 5, "quota", 99, None, None)]
    assert version(path) == 2
    spool.close()


def test_a_damaged_file_of_the_older_version_is_salvaged_with_its_gaps_and_numbers(tmp_path):
    path = tmp_path / "spool.db"
    old_file(path)
    with path.open("r+b") as file:
        file.write(b"not a database!!")
    spool = Spool(path)
    (here,) = spool.query("SELECT id FROM segment")  # 11 had been confirmed by the one upstream
    assert here == (12,)
    assert spool.streams == {STREAM: RangeSet([(1, 12)])}
    assert gaps_of(spool) == [(5, 5, "quota", 99, None, None)]
    assert spool.body(12) == b"body 12"
    spool.close()


@pytest.mark.parametrize("record", [(), (None,), (None, 1), (1, 2, 3, 4, 5, 6, 7, 8)])
def test_what_is_left_of_a_record_on_a_damaged_page_is_no_row_of_any_version(record):
    assert list(tables_of(1, record)) == []
