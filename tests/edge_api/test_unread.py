"""A kill takes what history had in memory: the spool still has it, and history reads it again."""

import dataclasses
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge_api.alarms import AlarmBook
from edge_api.api.view import WriteBatch
from edge_api.config import EdgeConfig
from edge_api.edge import Edge
from edge_api.history import History
from edge_api.lineprotocol import parse
from edge_api.lines import join_lines
from edge_api.point import Point
from edge_api.province.config import Province
from gateway.spool import EVENTS, READINGS, Outbox, Segment, Spool, reclaim
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config
from tests.edge_api.rig import config
from tests.parts.influx2 import Influx2
from tests.parts.wait import until

S = 1_000_000_000
NOON_NS = 1_795_582_800 * S  # 2026-11-25, 12:00 there
KEY = "42/18562/waste/bin-1"
TAGS = "province=42,commune=18562,domain=waste,asset=bin-1"
ALL = (0, 2**62)


def line(minute: float, more: str = "") -> bytes:
    fields = f'fillingLevel={minute / 1000},gw="gw-01",ep="aa",seq={round(minute)}i,q="good"{more}'
    return f"WasteContainer,{TAGS} {fields} {NOON_NS + round(minute * 60) * S}".encode()


def segment(*lines: bytes, lane: int = READINGS) -> Segment:
    return Segment(lane, len(lines), "", join_lines(list(lines)), NOON_NS, NOON_NS)


