"""Custody covers what is on disk and nothing else, whatever the order, the repeats and the crashes."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_api.arrivals import MessageArrival
from edge_api.custody import Custodian
from edge_api.history import History
from edge_api.intake import Intake
from edge_api.point import Point
from gateway.feed import Custody
from gateway.feed.bodies import decode
from gateway.spool import Gap, Spool
from tests.edge_api.rig import STREAM, event, line, segment
from tests.parts.wait import until

HOME = ("42", "18562")
TAGS = {"province": "42", "commune": "18562", "domain": "waste", "asset": "bin-1"}


class Hall:
    """A custodian whose messages are kept; it may be deaf (no broker) or the disk full."""

    def __init__(self, path: Path) -> None:
        self.spool = Spool(path)
        self.said: list[tuple[str, int]] = []
        self.deaf = False
        self.full = False
        self.now = 0.0
        self.custodian = Custodian(self.spool, self.publish, self.note, lambda: self.now)

    def publish(self, topic: str, payload: bytes) -> bool:
        if not self.deaf:
            self.said.append((topic, decode(payload, Custody).seq))
        return not self.deaf

    def note(self, gaps: list[Gap]) -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        self.spool.append((), gaps=gaps)

    def close(self) -> None:
        self.custodian.stop()
        self.spool.close()

    @property
    def number(self) -> int | None:
        return self.said[-1][1] if self.said else None


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path / "spool.db")
    hall.custodian.start()
    yield hall
    hall.close()


def take(hall: Hall, seqs: list[int]) -> None:
    hall.spool.append([segment(seqs)])
    hall.custodian.touched({STREAM: HOME})


def says(hall: Hall, number: int) -> Callable[[], bool]:
    return lambda: hall.number == number


def test_custody_moves_over_an_unbroken_run_only(hall: Hall) -> None:
    take(hall, [1, 2, 3, 6])
    until(says(hall, 3))
    take(hall, [5])
    take(hall, [4])
    until(says(hall, 6))
    assert [number for _, number in hall.said] == sorted({number for _, number in hall.said})
    assert hall.said[0][0] == "ntm/v1/42/18562/gateway/gw-01/custody"


def test_custody_is_not_said_before_it_is_known_where_the_node_lives(hall: Hall) -> None:
    hall.spool.append([segment([1, 2])])
    hall.custodian.touched({STREAM: None, ("gw-02", "bb"): HOME})
    hall.spool.append([segment([3])])
    hall.custodian.know(STREAM, *HOME)
    until(says(hall, 3))
    assert len(hall.said) == 1


def test_what_a_node_no_longer_holds_is_released(hall: Hall) -> None:
    hall.custodian.know(STREAM, *HOME)
    hall.custodian.holds(STREAM, 101)
    until(says(hall, 100))
    take(hall, [101, 102])
    until(says(hall, 102))
    assert hall.spool.query("SELECT first, last, reason FROM gap") == [(1, 100, "released")]


def test_a_node_that_has_lost_nothing_and_says_nothing_more_needs_no_gap(hall: Hall) -> None:
    hall.custodian.holds(STREAM, 1)
    hall.now = 1e6
    take(hall, [1])
    until(says(hall, 1))
    assert not hall.spool.query("SELECT * FROM gap")


@pytest.mark.slow
def test_a_node_that_never_says_what_it_holds_is_waited_for_and_then_begins_where_it_began(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_api.custody._EVERY_S", 0.01)
    take(hall, [50, 51])
    until(lambda: STREAM in hall.custodian._stuck)
    hall.now = 29
    take(hall, [52])
    assert hall.number is None
    hall.now = 31
    hall.custodian.touched({STREAM: HOME})
    until(says(hall, 52))
    assert hall.spool.query("SELECT first, last, reason FROM gap") == [(1, 49, "unknown")]


def test_a_gap_that_a_node_tells_moves_custody_past_it(hall: Hall) -> None:
    hall.spool.append([segment([1, 2]), event(10)], gaps=[Gap(STREAM, 3, 9, "quota")])
    hall.custodian.touched({STREAM: HOME})
    until(says(hall, 10))


def test_a_restart_keeps_homes_and_numbers_and_a_new_broker_is_told_again(tmp_path: Path) -> None:
    first = Hall(tmp_path / "spool.db")
    first.custodian.start()
    take(first, [1, 2, 3])
    until(says(first, 3))
    first.close()
    again = Hall(tmp_path / "spool.db")
    again.custodian.start()
    again.custodian.say_all()
    until(says(again, 3))
    again.custodian.say_all()
    until(lambda: len(again.said) == 2)
    again.close()


def test_what_could_not_be_said_is_said_when_the_broker_is_back(hall: Hall) -> None:
    hall.deaf = True
    take(hall, [1])
    hall.deaf = False
    hall.custodian.say_all()
    until(says(hall, 1))


def test_a_full_disk_does_not_end_the_custodian(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_api.custody._AGAIN_S", 0.02)
    hall.full = True
    hall.custodian.know(STREAM, *HOME)
    hall.custodian.holds(STREAM, 11)
    take(hall, [11])
    hall.full = False
    until(says(hall, 11))


def arrival(seq: int) -> MessageArrival:
    point = Point("WasteContainer", TAGS, seq, {})
    return MessageArrival(lambda: None, 1, STREAM, seq, line(seq), point)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=5), max_size=8),
    failing=st.sets(st.integers(0, 7)),
    crashes=st.sets(st.integers(0, 7)),
)
def test_in_any_order_with_repeats_and_crashes_custody_never_covers_what_is_not_on_disk(
    groups: list[list[int]], failing: set[int], crashes: set[int]
) -> None:
    on_disk: set[int] = set()
    with TemporaryDirectory() as folder:
        path = Path(folder)
        history = History(path / "history.db")
        hall = Hall(path / "spool.db")
        intake = Intake(hall.spool, history, lambda _: None, lambda: 0)
        for at, group in enumerate(groups):
            append = hall.spool.append
            if at in failing:
                hall.spool.append = _full  # type: ignore[method-assign, assignment]
            try:
                intake.commit([arrival(seq) for seq in group])
                on_disk |= set(group)
            except sqlite3.OperationalError:
                pass  # what the disk refuses does not count
            hall.spool.append = append  # type: ignore[method-assign]
            if at in crashes:
                lost, hall = hall, Hall(path / "spool.db")
                lost.spool.close()  # nothing but what was committed goes on
                intake = Intake(hall.spool, history, lambda _: None, lambda: 0)
            mark = hall.custodian.watermark(STREAM) or 0
            assert set(range(1, mark + 1)) <= on_disk
            assert mark + 1 not in on_disk
            held = [int(text) for (text,) in hall.spool.query("SELECT sum(points) FROM segment") if text]
            assert sum(held) == len(on_disk), "each reading is kept once"
        hall.spool.close()
        history.close()


def _full(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_number_said_as_the_connection_broke_is_said_again_on_the_next(hall: Hall) -> None:
    """It counted as said on the new connection too, and the node waited for its next reading."""
    said = hall.custodian._publish

    def breaking(topic: str, payload: bytes) -> bool:
        hall.custodian._publish = said
        hall.custodian.say_all()  # another connection, before we know what became of this message
        return True

    hall.custodian._publish = breaking
    take(hall, [1, 2])
    until(says(hall, 2))


def test_a_node_that_moves_while_its_home_is_written_down_lives_where_it_is_after_a_restart(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = hall.spool.set_notes

    def moving(notes: Mapping[str, str]) -> None:
        monkeypatch.setattr(hall.spool, "set_notes", written)
        hall.custodian.know(STREAM, "42", "18563")
        written(notes)

    monkeypatch.setattr(hall.spool, "set_notes", moving)
    hall.custodian.know(STREAM, *HOME)
    until(lambda: hall.spool.note("home gw-01/aa") == "42/18563", what="its last home to be on disk")
