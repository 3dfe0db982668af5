"""The runner's threads: a device that hangs holds up its bus alone, and a stop comes back."""

import threading
import time
from functools import partial
from itertools import pairwise

import pytest

from gateway.runner import AssetReading
from gateway.spool import Committer
from sensors.sample import Quality
from tests.gateway.benched import asset, bench, commune, live
from tests.parts.wait import until

__all__ = ["bench", "live"]


def test_threads_read_every_asset_and_share_an_answer_between_assets_that_want_it(live):
    config = commune(
        asset("a", 60, flow="shared.value"), asset("b", 60, flow="shared.value", level="d-b.value")
    )
    live.runner(config).start()
    until(lambda: len(live.of("a")) >= 3 and len(live.of("b")) >= 3)
    assert {each.observation.quality for each in live.readings} == {Quality.GOOD}


def test_what_is_due_at_once_goes_into_one_commit_without_waiting_for_more(live):
    commits = []
    committer = Committer(commits.append, linger_s=20, full=100)
    names = [f"d-{number}" for number in range(3)]
    for number, name in enumerate(names):
        live.acts[name] = partial(live.clock.sleep, 3 * number)

    def emit(reading: AssetReading) -> None:
        committer.put(reading.asset.id, more=reading.more)

    committer.start()
    live.runner(commune(*(asset(name[2:], 3600) for name in names)), emit).start()
    until(lambda: commits, within_s=10)
    assert commits == [["0", "1", "2"]]
    assert committer.stop()


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
