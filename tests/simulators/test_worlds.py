"""Because a simulated commune must behave as a real one does: figures from the field, not from the code."""

import random
from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest

from simulators.clock import VirtualClock
from simulators.worlds.bins import LARGE, SMALL, Bin
from simulators.worlds.lights import Feeder
from simulators.worlds.rounds import Plan, Rounds, Weighbridge
from simulators.worlds.sun import Sky, clear_lux, sun_height
from simulators.worlds.truth import Chronicle
from simulators.worlds.water import WaterWorks

MIDNIGHT = datetime(2026, 9, 20, 17, 0, tzinfo=UTC)  # 00:00 in Ha Tinh
HOUR_S, DAY_S = 3600, 86_400


def world(start=MIDNIGHT, seed=7):
    clock = VirtualClock(start)
    rng = random.Random(seed)
    return clock, rng, Sky(clock, rng)


def local_minutes_of_sunset(year, month, day):
    noon = datetime(year, month, day, 5, 0, tzinfo=UTC)
    for minute in range(12 * 60):
        if sun_height((noon + timedelta(minutes=minute)).timestamp()) < -0.833:
            return 12 * 60 + minute
    raise AssertionError("the sun did not set")


@pytest.mark.parametrize(
    ("date", "hour", "minute"), [((2026, 6, 21), 18, 35), ((2026, 12, 21), 17, 26)], ids=["June", "December"]
)
def test_the_sun_sets_at_the_almanacs_minute(date, hour, minute):
    assert local_minutes_of_sunset(*date) == pytest.approx(hour * 60 + minute, abs=1)


def test_the_noon_sun_of_the_equinox_stands_at_90_degrees_less_the_latitude():
    noon = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
    highest = max(sun_height((noon + timedelta(minutes=each)).timestamp()) for each in range(120))
    assert highest == pytest.approx(90 - 18.34, abs=0.3)


def test_light_rises_with_the_sun_and_has_the_known_twilight_values():
    heights = [each / 10 for each in range(-300, 900)]
    lux = [clear_lux(each) for each in heights]
    assert lux == sorted(lux)
    assert clear_lux(-6) == pytest.approx(3.4)
    assert clear_lux(0) == pytest.approx(700)
    assert clear_lux(60) == pytest.approx(98_000)


def test_the_air_is_warm_in_july_and_cool_in_january_and_warmest_after_noon():
    clock, _, sky = world(datetime(2026, 6, 30, 17, 0, tzinfo=UTC))
    july = []
    for _ in range(24):
        july.append(sky.air_c())
        clock.sleep(HOUR_S)
    assert 28 < fmean(july) < 31
    assert july.index(max(july)) in (12, 13, 14, 15, 16)
    _, _, sky = world(datetime(2026, 1, 10, 17, 0, tzinfo=UTC))
    assert sky.mean_c() == pytest.approx(18, abs=0.5)


def test_bins_fill_to_two_thirds_in_two_days_and_a_round_after_six_empties_them():
    clock, rng, sky = world()
    bins = [Bin(clock, rng, sky, SMALL if each % 4 else LARGE) for each in range(20)]
    chronicle = Chronicle(clock)
    bridge = Weighbridge(clock, rng, "weighbridge-01", chronicle)
    Rounds(clock, rng, bins, bridge, chronicle, Plan(missed=0, skipped=0))
    clock.sleep(10 * DAY_S)
    collected = list(chronicle.all("collected"))
    hours = [(each.at_ns / 1e9 + 7 * HOUR_S) % DAY_S / HOUR_S for each in collected]
    assert len(collected) == 20 * 5
    assert min(hours) >= 6
    assert max(hours) < 9
    whole_rounds = [each.facts["kg"] for each in collected[20:]]
    assert 0.4 < fmean(whole_rounds) / 52.8 / fmean([1, 1, 1, 2.75]) < 0.9


def test_people_throw_waste_away_before_work_and_around_supper():
    clock, rng, sky = world()
    bin_ = Bin(clock, rng, sky, LARGE)
    a_day = []
    for _ in range(20):
        for hour in range(24):
            count = bin_.deposits
            clock.sleep(HOUR_S)
            a_day.append((hour, bin_.deposits - count))
    total = sum(count for _, count in a_day)
    supper = sum(count for hour, count in a_day if 16 <= hour < 20)
    night = sum(count for hour, count in a_day if hour < 5)
    assert total / 20 == pytest.approx(45, rel=0.15)  # 30 households, 1.5 deposits a day
    assert supper / total == pytest.approx(8.5 / 24, rel=0.2)
    assert night / total < 0.05


def test_a_full_bin_stays_at_the_brim_and_the_rest_lies_beside_it():
    clock, rng, sky = world()
    bin_ = Bin(clock, rng, sky, SMALL)
    bin_.deposit(100)
    clock.sleep(60)
    assert bin_.level == 1.0
    assert bin_.beside_kg == pytest.approx(100 - 1.1 * 52.8, abs=5)
    assert bin_.distance_m() < 0.15


