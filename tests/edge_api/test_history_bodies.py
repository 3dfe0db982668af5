"""History of bodies that nobody has opened yet: the same answers as of their points, whenever it is asked."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_api.config import EdgeConfig, Site, most_assets
from edge_api.config import History as HistoryTable
from edge_api.history import FieldNow, History
from edge_api.history.bodies import grouped, series_of
from edge_api.history.kept import LATE
from edge_api.lineprotocol import encode, feed_lines, parse
from edge_api.lines import join_lines
from edge_api.point import Point
from gateway.feed import Meta
from sensors.sample import Value
from tests.edge_api.history_rig import KEYS, PLACES, SECOND, T, add_body

META = Meta(v=1, type="WasteContainer", id="bin-1", name="Chợ", gw="gw-01", interval=60, staleAfter=100)


def reading(
    seconds: int, fields: dict[str, Value], commune: str = "18562", asset: str = "bin-1", q: str = "good"
) -> Point:
    tags = {"asset": asset, "commune": commune, "domain": "waste", "province": "42"}
    numbered: dict[str, Value] = {"gw": "gw-01", "ep": "7f", "seq": seconds, "q": q}
    if q != "good":
        numbered["qr"] = "a:range"
    return Point("WasteContainer", tags, T + seconds * SECOND, fields | numbered)


def values(history: History, field: str = "a", key: str = KEYS[0]) -> list[Value]:
    return [row.value for row in history.readings(key, field, 0, 2**62)]


def all_of(history: History) -> tuple[Any, ...]:
    return (
        history.latest(),
        [history.asset(key) for key in KEYS],
        [history.columns(key, 0, 2**62) for key in KEYS],
        [history.readings(key, "a", 0, 2**62) for key in KEYS],
        [history.readings(key, "a", T, T + 50 * SECOND, 20.0) for key in KEYS],
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


readings = st.builds(
    reading,
    st.integers(0, 20),
    st.dictionaries(
        st.sampled_from(["a", "b", "raw"]),
        st.one_of(
            st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), st.booleans(), st.sampled_from(["on", ""])
        ),
        min_size=1,
    ),
    st.sampled_from(PLACES),
    st.sampled_from(["bin-1", "bin-2"]),
    st.sampled_from(["good", "good", "uncertain"]),
)
asks: list[Callable[[History], object]] = [
    lambda history: history.latest(),
    lambda history: history.asset(KEYS[0]),
    lambda history: history.asset("bin-9"),
    lambda history: history.columns(KEYS[1], 0, 2**62),
    lambda history: history.flush(),
]


@dataclass
class Step:
    points: list[Point]
    as_body: bool
    then: Callable[[History], object]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            Step, st.lists(readings, min_size=1, max_size=6), st.booleans(), st.sampled_from([*asks, repr])
        ),
        max_size=8,
    )
)
def test_bodies_and_points_come_to_the_same_whatever_is_asked_between_them(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        clock = {"wall_ns": lambda: T + 310 * SECOND}
        mixed, plain = History(Path(folder, "mixed.db"), **clock), History(Path(folder, "plain.db"), **clock)
        for step in steps:
            read = parse("\n".join(map(encode, step.points)).encode())
            plain.add(read)
            if step.as_body and all(encode(point).isascii() for point in step.points):
                try_body(mixed, read)
            else:
                mixed.add(read)
            step.then(mixed)
        assert all_of(mixed) == all_of(plain)
        mixed.close()
        plain.flush()
        again = History(Path(folder, "mixed.db"))
        assert all_of(again) == all_of(plain), "and after a restart"
        again.close()
        plain.close()


def try_body(history: History, points: list[Point]) -> None:
    lines = [encode(point).encode() for point in points]
    read = feed_lines(b"\n".join([*lines, b""])) or points
    history.add([], bodies=[(read, join_lines(lines))])


def test_a_body_is_there_at_once_and_after_it_went_to_disk(path: Path) -> None:
    history = History(path)
    add_body(history, [reading(n, {"a": float(n), "b": "on"}) for n in range(5)])
    assert values(history) == [0.0, 1.0, 2.0, 3.0, 4.0]
    now = history.asset("bin-1")
    assert now is not None
    assert (now.type, now.gw, now.quality) == ("WasteContainer", "gw-01", "good")
    assert now.fields == {"a": FieldNow(4.0, T + 4 * SECOND), "b": FieldNow("on", T + 4 * SECOND)}
    history.flush()
    assert values(history) == [0.0, 1.0, 2.0, 3.0, 4.0]
    add_body(history, [reading(9, {"a": 9.0})])
    history.close()
    again = History(path)
    assert values(again) == [0.0, 1.0, 2.0, 3.0, 4.0, 9.0]
    assert again.latest()[0].fields["a"] == FieldNow(9.0, T + 9 * SECOND)
    again.close()


def test_doubtful_and_late_readings_are_marked(path: Path) -> None:
    history = History(path, wall_ns=lambda: T + 102 * SECOND)
    history.meta("42", "18562", "waste", META)
    points = [reading(1, {"a": 1.0}), reading(2, {"a": 2.0}, q="bad"), reading(3, {"a": 3.0}, q="bad")]
    add_body(history, points)
    add_body(history, [reading(n, {"a": 0.0}, q="uncertain") for n in (5, 6)])
    for _ in range(2):
        found = history.columns(KEYS[0], 0, 2**62)
        at = [T + n * SECOND for n in (1, 2, 3, 5, 6)]
        assert found["q"] == list(zip(at[1:], ["bad", "bad", "uncertain", "uncertain"], strict=True))
        assert found["qr"] == [(ts, "a:range") for ts in at[1:]]
        assert found[LATE] == [(at[0], True)]
        assert {"gw", "ep", "seq"}.isdisjoint(found)
        history.flush()
    assert history.latest()[0].reasons == {"a": "range"}
    history.close()


def test_of_one_time_what_came_last_counts_however_it_came(path: Path) -> None:
    history = History(path)
    for number, add in enumerate([add_body, History.add, add_body, History.add, History.add]):
        add(history, [reading(1, {"a": float(number)})])
        assert values(history) == [float(number)]
        assert history.latest()[0].fields["a"].value == number
    history.close()


def test_bodies_of_several_communes_keep_their_order_when_points_of_one_come_between(path: Path) -> None:
    history = History(path)
    add_body(history, [reading(1, {"a": 1.0}, "18563")])
    add_body(history, [reading(1, {"a": 2.0}, "18563"), reading(1, {"a": 5.0})])
    history.add([reading(2, {"a": 6.0})])
    assert values(history, key=KEYS[2]) == [2.0]
    assert values(history) == [5.0, 6.0]
    history.close()


def test_a_text_that_looks_like_another_assets_line_is_a_text(path: Path) -> None:
    mimic = "x,asset=bin-1,commune=18562,domain=waste,province=42 \x0b"
    history = History(path)
    add_body(history, [reading(0, {"a": 1.0}), reading(1, {"a": 2.0, "b": mimic}, asset="bin-2")])
    assert values(history) == [1.0]
    assert values(history, key=KEYS[1]) == [2.0]
    assert values(history, "b", KEYS[1]) == [mimic]
    history.close()


def test_a_disk_that_takes_nothing_loses_none_of_it(path: Path) -> None:
    history = History(path, busy_s=0.01)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    add_body(history, [reading(1, {"a": 1.0}), reading(1, {"a": 5.0}, "18563")])
    history.flush()
    add_body(history, [reading(2, {"a": 2.0})])
    history.flush()
    assert values(history) == [1.0, 2.0]
    lock.execute("ROLLBACK")
    lock.close()
    history.close()
    again = History(path)
    assert (values(again), values(again, key=KEYS[2])) == ([1.0, 2.0], [5.0])
    again.close()


def test_memory_stays_bounded_and_the_newest_values_are_not_what_goes(path: Path) -> None:
    history = History(path, memory_values=100, busy_s=0.01)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for n in range(300):
        add_body(history, [reading(n, {"a": float(n)}), reading(n, {"b": 1.0}, asset="bin-2")])
        if n % 50 == 0:
            history.flush()
    found = values(history)
    assert len(found) < 200
    assert found[-1] == 299.0
    assert [each.ts_ns for each in history.latest()] == [T + 299 * SECOND] * 2
    assert history.due
    lock.execute("ROLLBACK")
    lock.close()
    history.close()


def test_bodies_go_to_disk_when_there_are_some_readings_of_each_asset_that_is_known(path: Path) -> None:
    history = History(path, memory_values=250, wall_ns=lambda: T + 60 * SECOND)
    for n in range(5):
        assert not history.due
        add_body(history, [reading(n, {"a": 1.0}, asset=f"bin-{k}") for k in range(10)])
    assert history.due, "memory may hold some 50 readings"
    history.flush()
    for n in range(15):
        assert not history.due
        add_body(history, [reading(n, {"a": 1.0}, asset=f"bin-{k}") for k in range(10)])
    assert history.due, "of ten assets 15 each"
    history.close()


def test_no_more_assets_than_allowed_come_out_of_a_body(path: Path) -> None:
    history = History(path, most_assets=2)
    add_body(history, [reading(n, {"a": 1.0}, asset=f"bin-{n}") for n in range(6)])
    history.flush()
    assert len(history.latest()) == 2
    assert history.passed_over == 4
    history.close()


@pytest.mark.parametrize(
    ("level", "said", "expected"),
    [
        ("commune", None, 50_000),
        ("province", None, 150_000),
        ("commune", 7, 7),
        ("central", 200_000, 200_000),
    ],
)
def test_a_commune_shows_fewer_assets_than_levels_above_unless_told_otherwise(
    level: Literal["commune", "province", "central"], said: int | None, expected: int
) -> None:
    config = EdgeConfig(site=Site(level=level), history=HistoryTable(max_assets=said))
    assert most_assets(config) == expected


def test_who_waits_for_alarms_is_not_bothered_with_bodies_of_readings(path: Path) -> None:
    history, heard, alarms = History(path), [], []
    history.listen(heard.extend)
    end = history.listen(alarms.extend, alerts=True)
    add_body(history, [reading(1, {"a": 1.0})])
    assert [point.fields["a"] for point in heard] == [1.0]
    assert alarms == []
    history.add([reading(2, {"a": 2.0})])
    assert len(heard) == 2
    assert len(alarms) == 1
    end()
    history.add([reading(3, {"a": 2.0})])
    assert len(alarms) == 1
    history.close()


def test_bodies_are_opened_so_that_no_place_is_in_two_groups_and_in_their_order(path: Path) -> None:
    history = History(path)
    for n, communes in enumerate(["a", "b", "ab", "c", "b", "c"]):
        add_body(history, [reading(n, {"a": 1.0}, commune) for commune in communes])
    groups = grouped(history._memory.waiting.bodies)
    times = [[[ts // SECOND - T // SECOND for ts in each.times] for each in series_of(g)] for g in groups]
    assert sorted(times) == [[[0, 2], [1, 2, 4]], [[3, 5]]]
    history.close()
