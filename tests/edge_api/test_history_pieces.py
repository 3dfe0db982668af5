"""History's pieces of lines: what comes out is what the same readings give by columns, and nobody else's."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from edge_api.history import FieldNow, History
from edge_api.history.bodies import Body, series_of
from edge_api.history.pieces import Chunk, columns_of, horizons, names_of, pack_lines, parted, read_lines
from edge_api.history.query import Piece, merged
from edge_api.history.strands import Stales, joined, known_of, opened, orderly
from edge_api.lineprotocol import encode, feed_lines, parse
from edge_api.point import Point
from gateway.feed import Meta
from sensors.sample import Value
from tests.edge_api.history_rig import (
    DAY,
    KEYS,
    PLACES,
    SECOND,
    T,
    add_body,
    body,
    fields,
    reading,
)

_EVER = 40_000  # days: what the two let go differs


def meta(stale_s: float) -> Meta:
    return Meta(
        v=1, type="WasteContainer", id="bin-1", name="Chợ", gw="gw-01", interval=60, staleAfter=stale_s
    )


def values(history: History, field: str = "a", key: str = KEYS[0]) -> list[Value]:
    return [row.value for row in history.readings(key, field, 0, 2**62)]


def rows(path: Path, what: str = "asset", table: str = "chunk") -> list[Any]:
    with sqlite3.connect(path) as database:
        found = [row for (row,) in database.execute(f"SELECT {what} FROM {table}")]
    database.close()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


readings = st.builds(
    reading,
    st.one_of(st.integers(0, 20), st.sampled_from([-9e8, -3e5, 250, 9e5])),
    fields,
    st.sampled_from(PLACES),
    st.sampled_from(["bin-1", "bin-2"]),
    st.sampled_from(["good", "good", "good", "bad", "uncertain", "none"]),
)


@dataclass
class Step:
    points: list[Point]
    as_body: bool
    seconds: int
    then: str

    def do(self, history: History, path: Path) -> None:
        match self.then:
            case "flush":
                history.flush()
            case "refused":
                with sqlite3.connect(path, isolation_level=None) as lock:
                    lock.execute("BEGIN IMMEDIATE")
                    history.flush()
                    lock.execute("ROLLBACK")
                lock.close()
            case "latest":
                history.latest()
            case "asset":
                history.asset(KEYS[0])
            case "status":
                history.status("42", "18562", "waste", "bin-1", "online" if self.seconds else "fault")


steps = st.builds(
    Step,
    st.lists(readings, min_size=1, max_size=6),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([0, 10, 300, 310, -20]),
    st.sampled_from(["", "flush", "flush", "refused", "latest", "asset", "status"]),
)


def all_of(history: History) -> tuple[Any, ...]:
    return (
        history.latest(),
        [history.columns(key, 0, 2**62) for key in KEYS],
        [history.columns(key, T + 5 * SECOND, T + 15 * SECOND) for key in KEYS],
        [history.readings(key, name, 0, 2**62) for key in KEYS for name in ("a", "q", "late")],
        [history.readings(key, "a", T, T + 50 * SECOND, 20.0) for key in KEYS],
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=8), st.sampled_from([None, 15.0, 302.0]))
def test_pieces_of_lines_give_what_points_give_also_after_a_kill(
    all_steps: list[Step], stale_s: float | None
) -> None:
    now_ns = T
    with TemporaryDirectory() as folder:
        mixed = History(Path(folder, "mixed.db"), _EVER, wall_ns=lambda: now_ns, busy_s=0.0)
        plain = History(Path(folder, "plain.db"), _EVER, wall_ns=lambda: now_ns, busy_s=0.0)
        for history in (mixed, plain):
            if stale_s is not None:
                history.meta("42", "18562", "waste", meta(stale_s))
        for step in all_steps:
            now_ns += step.seconds * SECOND
            read = parse("\n".join(map(encode, step.points)).encode())
            plain.add(read)
            as_lines = feed_lines("".join([f"{encode(point)}\n" for point in step.points]).encode())
            if step.as_body and as_lines is not None:
                add_body(mixed, step.points)
            else:
                mixed.add(read)
            step.do(mixed, Path(folder, "mixed.db"))
            step.do(plain, Path(folder, "plain.db"))
        mixed.flush()
        plain.flush()
        killed = History(Path(folder, "mixed.db"), wall_ns=lambda: now_ns)
        assert all_of(killed) == all_of(plain), "what is on disk says all"
        assert all_of(mixed) == all_of(plain)
        for history in (mixed, plain, killed):
            history.close()


def packed(bodies: list[Body], stales: Stales, assets: int) -> list[Chunk]:
    strands = opened(bodies, stales)
    series = [known_of(prefix) for prefix in joined(strands)]
    return [
        chunk
        for place in ("42/18562", "42/18563")
        for each in strands
        for chunk in pack_lines(parted(place, [it for it in series if it.place == place], assets), each)
    ]


def by_series(bodies: list[Body], key: str, stale_s: float | None) -> dict[str, Any]:
    return together([each.columns(stale_s) for each in series_of(bodies) if each.key == key])


def together(versions: list[dict[str, Piece]]) -> dict[str, Any]:
    names = {name for version in versions for name in version}
    return {name: merged([v[name] for v in versions if name in v], -(2**62), 2**62) for name in names}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(readings, min_size=1, max_size=9), st.integers(0, 320)), min_size=1, max_size=5
    ),
    st.sampled_from([None, 5.0, 302.0]),
    st.sampled_from([0, 40, 5000]),
)
def test_a_piece_holds_of_each_asset_the_columns_of_its_series(
    all_bodies: list[tuple[list[Point], int]], stale_s: float | None, assets: int
) -> None:
    made = [
        body(points, T + came * SECOND)
        for points, came in sorted(all_bodies, key=lambda each: each[1])
        if feed_lines("".join([f"{encode(point)}\n" for point in points]).encode())
    ]
    bodies = [each for each in made if orderly([each])]
    stales = {} if stale_s is None else {"42/18562": {KEYS[0]: stale_s}}
    chunks = packed(bodies, stales, assets)
    for key in KEYS:
        stale = stale_s if key == KEYS[0] else None
        its = [chunk for chunk in chunks if chunk[0] in names_of(key)]
        found = [block for *_, data in its for block in read_lines(data, key)]
        assert together(list(columns_of(found))) == by_series(bodies, key, stale)
        for _, first_ns, last_ns, _, data in its:
            for columns in columns_of(read_lines(data, key)):
                assert all(first_ns <= ts <= last_ns for times, _ in columns.values() for ts in times)
    assert sum(chunk[3] for chunk in chunks) == sum(len(each.times) for each in series_of(bodies))


def test_an_asset_whose_type_has_changed_has_the_readings_of_both(path: Path) -> None:
    history = History(path, wall_ns=lambda: T)
    old = [reading(n, {"a": float(n)}, asset=asset) for n in (1, 2) for asset in ("bin-0", "bin-1", "bin-2")]
    new = [replace(each, measurement="Bin", ts_ns=each.ts_ns + 5 * SECOND) for each in old]
    add_body(history, [*old, *new])
    for _ in range(2):
        assert values(history) == [1.0, 2.0, 1.0, 2.0]
        assert {each.type for each in history.latest()} == {"Bin"}
        history.flush()
    killed = History(path)
    assert killed.latest() == history.latest()
    killed.close()
    history.close()


def test_a_part_is_found_by_the_key_alone_however_many_assets_there_are() -> None:
    for assets in (1, 33, 300, 3000, 99_999):
        points = [reading(1, {"a": 1.0}, asset=f"bin-{n}") for n in range(40)]
        chunks = packed([body(points, T)], {}, assets)
        for n in range(40):
            key = f"42/18562/waste/bin-{n}"
            assert len([name for name, *_ in chunks if name in names_of(key)]) == 1


def test_one_flush_is_some_rows_a_place_and_not_one_a_series(path: Path) -> None:
    history = History(path, wall_ns=lambda: T + 60 * SECOND)
    add_body(history, [reading(n % 3, {"a": float(n)}, asset=f"bin-{n // 3}") for n in range(900)])
    history.flush()
    assert 8 < len(rows(path)) <= 16
    assert rows(path, "key", "asset") == ["42/18562"]
    assert values(history, key="42/18562/waste/bin-77") == [231.0, 232.0, 233.0]
    history.close()


def test_late_lines_are_marked_and_those_beside_them_are_not(path: Path) -> None:
    now_ns = T + 102 * SECOND
    history = History(path, wall_ns=lambda: now_ns)
    history.meta("42", "18562", "waste", meta(100))
    points = [reading(n, {"a": float(n)}) for n in (1, 2, 3)]
    add_body(history, [*points, *(reading(n, {"a": 7.0}, asset="bin-2") for n in (1, 2, 3))])
    for _ in range(2):
        assert history.columns(KEYS[0], 0, 2**62)["late"] == [(T + SECOND, True)]
        assert "late" not in history.columns(KEYS[1], 0, 2**62)
        assert values(history) == [1.0, 2.0, 3.0]
        history.flush()
    history.close()


def test_one_time_far_ahead_does_not_keep_what_stands_beside_it(path: Path) -> None:
    now_ns = T
    history = History(path, 2, wall_ns=lambda: now_ns)
    liar = reading(9e8, {"a": 9.0}, asset="bin-2")
    add_body(history, [reading(0, {"a": 1.0}), liar])
    history.flush()
    now_ns = T + 4 * DAY
    add_body(history, [reading(4 * 86_400, {"a": 2.0})])
    history.flush()
    assert values(history) == [2.0]
    assert values(history, key=KEYS[1]) == [9.0]
    history.close()


def test_old_pieces_go_when_none_of_their_assets_needs_them(path: Path) -> None:
    now_ns = T
    history = History(path, 2, wall_ns=lambda: now_ns)
    for day in range(6):
        now_ns = T + day * DAY
        silent = [reading(0, {"a": 0.0}, "18563", "bin-2")] if day == 0 else []
        alive = [reading(day * 86_400, {"a": float(day)}, commune) for commune in PLACES]
        add_body(history, [*alive, *silent])
        history.flush()
    assert values(history) == [3.0, 4.0, 5.0]
    assert values(history, key=KEYS[3]) == [0.0], "one that fell silent keeps its last days"
    history.close()


def test_horizons_of_parts_are_those_of_their_slowest_asset() -> None:
    its = {f"42/18562/waste/bin-{n}": T + n for n in range(40)}
    series = [known_of(f"W,asset=bin-{n},commune=18562,domain=waste,province=42".encode()) for n in range(40)]
    for known in series[:30]:
        known.rest = f" a=1 {its[known.key]}\n".encode()
    others = {key: ts_ns for key, ts_ns in its.items() if ts_ns >= T + 30}
    found = dict(horizons(parted("42/18562", series, len(its)), others))
    assert 1 < len(found) <= 1 + 4
    for key, ts_ns in its.items():
        _, whole, part, *_ = names_of(key)
        assert found[part] <= ts_ns
        assert found[whole] == T
    assert set(found.values()) <= {T + n for n in range(40)}


def test_a_piece_that_has_rotted_is_passed_over(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history = History(path, wall_ns=lambda: T)
    for n in range(4):
        add_body(history, [reading(n, {"a": float(n)})])
        history.flush()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE chunk SET packed = substr(packed, 1, 30) WHERE id = 2")
        database.execute("UPDATE chunk SET packed = x'1f8b08' WHERE id = 3")
        database.execute("UPDATE asset SET packed = x'1f8b08'")
    database.close()
    assert values(history) == [0.0, 3.0]
    assert history.columns(KEYS[0], 0, 2**62)["a"] == [(T, 0.0), (T + 3 * SECOND, 3.0)]
    assert caplog.text.count("passed over") == 4
    again = History(path)
    assert again.latest() == []
    assert "42/18562 cannot be read" in caplog.text
    again.close()
    history.close()


def test_what_was_written_by_columns_before_goes_on_beside_lines(path: Path) -> None:
    history = History(path, wall_ns=lambda: T)
    history.add([reading(n, {"a": float(n)}) for n in range(3)])
    history.flush()
    add_body(history, [reading(n, {"a": float(10 + n)}) for n in (2, 3)])
    history.flush()
    assert KEYS[0] in rows(path)
    assert len(rows(path)) == 2
    again = History(path)
    assert values(again) == [0.0, 1.0, 12.0, 13.0]
    assert again.latest()[0].fields["a"] == FieldNow(13.0, T + 3 * SECOND)
    again.close()
    history.close()


def test_assets_are_known_again_after_a_kill_though_nobody_had_looked(path: Path) -> None:
    history = History(path, wall_ns=lambda: T)
    history.meta("42", "18562", "waste", meta(100))
    add_body(history, [reading(1, {"a": 1.0, "b": "on"}), reading(1, {"a": 5.0}, "18563")])
    history.flush()
    add_body(history, [reading(2, {"a": 2.0, "b": "off"})])
    history.flush()
    killed = History(path)
    found = {each.key: each for each in killed.latest()}
    assert {name: now.value for name, now in found[KEYS[0]].fields.items()} == {"a": 2.0, "b": "off"}
    assert (found[KEYS[0]].name, found[KEYS[0]].gw, found[KEYS[2]].fields["a"].value) == ("Chợ", "gw-01", 5.0)
    assert killed.latest() == history.latest()
    killed.close()
    history.close()


def test_a_disk_that_takes_nothing_gets_the_newest_lines_later(path: Path) -> None:
    history = History(path, wall_ns=lambda: T, busy_s=0.01)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    add_body(history, [reading(1, {"a": 1.0}), reading(1, {"a": 5.0}, "18563")])
    history.flush()
    assert values(history) == [1.0]
    lock.execute("ROLLBACK")
    lock.close()
    history.flush()
    killed = History(path)
    assert killed.latest() == history.latest()
    assert len(killed.latest()) == 2
    killed.close()
    history.close()
