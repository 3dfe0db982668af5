"""Tests of the runner: the rhythm of the readings, and what a device that misbehaves may and may not do."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from gateway.config import NodeConfig, check
from gateway.runner import AssetReading, Runner
from sensors import registry, settings
from sensors.assets.water import WaterDistributionNetwork
from sensors.errors import BusError, IOUnavailable
from sensors.io.keeper import MemoryKeeper
from sensors.sample import Metric, Quality, Sample
from sensors.settings import Settings
from simulators.clock import PacedClock, VirtualClock
from tests.parts.wait import until

S = 1_000_000_000
DAY = 86_400 * S


@dataclass
class Bench:
    """Plays all devices: what each does when opened and read, and what was asked of it."""

    clock: Any
    acts: dict[str, Callable[[], object]] = field(default_factory=dict)
    opens: dict[str, Callable[[], object]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    readings: list[AssetReading] = field(default_factory=list)
    runners: list[Runner] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def runner(self, config: NodeConfig, emit: Callable[[AssetReading], None] | None = None) -> Runner:
        assert check(config) == []
        runner = Runner(
            config,
            SimpleNamespace(clock=self.clock, keeper=lambda _: MemoryKeeper()),
            emit or self.readings.append,
        )
        self.runners.append(runner)
        return runner

    def hang(self) -> None:
        """Behave like a driver that never returns, until the test is over."""
        self.released.wait()

    def of(self, asset: str) -> list[AssetReading]:
        return [each for each in list(self.readings) if each.asset.id == asset]

    def times_s(self, asset: str) -> list[float]:
        return [each.mono_ns / S for each in self.of(asset)]


@pytest.fixture
def bench(monkeypatch) -> Iterator[Bench]:
    yield from _bench(monkeypatch, VirtualClock())


@pytest.fixture
def live(monkeypatch) -> Iterator[Bench]:
    """The same in threads, on a clock that passes by itself, 100 times as fast."""
    clock = PacedClock(speed=100)
    yield from _bench(monkeypatch, clock)
    clock.close()


def _bench(monkeypatch, clock: VirtualClock) -> Iterator[Bench]:
    bench = Bench(clock)

    class Fake:
        class Config(Settings, frozen=True):
            name: str

        metrics: ClassVar[tuple[Metric, ...]] = (Metric("value", "C62"), Metric("other", "C62"))

        def __init__(self, config, io):
            self.name = config.name

        def open(self):
            bench.asked[f"open {self.name}"] += 1
            bench.opens.get(self.name, lambda: None)()

        def read(self):
            bench.asked[f"read {self.name}"] += 1
            said = bench.acts.get(self.name, lambda: None)()
            return [Sample("value", 1.0), Sample("other", 2.0)] if said is None else said

        def close(self):
            bench.asked[f"close {self.name}"] += 1

    monkeypatch.setattr(registry, "driver", lambda name: Fake)
    yield bench
    bench.released.set()
    for runner in bench.runners:
        runner.stop()


def commune(*assets: dict[str, Any], buses: dict[str, str] | None = None) -> NodeConfig:
    """Configure assets by id, interval and inputs; each device is alone on a bus unless told."""
    names = sorted({source.split(".")[0] for asset in assets for source in asset["inputs"].values()})
    table = {
        "site": {"province": "42", "commune": "18562", "gw": "gw-01"},
        "device": [
            {"id": name, "driver": "fake", "bus": (buses or {}).get(name, name), "config": {"name": name}}
            for name in names
        ],
        "asset": [{"type": "WaterDistributionNetwork"} | asset for asset in assets],
    }
    return settings.convert(table, NodeConfig)


def asset(name: str, every: object = 60, **inputs: str) -> dict[str, Any]:
    return {"id": name, "every": every, "inputs": inputs or {"flow": f"d-{name}.value"}}


def fail(error: Exception) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


def test_every_asset_is_read_in_its_own_rhythm(bench):
    bench.runner(commune(asset("a", 60), asset("b", "5min"))).step(3600 * S - 1)
    assert len(bench.of("a")) == 60
    assert len(bench.of("b")) == 12
    gaps = {round(b - a, 6) for a, b in pairwise(bench.times_s("b"))}
    assert gaps == {300}


def test_the_first_readings_come_soon_after_the_start_and_not_all_at_once(bench):
    names = [f"bin-{number}" for number in range(20)]
    bench.runner(commune(*(asset(name, "1h") for name in names))).step(60 * S)
    times = [bench.times_s(name)[0] for name in names]
    assert len(set(times)) == 20
    assert max(times) <= 40


def test_assets_that_are_read_often_share_their_interval_evenly(bench):
    names = ["a", "b", "c", "d"]
    bench.runner(commune(*(asset(name, 2) for name in names))).step(1999 * S // 1000)
    assert [bench.times_s(name) for name in names] == [[0.0], [0.5], [1.0], [1.5]]


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
    assert bench.times_s("b") == [3602, 3662]
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


@pytest.mark.slow
def test_a_month_of_twenty_bins_misses_no_cycle(bench):
    bench.runner(commune(*(asset(f"bin-{number}", "1h") for number in range(20)))).step(30 * DAY - 1)
    assert len(bench.readings) == 20 * 24 * 30


def test_threads_read_every_asset_and_share_an_answer_between_assets_that_want_it(live):
    config = commune(
        asset("a", 60, flow="shared.value"), asset("b", 60, flow="shared.value", level="d-b.value")
    )
    live.runner(config).start()
    until(lambda: len(live.of("a")) >= 3 and len(live.of("b")) >= 3)
    assert {each.observation.quality for each in live.readings} == {Quality.GOOD}


@pytest.mark.slow
def test_a_device_that_hangs_holds_up_its_bus_alone(live):
    live.acts["stuck"] = live.hang
    buses = {"stuck": "rs485", "same-bus": "rs485", "fine": "gpio"}
    config = commune(
        asset("a", 60, flow="stuck.value", level="fine.value"),
        asset("b", 60, flow="same-bus.value"),
        asset("c", 60, flow="fine.value"),
        buses=buses,
    )
    runner = live.runner(config)
    runner.start()
    until(lambda: len(live.of("a")) >= 2 and len(live.of("b")) >= 2 and len(live.of("c")) >= 3)
    assert live.of("a")[-1].observation.reasons == {"waterFlow": "no-comm"}
    assert live.of("a")[-1].observation.fields == {"waterLevel": 1.0}
    assert live.of("b")[-1].observation.reasons == {"waterFlow": "no-comm"}
    assert {each.observation.quality for each in live.of("c")} == {Quality.GOOD}
    assert live.asked["read stuck"] == 1
    assert runner.alive(30) == {"rs485": False, "gpio": True, "schedule": True}
    live.released.set()
    until(lambda: runner.alive(30)["rs485"] and live.of("b")[-1].observation.quality is Quality.GOOD)


def test_stop_comes_back_although_a_device_hangs_and_emits_nothing_any_more(live, caplog, monkeypatch):
    monkeypatch.setattr("gateway.runner.STOP_S", 0.5)
    live.acts["d-a"] = live.hang
    runner = live.runner(commune(asset("a", 60), asset("b", 60)))
    runner.start()
    until(lambda: live.of("b"))
    began = time.monotonic()
    runner.stop()
    assert time.monotonic() - began < 3
    count = len(live.readings)
    assert "d-a hangs" in caplog.text
    assert (live.asked["close d-a"], live.asked["close d-b"]) == (0, 1)
    live.released.set()
    until(lambda: live.asked["close d-a"])
    assert len(live.readings) == count


def test_all_devices_are_opened_at_the_start_so_that_counters_count(live):
    live.runner(commune(asset("a", "1h"), asset("b", "1h"), asset("c", "1h"))).start()
    until(lambda: all(live.asked[f"open d-{name}"] for name in "abc"))


@pytest.mark.slow
def test_a_reading_that_nobody_takes_is_logged_and_counted_and_costs_no_other(live, caplog):
    def emit(reading: AssetReading) -> None:
        if reading.asset.id == "a":
            raise ValueError("no such field")
        live.readings.append(reading)

    runner = live.runner(commune(asset("a", 60), asset("b", 60)), emit)
    runner.start()
    until(lambda: len(live.of("b")) >= 3)
    assert runner.missed()["a"] >= 1
    assert "asset a could not be handed on" in caplog.text
    assert all(runner.alive().values())


def test_cycles_that_come_while_emit_blocks_are_missed_and_the_schedule_says_so(live):
    gate = threading.Event()

    def emit(reading: AssetReading) -> None:
        live.readings.append(reading)
        if not gate.is_set():
            live.released.wait()

    runner = live.runner(commune(asset("a", 10), asset("b", 10)), emit)
    runner.start()
    until(lambda: runner.missed().get("a", 0) >= 3)
    assert len(live.readings) == 1
    gate.set()
    live.released.set()
    until(lambda: len(live.of("a")) >= 2 and len(live.of("b")) >= 2)
    times = live.times_s("a")
    assert min(b - a for a, b in pairwise(times)) > 4


def test_a_runner_that_is_stepped_is_alive(bench):
    runner = bench.runner(commune(asset("a")))
    runner.step(1000 * S)
    assert runner.alive(1) == {"d-a": True, "schedule": True}
