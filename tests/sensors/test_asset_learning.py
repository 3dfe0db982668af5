"""Because a leak, a dead lamp and a dirty sensor only show against what was usual before."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.assets import Moment, asset_class
from sensors.assets.geometry import Geometry, level
from sensors.assets.lamps import Lamps
from sensors.assets.moment import NS
from sensors.assets.nightflow import NightFlow
from sensors.calibration import Record
from sensors.errors import ConfigError
from sensors.sample import Quality, Sample, bad
from sensors.settings import convert

DAY_NS = 86_400 * NS
MIDNIGHT_NS = 20_000 * DAY_NS - 7 * 3600 * NS  # local
PLACE = {"lat": 18.34, "lon": 105.9}
MIN = 60 * NS


def asset(type_name, **config):
    kind = asset_class(type_name)
    return kind(convert(config, kind.Config))


def at(hour, day=0):
    wall_ns = MIDNIGHT_NS + day * DAY_NS + round(hour * 3600 * NS)
    return Moment(wall_ns - MIDNIGHT_NS, wall_ns, **PLACE)


# A bin -------------------------------------------------------------------------------------------------


def test_a_tapered_bin_holds_less_below_than_above():
    bin_ = Geometry(empty_m=1.0, full_m=0.0, taper=0.6)
    half = level(bin_, 0.5)
    assert half == pytest.approx((0.8**3 - 0.6**3) / (1 - 0.6**3), abs=1e-4)
    assert half < 0.5
    assert (level(bin_, 1.0), level(bin_, 0.0)) == (0.0, 1.0)


def test_a_bin_of_any_shape_follows_its_table():
    bin_ = Geometry(empty_m=1.0, full_m=0.0, shape=((0.5, 0.2), (0.8, 0.9)))
    assert [level(bin_, 1 - height) for height in (0, 0.25, 0.5, 0.8, 0.9, 1)] == [0, 0.1, 0.2, 0.9, 0.95, 1]


@given(st.floats(0.05, 1), st.lists(st.floats(-0.5, 6), min_size=2, max_size=20), st.floats(0.5, 4))
def test_nearer_waste_never_means_an_emptier_bin(taper, distances, empty_m):
    shares = [level(Geometry(empty_m=empty_m, full_m=0.1, taper=taper), d) for d in sorted(distances)]
    assert all(a >= b for a, b in pairwise(shares))
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"taper": 0.5, "shape": [[0.5, 0.4]]}, "same thing"),
        ({"shape": [[0.5, 0.4], [0.6, 0.3]]}, "both rise"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(more, said):
    with pytest.raises(ConfigError, match=said):
        asset("WasteContainer", empty_m=1.0, full_m=0.1, **more)


def test_a_bins_own_calibration_stands_over_the_file_and_its_distance_travels_along():
    it = asset("WasteContainer", empty_m=1.0, full_m=0.0)
    it.calibrate(
        Record(of="b", kind="empty-full", at="2026-01-01T00:00:00Z", by="An", gain=-2.0, offset=1.4,
               points=((0.7, 0.0), (0.2, 1.0)))
    )  # fmt: skip
    seen = it.combine({"distance": Sample("distance", 0.45)})
    assert seen.fields["fillingLevel"] == 0.5
    assert seen.raws == {"fillingLevel": 0.45}
    it.calibrate(None)
    assert it.combine({"distance": Sample("distance", 0.45)}).raws is None


def burning(*warmth, every_ns=MIN, reason=""):
    it = asset("WasteContainer", empty_m=1.0, full_m=0.1)
    found = []
    for n, celsius in enumerate(warmth):
        last = n == len(warmth) - 1
        doubt = (Quality.UNCERTAIN, reason) if reason and last else ()
        samples = {"distance": Sample("distance", 0.5), "temperature": Sample("temperature", celsius, *doubt)}
        found.append(it.combine(samples, Moment(n * every_ns)).fields["status"])
    return found


def test_a_bin_burns_when_it_warms_by_more_than_five_kelvin_a_minute():
    assert burning(30, 36, 42) == ["ok", "burning", "burning"]
    assert burning(30, 34, 38) == ["ok", "ok", "ok"]
    assert burning(30, 41, every_ns=5 * MIN) == ["ok", "ok"]
    assert burning(30, 70, every_ns=5 * MIN) == ["ok", "burning"]


def test_one_doubtful_reading_is_no_fire():
    assert burning(30, 90, reason="jump") == ["ok", "ok"]


def test_readings_a_second_apart_and_readings_of_yesterday_make_no_fire():
    assert burning(30, 31, every_ns=NS) == ["ok", "ok"]
    assert burning(10, 55, every_ns=DAY_NS) == ["ok", "ok"]


def test_a_weighing_is_gross_less_tare_whether_measured_or_registered():
    seen = asset("WasteObserved").combine({"gross": Sample("g", 5440.0), "tare": Sample("t", 4200.0)})
    assert seen.fields == {"grossWeight": 5440.0, "tareWeight": 4200.0, "weight": 1240.0}
    seen = asset("WasteObserved", tare_kg=4200).combine({"gross": Sample("g", 4100.0)})
    assert (seen.fields["weight"], seen.reasons) == (-100.0, {"weight": "range"})
    seen = asset("WasteObserved").combine({"gross": bad("g", "no-comm"), "tare": Sample("t", 4200.0)})
    assert "weight" not in seen.fields
    assert seen.bad == {"grossWeight": "no-comm", "weight": "no-comm"}


def weighings(it, grosses, **more):
    """What a bridge tells of each round: the net weight, None for silence."""
    told = []
    for gross in grosses:
        samples = {"gross": bad("g", "no-comm") if gross is None else Sample("g", float(gross))}
        samples |= {name: Sample(name, value) for name, value in more.items()}
        seen = it.worth_telling(it.combine(samples), samples)
        told.append(None if seen is None else seen.fields.get("weight", seen.quality.word))
    return told


def test_a_lorry_is_told_once_when_it_stands_still_and_an_empty_one_never():
    it = asset("WasteObserved", tare_kg=4200)
    lorry = [0, 2000, 7400, 7410, 7410, 7400, 3000, 0, 0, 4200, 4210, 4200, 0]
    assert weighings(it, lorry) == ["good"] + [None] * 2 + [3210.0] + [None] * 9
    assert weighings(it, [6000, 6000]) == [None, 1800.0]


def test_a_restart_in_the_middle_of_a_weighing_does_not_tell_it_again():
    before, after = asset("WasteObserved", tare_kg=4200), asset("WasteObserved", tare_kg=4200)
    assert weighings(before, [7400, 7400]) == ["good", 3200.0]
    after.recall(before.remember())
    assert weighings(after, [7400, 7400, 0, 7400, 7400]) == ["good"] + [None] * 3 + [3200.0]


def test_an_indicators_next_ticket_is_a_weighing_also_after_a_restart_but_not_the_first_one_ever_seen():
    it, again = asset("WasteObserved"), asset("WasteObserved")
    assert weighings(it, [7400, 7400], tare=4200.0, ticket=17.0) == ["good", None]
    assert weighings(it, [6100, 6100], tare=4200.0, ticket=18.0) == [1900.0, None]
    again.recall(it.remember())
    assert weighings(again, [6100], tare=4200.0, ticket=18.0) == ["good"]
    assert weighings(again, [6100], tare=4200.0, ticket=19.0) == [1900.0]


def test_a_bridge_that_cannot_weigh_says_so_and_says_once_that_it_can_again():
    it = asset("WasteObserved", tare_kg=4200)
    assert weighings(it, [0, None, None, 0, 0]) == ["good", "bad", "bad", "good", None]


def test_a_ticket_that_cannot_be_read_leaves_no_weight():
    seen = asset("WasteObserved").combine({"gross": Sample("g", 9.0), "ticket": bad("t", "crc")})
    assert (seen.quality.word, seen.bad) == ("bad", {"weight": "crc"})


# Water -------------------------------------------------------------------------------------------------


def nights(it, flows, first_day=0):
    for day, flow in enumerate(flows, first_day):
        for quarter in range(96):
            hour = quarter / 4
            it.take(flow if 2 <= hour < 4 else flow * 3, at(hour, day))
    return it


def test_a_burst_pipe_shows_in_the_first_night_and_is_never_learnt_as_usual():
    it = nights(NightFlow(), [4.4, 4.5, 4.3, 4.6])
    assert (it.last, it.leak) == (4.6, 0.0)
    nights(it, [9.8], 4)
    assert it.leak == pytest.approx(9.8 - 4.45, abs=0.01)
    nights(it, [9.8] * 30, 5)
    assert it.leak == pytest.approx(9.8 - 4.45, abs=0.01)
    nights(it, [4.5], 35)
    assert it.leak == 0.0


def test_nothing_is_said_of_leaks_before_three_nights_are_known():
    assert nights(NightFlow(), [4.0, 9.0]).leak is None


@given(st.integers(0, 99))
def test_the_noise_of_nights_is_no_leak(seed):
    rng = random.Random(seed)
    it = NightFlow()
    for day in range(20):
        for n in range(24):
            it.take(4.5 * rng.lognormvariate(0, 0.12), at(2 + n / 12, day))
        it.take(10, at(5, day))
        assert it.leak in (None, 0.0)


def test_nights_outlive_a_restart_even_in_the_middle_of_one():
    it = nights(NightFlow(), [4.4, 4.5, 4.3])
    for n in range(3):
        it.take(9.0, at(2 + n / 4, 3))
    again = NightFlow()
    again.recall(it.remember())
    for n in range(3, 8):
        again.take(9.0, at(2 + n / 4, 3))
    again.take(12.0, at(6, 3))
    assert again.leak == pytest.approx(4.6, abs=0.01)


def test_a_night_without_a_clock_or_with_few_readings_tells_nothing():
    it = NightFlow()
    it.take(5.0, Moment(1))
    it.take(5.0, at(2.5))
    it.take(5.0, at(5))
    assert it.last is None


def test_flow_behind_a_shut_valve_is_bad_and_a_valve_that_is_open_is_not():
    network = asset("WaterDistributionNetwork")
    samples = {"flow": Sample("flow", 3.0), "valve": Sample("active", value=True)}
    seen = network.combine(samples)
    assert (seen.fields, seen.reasons, seen.quality) == ({}, {"waterFlow": "valve-shut"}, Quality.BAD)
    assert network.combine(samples | {"valve": Sample("active", value=False)}).quality is Quality.GOOD
    assert network.combine(samples | {"flow": Sample("flow", 0.0)}).quality is Quality.GOOD


def test_no_flow_is_believed_until_the_pump_has_run_for_two_minutes():
    network = asset("WaterDistributionNetwork")
    still = {"flow": Sample("flow", 0.0), "pump": Sample("active", value=True)}
    off = still | {"pump": Sample("active", value=False)}
    runs = [(0, still, None), (110, still, None), (130, still, {"waterFlow": "meter-stopped"}),
            (140, off, None), (150, still, None)]  # fmt: skip
    for seconds, samples, said in runs:
        assert network.combine(samples, Moment(seconds * NS)).reasons == said, seconds
    assert network.combine(still | {"flow": Sample("flow", 2.0)}, Moment(900 * NS)).reasons is None


@pytest.mark.parametrize(
    ("flow", "said"),
    [(0.0, "no-flow"), (False, "no-flow"), (0.4, None), (True, None), (None, None)],
)
def test_chlorine_in_still_water_is_doubted(flow, said):
    samples = {"freeChlorine": Sample("freeChlorine", 0.4)}
    samples["flow"] = bad("flow", "no-comm") if flow is None else Sample("flow", flow)
    seen = asset("WaterQualityObserved").combine(samples)
    assert (seen.reasons or {}).get("freeChlorine") == said
    assert seen.fields == {"freeChlorine": 0.4}


def test_what_needs_the_temperature_is_doubted_without_it_and_chlorine_outside_of_its_ph():
    seen = asset("WaterQualityObserved").combine(
        {
            "pH": Sample("pH", 8.7),
            "freeChlorine": Sample("freeChlorine", 0.4),
            "temperature": bad("temperature", "crc"),
            "turbidity": Sample("turbidity", 0.5),
        }
    )
    assert seen.reasons == {"pH": "no-temperature", "freeChlorine": "ph-range", "temperature": "crc"}
    assert set(seen.fields) == {"pH", "freeChlorine", "turbidity"}


# Light -------------------------------------------------------------------------------------------------


def cabinet_nights(it, count, watts, first=0, volts=lambda n: 228 + n % 7):
    """Burn from 18 to 6 o'clock, a reading each ten minutes."""
    for n in range(first * 144, (first + count) * 144):
        hour = 12 + n / 6
        lit = not 6 <= hour % 24 < 18
        it.take(round(hour * 3600 * NS), watts if lit else 0.0, float(volts(n)), lit=lit)
    return it


