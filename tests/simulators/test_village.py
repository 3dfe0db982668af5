"""Because alarms and indicators are held against the chronicle: it must say what happened, all of it once."""

from datetime import UTC, datetime

import pytest

from simulators.clock import VirtualClock
from simulators.worlds.rounds import DIVISION_KG, Plan
from simulators.worlds.village import Sizes, Village

MIDNIGHT = datetime(2026, 9, 20, 17, 0, tzinfo=UTC)  # 00:00 in Ha Tinh, a Monday
HOUR_S, DAY_S = 3600, 86_400
BINS = [f"bin-{each:04}" for each in range(1, 9)]


def village(seed="1", **sizes):
    clock = VirtualClock(MIDNIGHT)
    return clock, Village(clock, seed, Sizes(**{"bins": BINS, "weather": False, **sizes}))


WASTE = {"water": False, "lights": False}
WATER = {"bins": (), "lights": False}


def kinds(world, state=None):
    return [each.kind for each in world.chronicle.entries if state in (None, each.state)]


def test_all_waste_is_in_the_bins_beside_them_or_collected_and_what_is_collected_is_weighed():
    clock, it = village(**WASTE)
    clock.sleep(10 * DAY_S)
    lies_kg = sum(each.kg + each.beside_kg for each in it.bins.values())
    assert it.generated_kg == pytest.approx(lies_kg + it.rounds.collected_kg)
    weighed_kg = sum(each.net_kg for each in it.bridge.weighings)
    assert weighed_kg == pytest.approx(it.rounds.collected_kg, abs=DIVISION_KG * len(it.bridge.weighings))
    assert it.bridge.tonnes(0, 2**62) == pytest.approx(weighed_kg / 1000)


def test_people_make_what_the_indicators_figure_says_they_make():
    clock, it = village(**WASTE)
    clock.sleep(28 * DAY_S)
    assert it.population == pytest.approx(3.5 * (6 * 12 + 2 * 30))
    assert it.generated_kg / 28 == pytest.approx(it.expected_kg_a_day, rel=0.05)


@pytest.mark.slow
def test_more_waste_comes_at_the_weeks_end():
    clock, it = village(**WASTE)
    by_day = []
    for _ in range(28):
        before_kg = it.generated_kg
        clock.sleep(DAY_S)
        by_day.append(it.generated_kg - before_kg)
    sundays, tuesdays = by_day[6::7], by_day[1::7]
    assert sum(sundays) > 1.05 * sum(tuesdays)


def test_a_missed_round_lets_bins_run_over_until_the_next_one():
    clock, it = village(plan=Plan(missed=0, skipped=0), **WASTE)
    it.rounds.miss_next(2)
    clock.sleep(8 * DAY_S)
    assert kinds(it).count("roundMissed") == 2
    over = it.chronicle.spans("binOverflow")
    assert len(over) >= 4
    collected = {(each.asset, each.at_ns) for each in it.chronicle.all("collected")}
    assert all((span.asset, span.to_ns) in collected for span in over if span.to_ns)
    full = {(span.asset, span.to_ns) for span in it.chronicle.spans("binFull")}
    assert {(span.asset, span.to_ns) for span in over} <= full


def test_a_fire_begins_and_ends_once():
    clock, it = village(**WASTE)
    burning = it.bins["bin-0003"]
    burning.ignite()
    burning.ignite()
    clock.sleep(HOUR_S)
    burning.extinguish()
    (span,) = it.chronicle.spans("fire")
    assert (span.asset, span.to_ns - span.from_ns) == ("bin-0003", HOUR_S * 10**9)


def test_a_burst_and_a_storm_are_written_down_and_the_limits_they_break():
    clock, it = village(**WATER)
    it.water.burst(1.5)
    it.storm()
    clock.sleep(4 * DAY_S)
    it.water.burst(0)
    assert [span.asset for span in it.chronicle.spans("leak")] == ["network-01"]
    assert kinds(it).count("storm") == 1
    (turbid,) = it.chronicle.spans("limit-turbidity")
    assert HOUR_S < (turbid.to_ns - turbid.from_ns) / 1e9 < 3 * DAY_S


@pytest.mark.slow
def test_without_weather_no_storm_comes_by_itself():
    clock, it = village(**WATER)
    clock.sleep(20 * DAY_S)
    assert "storm" not in kinds(it)
    clock, it = village(weather=True, **WATER)
    clock.sleep(20 * DAY_S)
    assert kinds(it).count("storm") >= 1


def test_a_welded_contactor_burns_by_day_and_a_tripped_breaker_leaves_the_dark():
    clock, it = village(bins=(), water=False)
    lights = it.lights
    lights.weld()
    clock.sleep(2 * DAY_S)
    lights.weld(yes=False)
    by_day = it.chronicle.spans("dayBurner")
    assert len(by_day) == 2
    assert 10 < (by_day[0].to_ns - by_day[0].from_ns) / 1e9 / HOUR_S < 12.5
    lights.trip()
    assert lights.current_a == 0
    clock.sleep(DAY_S)
    lights.trip(yes=False)
    assert it.chronicle.spans("dark")
    assert lights.lit


def test_dead_lamps_leak_4_ma_each_until_new_ones_are_put_in():
    _, it = village(bins=(), water=False)
    lights = it.lights
    watts = lights.power_w
    for each in range(3):
        lights.fail_lamp(each)
    assert lights.dead == 3
    assert lights.current_a == pytest.approx(lights.power_w / lights.voltage / 0.95 + 0.012)
    lights.mend_lamps()
    assert lights.dead == 0
    assert lights.power_w >= watts
    assert len(it.chronicle.spans("lampFailed")) == 1


def test_a_plant_takes_the_tonnes_of_its_region_by_day():
    clock, it = village(bins=(), plant_t=400.0, **WASTE)
    clock.sleep(5 * DAY_S)
    assert it.bridge.tonnes(0, 2**62) / 5 == pytest.approx(400, rel=0.05)
    for each in it.bridge.weighings:
        assert 5 <= (each.at_ns / 1e9 + 7 * HOUR_S) % DAY_S / HOUR_S < 18.5
        assert each.gross_kg % DIVISION_KG == each.tare_kg % DIVISION_KG == 0


@pytest.mark.slow
def test_the_same_seed_tells_the_same_story_and_another_one_another():
    def story(seed):
        clock, it = village(seed, weather=True)
        clock.sleep(2 * DAY_S)
        return it.chronicle.entries

    assert story("1") == story("1")
    assert story("1") != story("2")