def times(history: History) -> list[int]:
    """The minutes after noon of which there is a reading."""
    return [(row.ts_ns - NOON_NS) // (60 * S) for row in history.readings(KEY, "fillingLevel", *ALL)]


@dataclasses.dataclass
class Desk:
    """A spool and the history beside it, on a clock that is set by hand; a kill leaves files as they are."""

    folder: Path
    now_ns: int = NOON_NS
    now_s: float = 0.0
    heard: list[Point] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.spool = Spool(self.folder / "edge.db", keep_s=0)
        self.outbox = Outbox(self.spool, "up")
        self.open()

    def open(self) -> None:
        self.history = History(
            self.folder / "history.db", monotonic=lambda: self.now_s, wall_ns=lambda: self.now_ns
        )
        self.history.listen(self.heard.extend)

    def take(self, *lines: bytes) -> None:
        """Commit as the writer does, and show it."""
        stored = self.spool.append([segment(*lines)])
        self.history.add(parse(b"\n".join(lines)), stored.last_id)

    def kill_and_start(self, most: int = 1_000) -> None:
        self.heard.clear()
        self.open()
        self.history.catch_up(self.spool, most)

    def deliver(self) -> int:
        """Let the upstream confirm all; return how many segments then left."""
        self.outbox.confirm_through(self.spool.last_id)
        return reclaim(self.spool, [self.outbox], self.history.unsettled)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


def counting(folder: Path, **more: object) -> EdgeConfig:
    folder.mkdir(exist_ok=True)
    programme = Province(path=folder / "province.db")
    return replace(edge_config(folder, PROVINCE, **more), programme=programme)  # type: ignore[arg-type]


def submit(edge: Edge, *lines: bytes) -> None:
    edge.submit(WriteBatch(join_lines(list(lines)), parse(b"\n".join(lines)))).result(10)


def present(edge: Edge) -> int:
    assert edge.office is not None
    edge.office.keeper.work(all_of_it=True)
    return sum(each.present for each in edge.office.completeness(None, range(100_000)))


def killed(folder: Path, into: Path) -> Path:
    """Take the files as a killed process leaves them: open, their logs not folded in."""
    into.mkdir()
    for each in folder.glob("*.db*"):
        if not each.name.endswith("-shm"):
            shutil.copy(each, into)
    return into


def clock(minute: float) -> Callable[[], int]:
    return lambda: NOON_NS + round(minute * 60) * S


def test_what_a_killed_edge_had_in_memory_is_in_history_and_counted_after_its_start(tmp_path: Path) -> None:
    edge = Edge(counting(tmp_path / "a"), clock(200))
    edge.start()
    try:
        submit(edge, *map(line, range(100)))
        edge.history.flush()
        submit(edge, *map(line, range(100, 150)))
        yesterday = line(-1_440)
        submit(edge, yesterday)
        left = killed(tmp_path / "a", tmp_path / "b")
        before = present(edge)
    finally:
        edge.stop(1.0)
    again = Edge(counting(left), clock(205))
    try:
        assert times(again.history) == [-1_440, *range(150)]
        assert present(again) == before == 151
    finally:
        again.history.close()
        again.spool.close()


def test_nothing_is_read_again_that_is_on_disk(desk: Desk) -> None:
    for minute in range(5):
        desk.take(line(minute))
    desk.history.flush()
    desk.take(line(5))
    desk.kill_and_start()
    assert [point.ts_ns for point in desk.heard] == [NOON_NS + 300 * S]
    assert times(desk.history) == list(range(6))
    desk.kill_and_start()
    assert not desk.heard
    assert times(desk.history) == list(range(6))


def test_a_segment_that_was_joined_across_the_mark_doubles_nothing(desk: Desk) -> None:
    desk.take(line(1))
    desk.history.flush()
    desk.take(line(2))
    old = desk.spool.heads(READINGS, 0, 10, 10)
    desk.spool.rewrite(old, [dataclasses.replace(segment(line(1), line(2)), id=2)])
    desk.now_ns += 3_600 * S
    desk.kill_and_start()
    assert times(desk.history) == [1, 2]
    assert "late" not in desk.history.columns(KEY, *ALL)


def test_a_reading_is_not_late_because_the_edge_was_away_but_because_it_came_late(desk: Desk) -> None:
    desk.take(line(1))
    desk.take(line(60))
    desk.take(line(2))  # of a backlog, behind what was new
    desk.take(line(61, ",hist=true"))
    desk.take(line(62))
    desk.now_ns += 86_400 * S
    desk.kill_and_start()
    late = desk.history.columns(KEY, *ALL)["late"]
    assert [(ts - NOON_NS) // (60 * S) for ts, _ in late] == [2, 61]


def test_only_so_much_is_read_again_the_newest_of_it(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for minute in range(0, 100, 2):
        desk.take(line(minute), line(minute + 1))
    desk.kill_and_start(most=11)
    assert times(desk.history) == list(range(90, 100))
    assert "left out" in caplog.text
    desk.kill_and_start(most=11)
    assert not desk.heard


def test_a_full_spool_is_read_again_in_pieces_that_memory_bears(desk: Desk) -> None:
    for minute in range(50):
        desk.take(line(minute, ",a=1,b=2,c=3,d=4,e=5"))
    small = History(desk.folder / "small.db", memory_values=30)
    small.catch_up(desk.spool)
    assert times(small) == list(range(40, 50))
    with sqlite3.connect(desk.folder / "small.db") as database:
        assert database.execute("SELECT count(*), max(count) FROM chunk").fetchone() == (2, 5)
    database.close()
    small.close()


def test_a_history_that_is_gone_comes_back_as_far_as_the_spool_holds_it(desk: Desk) -> None:
    desk.take(line(1), line(2))
    desk.history.close()
    (desk.folder / "history.db").write_bytes(b"rubbish" * 1_000)
    desk.kill_and_start()
    assert times(desk.history) == [1, 2]


def test_the_mark_of_another_spool_hides_nothing(desk: Desk, tmp_path: Path) -> None:
    for minute in range(5):
        desk.take(line(minute))
    desk.history.close()
    other = Desk(tmp_path / "other")
    other.spool.append([segment(line(7))])
    other.history.close()
    (desk.folder / "history.db").rename(other.folder / "history.db")
    other.kill_and_start()
    assert times(other.history) == [0, 1, 2, 3, 4, 7]


def test_a_segment_that_is_not_what_was_written_costs_only_itself(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.take(line(1))
    alert = f'Alert,{TAGS},kind=fire state="raised",severity="critical",id="e1" {NOON_NS}'.encode()
    for body in (alert, b"not a line", alert):
        desk.spool.append([segment(body, lane=EVENTS)])
    desk.take(line(2))
    with sqlite3.connect(desk.folder / "edge.db") as database:
        database.execute("UPDATE segment SET body = x'00' WHERE id = 2")
    database.close()
    desk.kill_and_start()
    assert times(desk.history) == [1, 2]
    assert [point.ts_ns for point in desk.heard if point.measurement == "Alert"] == [NOON_NS]
    assert caplog.text.count("cannot be read again") == 2
    book = AlarmBook(desk.folder / "alarms.db", lambda _: None, lambda: 0, lambda: NOON_NS)
    book.catch_up(desk.spool)
    assert [each.kind for each in book.open_alarms()] == ["fire"]
    book.close()


def test_what_is_delivered_stays_until_history_has_it_on_disk(desk: Desk) -> None:
    desk.take(line(1))
    desk.take(line(2))
    assert desk.deliver() == 0
    desk.history.flush()
    assert desk.deliver() == 2
    desk.take(line(3))
    assert desk.deliver() == 0
    desk.kill_and_start()
    assert times(desk.history) == [1, 2, 3]
    assert desk.deliver() == 1, "it is on disk since the start"


def test_a_history_that_cannot_be_written_holds_no_spool(desk: Desk) -> None:
    desk.take(line(1))
    lock = sqlite3.connect(desk.folder / "history.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    desk.history._disk.disk._db.execute("PRAGMA busy_timeout = 10")  # type: ignore[union-attr]
    desk.history.flush()
    assert desk.deliver() == 1
    lock.execute("ROLLBACK")
    lock.close()
    assert times(desk.history) == [1], "it waits in memory"


def test_a_history_that_nobody_flushes_holds_no_spool_for_long(desk: Desk) -> None:
    desk.take(line(1))
    desk.now_s += 1_199
    assert desk.deliver() == 0
    desk.now_s += 2
    assert desk.deliver() == 1


def test_an_edge_keeps_what_is_delivered_for_history_but_not_when_its_spool_is_half_full(
    tmp_path: Path, influx2: Influx2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_api.edge._HOUSE_S", 0.05)
    monkeypatch.setattr("edge_api.edge._RECLAIM_S", 0.0)
    plain = edge_config(tmp_path, PROVINCE, upstreams=[config(influx2.url)])
    with edge_at_work(replace(plain, spool=replace(plain.spool, keep=0))) as (edge, _):
        submit(edge, line(1))
        until(lambda: len(influx2.points) == 1, what="it to be delivered")
        rounds = count_calls(edge, monkeypatch)
        until(lambda: len(rounds) > 3, what="some rounds of housekeeping")
        assert edge.spool.first_id() == 1
        quota = edge.room.quota
        quota.limits = dataclasses.replace(quota.limits, max_bytes=quota.used + 1_000)
        until(lambda: edge.spool.first_id() == 2, what="it to leave")


def test_a_flood_is_written_to_historys_file_before_the_next_round_of_housekeeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_api.edge._HOUSE_S", 3_600.0)
    monkeypatch.setattr("edge_api.parts._VALUES_ABOVE", 100)

    def written() -> int:
        with closing(sqlite3.connect(tmp_path / "history.db")) as database:
            return int(database.execute("SELECT coalesce(sum(count), 0) FROM chunk").fetchone()[0])

    with edge_at_work(edge_config(tmp_path, PROVINCE)) as (edge, _):
        submit(edge, *map(line, range(110)))
        until(lambda: written() == 110, what="all to be written")


def count_calls(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    calls: list[object] = []
    real = edge.spool.reclaim

    def counted(*words: object) -> int:
        calls.append(words)
        return real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(edge.spool, "reclaim", counted)
    return calls
