"""Because a leak shows only against the nights before, and a value against flow, valve and pump."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.assets import Moment
from sensors.assets.moment import NS
from sensors.assets.nightflow import NightFlow
from sensors.sample import Quality, Sample, bad
from tests.sensors.moments import asset, at


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
