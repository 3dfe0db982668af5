"""Tests of the runner: the rhythm of the readings, and what a device that misbehaves may and may not do."""

import logging
from collections import Counter
from itertools import pairwise

import pytest

from gateway.runner import AssetReading
from sensors.assets.water import WaterDistributionNetwork
from sensors.errors import BusError, IOUnavailable
from sensors.sample import Quality, Sample
from tests.gateway.benched import DAY, S, asset, bench, commune, fail, live

__all__ = ["bench", "live"]


def test_every_asset_is_read_in_its_own_rhythm(bench):
    bench.runner(commune(asset("a", 60), asset("b", "5min"))).step(3600 * S - 1)
    assert len(bench.of("a")) == 60
    assert len(bench.of("b")) == 12
    gaps = {round(b - a, 6) for a, b in pairwise(bench.times_s("b"))}
    assert gaps == {300}


def test_the_first_readings_come_soon_after_the_start_and_not_all_at_once(bench):
    names = [f"bin-{number}" for number in range(20)]
    bench.runner(commune(*(asset(name, "1h") for name in names))).step(60 * S)
    times = Counter(bench.times_s(name)[0] for name in names)
    assert times == {0.0: 10, 20.0: 10}


def test_assets_that_are_read_often_share_their_interval_evenly(bench):
    names = ["a", "b", "c", "d"]
    bench.runner(commune(*(asset(name, 2) for name in names))).step(1999 * S // 1000)
    assert [bench.times_s(name) for name in names] == [[0.0], [0.5], [1.0], [1.5]]


def test_a_hundred_assets_a_minute_are_read_at_ten_moments_and_each_in_its_rhythm(bench):
    names = [f"bin-{number}" for number in range(100)]
    bench.runner(commune(*(asset(name, 60) for name in names))).step(180 * S - 1)
    times = Counter(time for name in names for time in bench.times_s(name))
    assert times == {6.0 * moment: 10 for moment in range(30)}
    assert {b - a for name in names for a, b in pairwise(bench.times_s(name))} == {60.0}


def test_three_hundred_assets_a_minute_are_read_at_ten_moments_too(bench):
    bench.runner(commune(*(asset(f"bin-{number}", 60) for number in range(300)))).step(60 * S - 1)
    assert Counter(each.mono_ns / S for each in bench.readings) == {6.0 * moment: 30 for moment in range(10)}


def test_assets_of_a_slow_bus_that_are_due_at_once_all_have_their_turn(bench):
    names = [f"bin-{number}" for number in range(15)]
    for name in names:
        bench.acts[f"d-{name}"] = lambda: bench.clock.sleep(1.4)
    runner = bench.runner(commune(*(asset(name, 30) for name in names)))
    runner.step(300 * S - 1)
    assert {len(bench.of(name)) for name in names} == {10}
    assert not runner.missed()


def test_a_reading_says_whether_others_that_were_due_with_it_are_still_to_come(bench):
    bench.runner(commune(*(asset(name, 9) for name in "abcd"))).step(8 * S)
    assert [each.more for name in "abcd" for each in bench.of(name)] == [True, True, False, False]
    assert bench.times_s("d") == [6.0]


def test_a_reading_carries_the_time_at_which_its_last_device_answered(bench):
    bench.acts["slow"] = lambda: bench.clock.sleep(0.42)
    bench.runner(commune(asset("a", 60, flow="fast.value", level="slow.other"))).step(0)
    (reading,) = bench.readings
    assert reading.mono_ns == 420_000_000
    assert reading.observation.fields == {"waterFlow": 1.0, "waterLevel": 2.0}
    assert reading.observation.quality is Quality.GOOD


def test_time_stands_at_the_asked_moment_after_a_step(bench):
    runner = bench.runner(commune(asset("a", 60)))
    runner.step(90 * S)
    assert bench.clock.monotonic_ns() == 90 * S
    assert runner.due_ns == 120 * S


def test_a_node_without_assets_lets_time_pass_and_is_never_due(bench):
    runner = bench.runner(commune())
    runner.step(90 * S)
    assert runner.due_ns is None
    assert bench.clock.monotonic_ns() == 90 * S


def test_a_bus_error_makes_the_reading_bad_with_its_reason_and_others_go_on(bench):
    bench.acts["d-a"] = fail(BusError("crc", "frame of 7 bytes"))
    runner = bench.runner(commune(asset("a"), asset("b")))
    runner.step(10 * S)
    (broken,), (fine,) = bench.of("a"), bench.of("b")
    assert broken.observation.quality is Quality.BAD
    assert broken.observation.reasons == {"waterFlow": "crc"}
    assert broken.observation.fields == {}
    assert fine.observation.quality is Quality.GOOD
    assert runner.faults() == {"d-a": "crc: frame of 7 bytes"}


def test_any_other_error_of_a_driver_is_a_fault_and_stops_nobody(bench):
    bench.acts["d-a"] = fail(ZeroDivisionError("a driver's mistake"))
    bench.runner(commune(asset("a"), asset("b"), buses={"d-a": "gpio", "d-b": "gpio"})).step(119 * S)
    assert [each.observation.reasons for each in bench.of("a")] == [{"waterFlow": "fault"}] * 2
    assert [each.observation.quality for each in bench.of("b")] == [Quality.GOOD] * 2


def test_a_fault_is_logged_when_it_comes_when_it_changes_and_when_it_goes(bench, caplog):
    caplog.set_level(logging.INFO, "gateway")
    runner = bench.runner(commune(asset("a", 1)))
    for number, act in enumerate(
        [fail(BusError("no-comm", "1")), fail(BusError("crc")), fail(OSError(5, "io"))]
    ):
        bench.acts["d-a"] = act
        runner.step((number * 10 + 9) * S)
    del bench.acts["d-a"]
    runner.step(40 * S)
    assert [record.getMessage() for record in caplog.records] == [
        "device d-a: no-comm: 1",
        "device d-a: crc",
        "device d-a: OSError: [Errno 5] io",
        "device d-a answers again",
    ]
    assert runner.faults() == {}


def test_a_device_that_does_not_open_is_tried_again_after_a_pause_while_others_are_read(bench):
    bench.opens["d-a"] = fail(IOUnavailable("nothing is plugged in"))
    runner = bench.runner(commune(asset("a", 10), asset("b", 10)))
    runner.step(59 * S)
    assert bench.asked["open d-a"] == bench.asked["close d-a"] == 2
    assert bench.asked["read d-a"] == 0
    assert {each.observation.quality for each in bench.of("b")} == {Quality.GOOD}
    del bench.opens["d-a"]
    runner.step(99 * S)
    assert bench.asked["open d-a"] == 3
    assert bench.of("a")[-1].observation.quality is Quality.GOOD
    assert len(bench.of("a")) == 10


def test_a_metric_that_the_driver_keeps_back_is_a_fault(bench):
    bench.acts["d-a"] = lambda: [Sample("other", 2.0)]
    bench.runner(commune(asset("a", 60, flow="d-a.value", level="d-a.other"))).step(0)
    (reading,) = bench.readings
    assert reading.observation.reasons == {"waterFlow": "fault"}
    assert reading.observation.fields == {"waterLevel": 2.0}


def test_one_silent_device_of_an_asset_leaves_the_other_fields_good(bench):
    bench.acts["silent"] = fail(BusError("no-comm"))
    bench.runner(commune(asset("a", 60, flow="silent.value", level="fine.value"))).step(0)
    (reading,) = bench.readings
    assert reading.observation.fields == {"waterLevel": 1.0}
    assert reading.observation.reasons == {"waterFlow": "no-comm"}


def test_an_answer_after_the_deadline_counts_as_none(bench):
    bench.acts["slow"] = lambda: bench.clock.sleep(11)
    bench.runner(commune(asset("a", 10, flow="slow.value", level="fine.value"))).step(0)
    (reading,) = bench.readings
    assert reading.observation.reasons == {"waterFlow": "no-comm"}
    assert reading.observation.fields == {"waterLevel": 1.0}


def test_an_asset_that_cannot_be_combined_is_bad_and_logged_once_while_others_go_on(
    bench, caplog, monkeypatch
):
    def combine(self, samples):
        raise KeyError("a mistake")

    monkeypatch.setattr(WaterDistributionNetwork, "combine", combine)
    meter = asset("m", 10, volume="d-m.value") | {"type": "WaterConsumptionObserved"}
    bench.runner(commune(asset("a", 10), meter)).step(59 * S)
    assert len(bench.of("m")) == 6
    assert {each.observation.quality for each in bench.of("m")} == {Quality.GOOD}
    assert {each.observation.quality for each in bench.of("a")} == {Quality.BAD}
    assert bench.of("a")[0].observation.reasons["waterFlow"] == "fault"
    assert len([record for record in caplog.records if "cannot be made" in record.message]) == 1


def test_after_a_long_stall_missed_cycles_are_counted_and_not_made_up_for(bench):
    def emit(reading: AssetReading) -> None:
        bench.readings.append(reading)
        if len(bench.readings) == 1:
            bench.clock.sleep(3600)

    runner = bench.runner(commune(asset("a", 60), asset("b", 60)), emit)
    runner.step(3720 * S - 1)
    assert bench.times_s("a") == [0, 3600, 3660]
    assert bench.times_s("b") == [3600, 3660]
    assert runner.missed() == {"a": 59, "b": 60}


def test_a_cycle_that_is_a_little_late_still_runs(bench):
    bench.acts["d-a"] = lambda: bench.clock.sleep(4)
    runner = bench.runner(commune(asset("a", 10), asset("b", 10)))
    runner.step(99 * S)
    assert len(bench.of("a")) == len(bench.of("b")) == 10
    assert sum(runner.missed().values()) == 0


def test_a_wall_clock_that_jumps_changes_nothing(bench):
    runner = bench.runner(commune(asset("a", 60)))
    runner.step(100 * S)
    bench.clock.step_wall(-86_400 * 365)
    runner.step(600 * S - 1)
    assert bench.times_s("a") == [60 * number for number in range(10)]


def test_an_error_of_emit_reaches_the_caller_of_step(bench):
    runner = bench.runner(commune(asset("a")), lambda reading: fail(OSError("disk"))())
    with pytest.raises(OSError, match="disk"):
        runner.step(0)


def test_stop_closes_every_device_that_step_has_read(bench):
    runner = bench.runner(commune(asset("a"), asset("b")))
    runner.step(10 * S)
    runner.stop()
    assert bench.asked["close d-a"] == bench.asked["close d-b"] == 1


def test_a_runner_that_is_stopped_in_the_middle_of_a_reading_opens_nothing_again(bench):
    runner = bench.runner(commune(asset("a", flow="first.value", level="second.other"), asset("b")))
    bench.acts["first"] = runner.stop
    runner.step(3600 * S)
    assert bench.readings == []
    assert {name: bench.asked[f"open {name}"] for name in ("first", "second", "d-b")} == {
        "first": 1,
        "second": 0,
        "d-b": 0,
    }


@pytest.mark.slow
def test_a_month_of_twenty_bins_misses_no_cycle(bench):
    bench.runner(commune(*(asset(f"bin-{number}", "1h") for number in range(20)))).step(30 * DAY - 1)
    assert len(bench.readings) == 20 * 24 * 30


def test_a_runner_that_is_stepped_is_alive(bench):
    runner = bench.runner(commune(asset("a")))
    runner.step(1000 * S)
    assert runner.alive(1) == {"d-a": True, "schedule": True}