def test_a_fire_passes_sixty_degrees_within_two_minutes_and_the_lorry_ends_it():
    clock, rng, sky = world()
    bin_ = Bin(clock, rng, sky, SMALL)
    bin_.ignite()
    clock.sleep(120)
    assert bin_.temperature_c() > 60
    clock.sleep(3600)
    assert bin_.temperature_c() > 550
    bin_.collect()
    assert bin_.temperature_c() == sky.air_c()


def hourly_flow(works, clock, days):
    flows = []
    for _ in range(days * 24):
        volume_m3 = works.volume_m3
        clock.sleep(HOUR_S)
        flows.append((works.volume_m3 - volume_m3) / 3.6)
    return [fmean(flows[hour::24]) for hour in range(24)]


def test_a_village_draws_most_at_six_and_at_eighteen_and_leaks_at_night():
    clock, rng, sky = world()
    flow_l_s = hourly_flow(WaterWorks(clock, rng, sky), clock, days=4)
    assert flow_l_s.index(max(flow_l_s[:12])) == 6
    assert flow_l_s.index(max(flow_l_s[12:])) == 18
    assert fmean(flow_l_s[2:4]) == pytest.approx(1.3, abs=0.15)  # minimum night flow
    assert fmean(flow_l_s) == pytest.approx(3.4, abs=0.2)


def test_a_burst_shows_in_the_minimum_night_flow():
    clock, rng, sky = world()
    works = WaterWorks(clock, rng, sky)
    works.burst(1.5)
    clock.sleep(2 * HOUR_S)
    volume_m3 = works.volume_m3
    clock.sleep(2 * HOUR_S)
    assert (works.volume_m3 - volume_m3) / 7.2 == pytest.approx(2.8, abs=0.2)


def test_the_tank_stays_between_its_marks_and_the_chlorine_within_the_law():
    clock, rng, sky = world()
    works = WaterWorks(clock, rng, sky)
    levels, chlorine, ph = [], [], []
    for _ in range(5 * 24):
        clock.sleep(HOUR_S)
        levels.append(works.level_m)
        chlorine.append(works.chlorine)
        ph.append(works.ph)
    assert min(levels) > 1.8
    assert max(levels) < 3.8
    assert min(chlorine) > 0.2
    assert max(chlorine) < 0.8
    assert min(ph) > 6.5
    assert max(ph) < 7.5


def test_water_is_neither_made_nor_lost_in_the_tank():
    clock, rng, sky = world()
    works = WaterWorks(clock, rng, sky)
    stored_m3, pumped_m3 = works.level_m * 60, 0.0
    for _ in range(24 * 60):
        pumped_m3 += 9.0 * 60 / 1000 if works.pumping else 0.0
        clock.sleep(60)
    assert works.level_m * 60 == pytest.approx(stored_m3 + pumped_m3 - works.volume_m3)


def test_a_storm_clouds_the_water_and_two_days_later_it_is_clear_again():
    clock, rng, sky = world()
    works = WaterWorks(clock, rng, sky)
    works.storm()
    worst = 0.0
    for _ in range(48):
        clock.sleep(HOUR_S)
        worst = max(worst, works.turbidity)
    assert 4 < worst < 36
    for _ in range(24):
        clock.sleep(HOUR_S)
    assert works.turbidity < 2


def test_lamps_burn_from_dusk_to_dawn_and_never_by_day():
    clock, rng, sky = world()
    feeder = Feeder(clock, rng, sky)
    lit_min = 0
    for _ in range(24 * 60):
        clock.sleep(60)
        if feeder.lit:
            lit_min += 1
            assert sky.sun_deg() < 3
    assert lit_min / 60 == pytest.approx(11.4, abs=0.5)


def test_a_feeder_draws_what_its_lamps_draw_and_counts_it():
    clock, rng, sky = world()
    feeder = Feeder(clock, rng, sky)
    clock.sleep(60)
    assert feeder.lit
    watts, amps, energy_wh = feeder.power_w, feeder.current_a, feeder.energy_wh
    assert 20 * 60 < watts <= 20 * 75
    assert feeder.power_factor == pytest.approx(0.95, abs=0.001)
    clock.sleep(3600)
    assert feeder.energy_wh - energy_wh == pytest.approx(watts, rel=0.001)
    feeder.fail_lamp(0)
    assert 1 - feeder.current_a * feeder.voltage / (amps * feeder.voltage) == pytest.approx(0.05, abs=0.02)


def test_the_same_seed_gives_the_same_commune_and_another_seed_another():
    def levels(seed):
        clock, rng, sky = world(seed=seed)
        bins = [Bin(clock, rng, sky, SMALL) for _ in range(3)]
        clock.sleep(DAY_S)
        return [each.kg for each in bins]

    assert levels(1) == levels(1)
    assert levels(1) != levels(2)