def test_one_dead_lamp_of_twenty_is_found_and_a_mended_one_too():
    it = cabinet_nights(Lamps(20), 5, 1500.0)
    assert it.dead == 0
    assert cabinet_nights(it, 1, 1425.0, first=5).dead == 1
    assert cabinet_nights(it, 20, 1350.0, first=6).dead == 2, "the baseline has not learnt the dead"
    assert cabinet_nights(it, 1, 1500.0, first=26).dead == 0


def test_lamps_that_fade_or_follow_the_voltage_are_not_dead():
    it = Lamps(20)
    for night in range(200):
        watts = 1500 * (1 - 0.05 * night / 200)
        cabinet_nights(it, 1, watts, first=night)
    assert it.dead == 0
    it = Lamps(20)
    for n in range(144 * 10):
        volts = 215 + (n % 20)
        it.take(n * 600 * NS, 1500 * (volts / 230) ** 1.6, volts, lit=True)
        assert not it.dead


def test_a_baseline_outlives_a_restart_and_burning_hours_go_on():
    it = cabinet_nights(Lamps(20), 5, 1500.0)
    assert it.burnt_s / 3600 == pytest.approx(5 * 12, abs=2)
    again = Lamps(20)
    again.recall(it.remember())
    assert cabinet_nights(again, 1, 1425.0).dead == 1
    assert again.burnt_s / 3600 == pytest.approx(6 * 12, abs=2)


