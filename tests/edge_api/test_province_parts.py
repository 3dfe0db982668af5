"""A running day is counted in parts, and comes to the very numbers of one that is counted at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_api.province.assetday import AssetDay
from edge_api.province.disk import ProvinceFile
from edge_api.province.due import Due, Dues
from edge_api.province.keeper import Keeper
from edge_api.province.watched import EVER
from tests.edge_api.province_rig import DAY, HOUR, MIDNIGHT, MINUTE, PLACE, Book, Fields, S

BIN, CABINET, NETWORK, BRIDGE = "bin-1", "cabinet-1", "network-1", "bridge-1"
TYPES = {
    BIN: "WasteContainer",
    CABINET: "StreetlightControlCabinet",
    NETWORK: "WaterDistributionNetwork",
    BRIDGE: "WasteObserved",
}
DAYS = range(DAY - 1, DAY + 2)


@contextmanager
def book(folder: Path) -> Iterator[Book]:
    it = Book(folder, baseline_kwh={f"42/{PLACE}/lighting/{CABINET}": 20.0})
    it.meta(BIN, TYPES[BIN])
    it.meta(CABINET, TYPES[CABINET], every_s=900)
    it.meta(BRIDGE, TYPES[BRIDGE])
    try:
        yield it
    finally:
        it.close()


def fields(asset: str, value: float) -> Fields:
    if asset == BIN:
        return {"fillingLevel": value, "temperature": 20 + value}
    if asset == CABINET:
        return {"powerState": "on" if value > 0.5 else "off", "energyConsumed": 1000 * value}
    if asset == NETWORK:
        return {"waterFlow": 30 * value, "waterPressure": 100 * value}
    return {"weight": 5000 * value}


def count(it: Book, at_ns: int) -> None:
    """Count what is due at a moment, and the running day of every asset, as each hour does."""
    it.now_ns = at_ns
    keeper = it.office.keeper
    keeper.work(all_of_it=True)
    for asset in keeper.registry.all():
        keeper._due.add((asset.key, DAY + (at_ns - MIDNIGHT) // (24 * HOUR)), 0.0, EVER)
    keeper.work(all_of_it=True)


def rows(file: ProvinceFile, keeper: Keeper) -> dict[Due, AssetDay]:
    found = file.asset_days([each.key for each in keeper.registry.all()], DAYS)
    return {(row.asset, row.day): row for row in found if row.readings or row.missing}


def at_once(it: Book, path: Path) -> dict[Due, AssetDay]:
    """Every day counted from its first reading to its last, by a keeper that has counted nothing before."""
    path.unlink(missing_ok=True)
    file = ProvinceFile(path)
    file.write(assets=it.office.keeper.registry.all())
    keeper = Keeper(it.config, file, it.history, lambda: it.now_ns, lambda: it.outages)
    for asset in keeper.registry.all():
        for day in DAYS:
            keeper._due.add((asset.key, day), 0.0)
    keeper.work(all_of_it=True)
    found = rows(file, keeper)
    keeper.close()
    return found


FIRST, LAST = -240, 26 * 60  # from the evening before to the morning after
MINUTES = st.integers(FIRST, LAST)
READING = st.tuples(
    st.sampled_from([BIN, CABINET, NETWORK, BRIDGE]),
    MINUTES,
    st.sampled_from([0, 0, 0, 1, 29, 59]),  # seconds: a clock that steps puts readings between others
    st.floats(0, 1, width=16),
    st.sampled_from(["good", "good", "good", "uncertain", "bad"]),
)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[int, tuple[str, int, int, float, str] | None]]:
    """What comes when, by minute: readings on time, late or never, and counts (None) in between."""
    every = draw(st.sampled_from([5, 7, 15]))
    lost = draw(st.sets(st.integers(0, 400), max_size=60))
    late = draw(st.dictionaries(st.integers(0, 400), st.integers(1, 600), max_size=40))
    values = draw(st.lists(st.floats(0, 1, width=16), min_size=7, max_size=7))
    found: list[tuple[int, tuple[str, int, int, float, str] | None]] = []
    for number, minute in enumerate(range(FIRST, LAST, every)):
        for place, asset in enumerate((BIN, CABINET, NETWORK)):
            if (number * 3 + place) % 401 not in lost:
                value = values[(number // 9 + place) % 7]
                # no meta tells the network's rhythm, and it is not even
                at = minute + (int(values[number % 7] * every) if asset == NETWORK else 0)
                comes = at + late.get((number * 3 + place) % 401, 0)
                found.append((comes, (asset, at, 0, value, "good")))
    strays = draw(st.lists(st.tuples(READING, st.integers(0, 900)), max_size=25))
    found += [(reading[1] + delay, reading) for reading, delay in strays]
    found += [(minute, None) for minute in draw(st.lists(MINUTES, min_size=2, max_size=8))]
    return sorted(found, key=lambda each: each[0])


def play(it: Book, story: list[tuple[int, tuple[str, int, int, float, str] | None]], path: Path) -> None:
    for minute, reading in story:
        it.now_ns = max(it.now_ns, MIDNIGHT + minute * MINUTE)
        if reading is None:
            if minute > 8 * 60:
                it.outages = {"gw-01": [(MIDNIGHT + 3 * HOUR, MIDNIGHT + 4 * HOUR, "power")]}
            compare(it, path)
            continue
        asset, at_minute, second, value, word = reading
        marks = {} if word == "good" else {"q": word}
        it.say(asset, TYPES[asset], MIDNIGHT + at_minute * MINUTE + second * S, fields(asset, value), **marks)
    it.now_ns = MIDNIGHT + 27 * HOUR
    compare(it, path)


def compare(it: Book, path: Path) -> None:
    count(it, it.now_ns)
    assert rows(it.office._file, it.office.keeper) == at_once(it, path)


@pytest.mark.slow
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
def test_no_order_no_gap_and_no_late_reading_makes_a_day_in_parts_differ_from_one_at_once(
    story: list[tuple[int, tuple[str, int, int, float, str] | None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    with book(folder) as it:
        play(it, story, folder / "fresh.db")


def minutes_read(it: Book, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How far back history is read for each day that is counted, in minutes before now."""
    found: list[float] = []
    ask = it.history.columns

    def columns(key: str, start_ns: int, stop_ns: int) -> object:
        found.append((it.now_ns - start_ns) / MINUTE)
        return ask(key, start_ns, stop_ns)

    monkeypatch.setattr(it.history, "columns", columns)
    return found


