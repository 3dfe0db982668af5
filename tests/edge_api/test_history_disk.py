"""History on a disk that is damaged, busy or not there: a log line, and the edge goes on."""

import logging
import sqlite3
from pathlib import Path

import pytest

from edge_api.history import History
from edge_api.point import Point
from sensors.sample import Value

KEY = "42/18562/waste/bin-1"
TAGS = {"province": "42", "commune": "18562", "domain": "waste", "asset": "bin-1"}


def point(seconds: float, fields: dict[str, Value]) -> Point:
    return Point("WasteContainer", TAGS, 1_795_412_400_000_000_000 + round(seconds * 10**9), fields)


def values(history: History) -> list[Value]:
    return [row.value for row in history.readings(KEY, "a", 0, 2**62)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.mark.parametrize("damage", [b"not a database at all" * 500, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_that_is_no_database_is_set_aside_and_a_new_one_begun(
    path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(damage)
    history = History(path)
    history.add([point(1, {"a": 1.0})])
    history.flush()
    history.close()
    assert path.with_name("history.db.damaged-1").read_bytes() == damage
    assert "set aside" in caplog.text
    again = History(path)
    assert values(again) == [1.0]
    again.close()


def test_a_file_that_breaks_while_in_use_is_set_aside_and_memory_goes_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(path)
    history.add([point(n, {"a": float(n)}) for n in range(5000)])
    history.flush()
    history.add([point(9000, {"a": 9.0})])
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert values(history)[-1] == 9.0
    history.flush()
    history.add([point(9001, {"a": 10.0})])
    history.flush()
    assert path.with_name("history.db.damaged-1").exists()
    assert "set aside" in caplog.text
    assert values(history)[-1] == 10.0
    history.close()


def test_a_chunk_that_has_rotted_is_passed_over(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history = History(path)
    for n in range(3):
        history.add([point(n, {"a": float(n)})])
        history.flush()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE chunk SET packed = x'0102' WHERE id = 2")
    database.close()
    assert values(history) == [0, 2]
    assert "passed over" in caplog.text
    history.close()


def test_tables_of_another_version_are_set_aside(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    History(path).close()
    assert path.with_name("history.db.damaged-1").exists()


def test_a_place_that_cannot_be_written_leaves_history_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    history = History(tmp_path / "file" / "history.db")
    history.add([point(1, {"a": 1.0})])
    history.flush()
    assert values(history) == [1.0]
    assert "memory" in caplog.text
    history.close()


def test_readings_wait_in_memory_while_the_disk_is_busy(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    history = History(path, busy_s=0.05)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    history.add([point(1, {"a": 1.0})])
    history.flush()
    history.add([point(2, {"a": 2.0})])
    history.flush()
    assert values(history) == [1.0, 2.0]
    lock.execute("ROLLBACK")
    lock.close()
    history.flush()
    assert values(history) == [1.0, 2.0]
    history.close()
    again = History(path)
    assert values(again) == [1.0, 2.0]
    again.close()
    assert "stay in memory meanwhile" in caplog.text
    assert not list(path.parent.glob("*.damaged*"))


def test_its_size_stays_known_through_writing_and_both_kinds_of_forgetting(path: Path) -> None:
    history = History(path, keep_days=0.5, most_bytes=3000)
    for number in range(120):
        history.add([point(number * 600 * (2 if number > 80 else 1), {"a": number * 0.37})])
        history.flush()
    assert history._disk.disk is not None
    with sqlite3.connect(path) as db:
        ((total, count),) = db.execute("SELECT sum(length(packed)), count(*) FROM chunk")
    assert history._disk.disk._bytes == total <= 3000
    assert 0 < count < 60
    history.close()