def test_a_cabinet_that_does_not_follow_its_relay_says_how():
    it = asset("StreetlightControlCabinet", lamps=20)

    def status(watts, *, on):
        return it.combine({"power": Sample("power", watts), "relay": Sample("on", value=on)}).fields["status"]

    assert [status(1400.0, on=True), status(0.0, on=False)] == ["ok", "ok"]
    assert [status(1400.0, on=False), status(0.0, on=True)] == ["dayBurner", "tripped"]


@pytest.mark.parametrize(
    ("relay", "watts", "status", "state"),
    [
        (True, 70.0, "ok", "on"),
        (True, 1.0, "defectiveLamp", "off"),
        (False, 70.0, "dayBurner", "on"),
        (False, 0.3, "ok", "off"),
        (None, 70.0, "unknown", "on"),
        (True, None, "unknown", None),
    ],
)
def test_a_street_lamp_is_judged_by_relay_and_power_together(relay, watts, status, state):
    samples = {
        "relay": bad("on", "no-comm") if relay is None else Sample("on", relay),
        "power": bad("power", "crc") if watts is None else Sample("power", watts),
    }
    fields = asset("Streetlight").combine(samples).fields
    assert (fields["status"], fields.get("powerState")) == (status, state)


def lux(it, value, moment):
    samples = {"power": Sample("power", 0.0), "illuminance": Sample("illuminance", value)}
    return it.combine(samples, moment).reasons


def test_light_is_held_against_the_sun():
    it = asset("StreetlightControlCabinet")
    assert lux(it, 60_000.0, at(12)) is None
    assert lux(it, 0.0, at(12)) == {"illuminance": "dark-at-noon"}
    assert lux(it, 0.0, at(23)) is None
    assert lux(it, 120.0, at(23)) == {"illuminance": "light-at-night"}
    assert lux(it, 0.0, Moment()) is None, "without a clock or a place nothing is said"


def test_a_dirty_sensor_is_doubted_after_three_dark_days_and_one_bright_noon_clears_it():
    it = asset("StreetlightControlCabinet")
    found = [lux(it, 4000.0, at(12, day)) for day in range(5)]
    assert found == [None, None, None, {"illuminance": "dark-at-noon"}, {"illuminance": "dark-at-noon"}]
    again = asset("StreetlightControlCabinet")
    again.recall(it.remember())
    assert lux(again, 4000.0, at(13, 4)) == {"illuminance": "dark-at-noon"}
    assert lux(again, 70_000.0, at(12, 5)) is None