def say_until(it: Book, first_minute: int, last_minute: int) -> None:
    for minute in range(first_minute, last_minute, 10):
        it.say(BIN, TYPES[BIN], MIDNIGHT + minute * MINUTE, fields(BIN, 0.95))


def test_an_hour_later_only_the_hour_is_counted_and_late_data_have_the_day_counted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with book(tmp_path) as it:
        say_until(it, 0, 600)
        it.count(10)
        it.count(10)  # the day before, which a new day has counted once more
        read = minutes_read(it, monkeypatch)
        say_until(it, 600, 660)
        it.count(11)
        assert read == [80], "from the reading that is older than a quarter of an hour at the last count"
        read.clear()
        it.say(BIN, TYPES[BIN], MIDNIGHT + 5 * HOUR + MINUTE, fields(BIN, 0.1))
        it.count(11.5)
        assert read == [11.5 * 60 + 30], "the whole day, and what counts into it"
        assert it.figure("overflow-hours").value == pytest.approx(11 + 2 / 6 - 9 / 60)


def test_what_comes_late_of_yesterday_reaches_a_day_that_was_counted_in_part(tmp_path: Path) -> None:
    with book(tmp_path) as it:
        it.say(BIN, TYPES[BIN], MIDNIGHT - 5 * HOUR, fields(BIN, 0.5))
        say_until(it, 0, 600)
        it.count(10)
        it.say(BIN, TYPES[BIN], MIDNIGHT - 4 * HOUR, fields(BIN, 0.95))
        it.say(BIN, TYPES[BIN], MIDNIGHT + 11 * HOUR, fields(BIN, 0.1))
        it.count(12)
        it.count(12)
        assert it.figure("response-p50").value == pytest.approx(15), "full since four hours before midnight"


def test_another_rhythm_or_a_reason_that_comes_later_has_the_day_counted_anew(tmp_path: Path) -> None:
    with book(tmp_path) as it:
        say_until(it, 0, 300)
        say_until(it, 400, 600)
        it.count(10)
        it.outages = {"gw-01": [(MIDNIGHT + 5 * HOUR, MIDNIGHT + 6 * HOUR, "power")]}
        count(it, MIDNIGHT + 11 * HOUR)
        (row,) = it.office.completeness(PLACE, range(DAY, DAY + 1))
        assert row.reasons == {"power": 7, "unknown": 9}
        it.meta(BIN, TYPES[BIN], every_s=1200)
        count(it, MIDNIGHT + 11 * HOUR)
        assert rows(it.office._file, it.office.keeper) == at_once(it, tmp_path / "fresh.db")
        (row,) = it.office.completeness(PLACE, range(DAY, DAY + 1))
        assert sum(row.reasons.values()) < 12


def test_a_day_waits_since_it_was_first_said_and_from_the_earliest_moment() -> None:
    dues = Dues()
    dues.add(("a", 2), 5.0, 30)
    dues.add(("a", 2), 6.0, 20)
    dues.add(("a", 1), 7.0, EVER)
    assert dues.ready(lambda _, since_s: since_s > 6) == [("a", 2)]
    assert dues.ready() == [("a", 1), ("a", 2)]
    assert dues.before(2) == {("a", 1)}
    assert dues.take([("a", 1), ("a", 2), ("b", 1)]) == {("a", 1): EVER, ("a", 2): 20}
    assert len(dues) == 0
