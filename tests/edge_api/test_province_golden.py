"""Indicators against answers computed by hand: gaps, late data, doubtful values, steps of the clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_api.point import Point
from edge_api.province.config import Plant
from tests.edge_api.province_rig import DAY, HOUR, MIDNIGHT, MINUTE, PLACE, Book, by_hour, each

BRIDGE = f"42/{PLACE}/waste/bridge-1"
CABINET = f"42/{PLACE}/lighting/cabinet-1"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(
        tmp_path,
        population={PLACE: 10_000},
        kg_per_person=0.5,
        night_use=0.6,
        baseline_kwh={CABINET: 20.0},
        plants=[Plant(name="Bắc", side="north", capacity=4.0, bridges=[BRIDGE])],
    )
    yield book
    book.close()


def bins(book: Book) -> None:
    """A bin every ten minutes for a day: full from six to twelve, then emptied; and all that can go wrong."""
    book.meta("bin-1", "WasteContainer")
    level = by_hour((0, 0.5), (6, 0.95), (12, 0.1), (18, 0.95), (19, 0.2))
    late = []
    for hour, at in each(10):
        if 14 < hour < 15.99:
            continue  # 14:10 to 15:50: eleven that never come
        if 18 <= hour < 18.99:
            marks = {"q": "uncertain", "qr": "fillingLevel:lid-open"}
            book.say("bin-1", "WasteContainer", at, {"fillingLevel": level(hour)}, **marks)
        elif 20 <= hour < 20.32:
            book.say("bin-1", "WasteContainer", at, {}, q="bad", qr="fillingLevel:no-echo")
        elif 22 <= hour < 22.99:
            late.append((at, level(hour)))
        else:
            book.say("bin-1", "WasteContainer", at, {"fillingLevel": level(hour)})
    # The clock steps back by seven minutes at 09:10: one reading at a time between two others.
    book.say("bin-1", "WasteContainer", MIDNIGHT + 9 * HOUR + 3 * MINUTE, {"fillingLevel": 0.95})
    for at, value in late:
        book.say("bin-1", "WasteContainer", at, {"fillingLevel": value})


def test_a_day_of_a_bin_is_counted_as_by_hand(book: Book) -> None:
    bins(book)
    book.count(25)
    (row,) = book.office.completeness(PLACE, range(DAY, DAY + 1))
    assert (row.expected, row.present, row.missing) == (144, 133, 11)
    assert (row.late, row.uncertain, row.bad) == (6 + 1, 6, 2), "the one of the clock's step came late too"
    assert row.reasons == {"unknown": 11}
    assert row.completeness == pytest.approx(133 / 144)

    # 14:00 counts to 14:30; 14:30 to 16:00 is not bridged. 18:00 to 19:00 is doubtful, 20:00 to 20:20 bad.
    overflow = book.figure("overflow-hours")
    assert overflow.value == pytest.approx(6.0)
    assert overflow.doubtful == pytest.approx(1.0)
    assert overflow.coverage == pytest.approx((24 - 1.5 - 1 - 1 / 3) / 24)

    assert book.figure("response-p50").value == pytest.approx(6.0)
    assert book.figure("response-p90").value == pytest.approx(6.0)
    assert book.figure("emptied-on-time").value == pytest.approx(100.0)


def test_a_time_without_power_is_the_reason_of_what_is_missing(book: Book) -> None:
    bins(book)
    book.outages = {"gw-01": [(MIDNIGHT + 14 * HOUR, MIDNIGHT + 15 * HOUR + MINUTE, "power")]}
    book.count(25)
    (row,) = book.office.completeness(PLACE, range(DAY, DAY + 1))
    assert row.reasons == {"power": 6, "unknown": 5}, "14:10 to 15:00, and 15:10 to 15:50"


def test_what_comes_late_is_counted_as_if_it_had_come_in_time(book: Book) -> None:
    book.meta("bin-1", "WasteContainer")
    readings = list(each(10))
    for hour, at in readings[:72] + readings[84:]:
        book.say("bin-1", "WasteContainer", at, {"fillingLevel": by_hour((0, 0.95), (13, 0.1))(hour)})
    book.count(25)
    (before,) = book.office.completeness(PLACE, range(DAY, DAY + 1))
    assert (before.present, before.missing, before.late) == (132, 12, 0)
    assert book.figure("overflow-hours").value == pytest.approx(12.0 + 1 / 3), "to half an hour after 11:50"
    for hour, at in readings[72:84]:
        book.say("bin-1", "WasteContainer", at, {"fillingLevel": by_hour((0, 0.95), (13, 0.1))(hour)})
    book.count(26)
    (after,) = book.office.completeness(PLACE, range(DAY, DAY + 1))
    assert (after.present, after.missing, after.late) == (144, 0, 12)
    assert book.figure("overflow-hours").value == pytest.approx(13.0)
    assert book.figure("overflow-hours").coverage == pytest.approx(1.0)


def test_a_bin_that_is_full_over_midnight_counts_for_both_days_and_is_answered_once(book: Book) -> None:
    book.meta("bin-1", "WasteContainer")
    for hour, at in each(10, 0, 48):
        level = by_hour((0, 0.5), (20, 0.95), (47, 0.1))(hour)
        book.say("bin-1", "WasteContainer", at, {"fillingLevel": level})
    book.count(49)
    two = range(DAY, DAY + 2)
    assert book.figure("overflow-hours").value == pytest.approx(4.0)
    assert book.figure("overflow-hours", two).value == pytest.approx(27.0)
    assert book.figure("response-p50", two).value == pytest.approx(27.0)
    assert book.figure("emptied-on-time", two).value == pytest.approx(0.0), "a day is what is allowed"
    assert book.figure("emptied-on-time").value is None, "on the first day none had been emptied"


def test_a_plant_and_the_rate_of_collection_rest_on_what_the_bridge_weighed(book: Book) -> None:
    book.meta("bridge-1", "WasteObserved")
    book.meta("gw-01", "Device")
    for hour, at in each(10):
        if not 5 <= hour < 11:
            book.say("gw-01", "Device", at, {"cpuTemperature": 50.0})
    for hour, weight in ((8, 1500.0), (9, 2000.0), (16, 500.0)):
        book.say("bridge-1", "WasteObserved", MIDNIGHT + hour * HOUR, {"weight": weight})
    marks = {"q": "uncertain", "qr": "weight:range"}
    book.say("bridge-1", "WasteObserved", MIDNIGHT + 17 * HOUR, {"weight": 250.0}, **marks)
    book.count(24)
    rate = book.figure("collection-rate")
    assert rate.value == pytest.approx(100 * 4000 / 5000)
    assert rate.doubtful == pytest.approx(5.0)
    assert rate.coverage == pytest.approx(0.75), "the node said nothing for six hours of twenty-four"
    assert book.figure("plant-tonnes", place=None).value == pytest.approx(4.0)
    assert book.figure("plant-load", place=None).value == pytest.approx(100.0)
    assert book.figure("plant-load", place=None).of == "Bắc"
    assert book.figure("plant-load", place=None).side == "north"


def test_hours_outside_the_limits_count_each_field_by_its_own_quality(book: Book) -> None:
    book.meta("quality-1", "WaterQualityObserved")
    for hour, at in each(10):
        fields = {"pH": by_hour((0, 7.0), (6, 8.6), (9, 7.0))(hour), "turbidity": 2.5 if hour < 2 else 2.0}
        marks = {"q": "uncertain", "qr": "turbidity:stuck"} if hour < 1 else {}
        book.say("quality-1", "WaterQualityObserved", at, fields, **marks)
    book.count(24)
    assert book.figure("outside-ph").value == pytest.approx(3.0)
    assert book.figure("outside-ph").coverage == pytest.approx(1.0), "only turbidity was doubtful"
    turbidity = book.figure("outside-turbidity")
    assert (turbidity.value, turbidity.doubtful) == (pytest.approx(1.0), pytest.approx(1.0))
    assert turbidity.coverage == pytest.approx(23 / 24)
    assert book.figure("outside-chlorine").value is None, "what is not measured is not zero"


def test_the_night_tells_what_leaks_and_the_pressure_when_there_was_water(book: Book) -> None:
    book.meta("network-1", "WaterDistributionNetwork")
    for hour, at in each(10):
        flow = by_hour((0, 9.0), (2, 10.0), (3, 14.0), (4, 30.0))(hour)
        kpa = by_hour((0, 200.0), (12, 40.0), (15, 200.0))(hour)
        book.say("network-1", "WaterDistributionNetwork", at, {"waterFlow": flow, "waterPressure": kpa})
    book.count(24)
    assert book.figure("night-flow").value == pytest.approx(12.0)
    assert book.figure("night-flow").coverage == pytest.approx(1.0)
    assert book.figure("leakage").value == pytest.approx((12 - 10_000 * 0.6 / 1000) * 20)
    assert book.figure("supply-hours").value == pytest.approx(21.0)


def test_lamps_are_judged_by_the_sun_and_repairs_by_their_alarms(book: Book) -> None:
    book.meta("cabinet-1", "StreetlightControlCabinet")
    energy = 100.0
    for hour, at in each(10):
        lit = hour < 4 or 12 <= hour < 13 or hour >= 18
        fields = {"powerState": "on" if lit else "off", "energyConsumed": energy}
        book.say("cabinet-1", "StreetlightControlCabinet", at, fields)
        energy += 0.2 if lit else 0.0
    for state, at in (("raised", 2), ("cleared", 12)):
        tags = {"province": "42", "commune": PLACE, "domain": "lighting", "asset": "cabinet-1"}
        fields = {"id": "a", "state": state, "severity": "warning", "gw": "gw-01", "ep": "aa"}
        point = Point("Alert", {**tags, "kind": "lampFailed"}, MIDNIGHT + at * HOUR, fields)
        book.history.add([point])
    book.count(24)
    # Sun at Ha Tinh on 2026-11-20: up 06:02, down 17:16; dark, half an hour off: to 5:32, from 17:46.
    dark_h = 5.53 + (24 - 17.77)
    lit = book.figure("lit-in-darkness")
    assert lit.value == pytest.approx(100 * (4 + 6) / dark_h, abs=1.0)
    assert lit.coverage == pytest.approx(1.0)
    assert book.figure("burning-by-day").value == pytest.approx(1.0)
    assert book.figure("lit-hours").value == pytest.approx(11.0)
    assert book.figure("energy").value == pytest.approx(66 * 0.2 - 0.2), "the last step is of the day after"
    assert book.figure("energy-saved").value == pytest.approx(20.0 - 13.0)
    assert book.figure("repair-p50").value == pytest.approx(10.0)
