"""Because a meter's index is money: no pulse is lost by a full buffer, and none by a restart."""

import pytest

from sensors.drivers.pulse_flow import PulseFlow
from sensors.errors import ConfigError
from sensors.sample import Quality
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.pulses import PulseSignal


def config(**given):
    return convert({"line": "GPIO4", **given}, PulseFlow.Config)


def opened(io, **given):
    driver = PulseFlow(config(**given), io)
    driver.open()
    return driver


def test_the_index_goes_on_after_a_restart_and_says_what_it_cannot_know():
    io = SimIO(VirtualClock())
    signal = PulseSignal(io.clock, io.pin("GPIO4"), 10.0)
    driver = opened(io, litres_per_pulse=10.0, start=100.0)
    signal.flow(1.0, 1000)
    io.clock.sleep(1001)
    assert driver.read()[1].value == 101.0
    driver.close()
    driver = opened(io, litres_per_pulse=10.0, start=100.0)
    first = driver.read()[1]
    assert (first.value, first.quality, first.reason) == (101.0, Quality.UNCERTAIN, "restart-gap")
    signal.flow(1.0, 100)
    io.clock.sleep(101)
    again = driver.read()[1]
    assert (again.value, again.quality) == (101.1, Quality.GOOD)
    io.close()


def test_a_power_cut_costs_no_more_than_was_not_yet_kept(tmp_path):
    clock = VirtualClock()
    io = SimIO(clock, state=tmp_path)
    signal = PulseSignal(clock, io.pin("GPIO4"), 10.0)
    driver = opened(io, litres_per_pulse=10.0, keep="5min")
    for _ in range(16):
        signal.flow(1.0, 60)
        clock.sleep(60)
        driver.read()
    after = SimIO(VirtualClock(), state=tmp_path)  # the first was never closed
    index = opened(after, litres_per_pulse=10.0, keep="5min").read()[1].value
    assert 0.96 - 0.3 <= index <= 0.96
    assert index == pytest.approx(0.9, abs=0.011)
    after.close()
    io.close()


def test_a_new_start_in_the_file_begins_the_index_there():
    io = SimIO(VirtualClock())
    signal = PulseSignal(io.clock, io.pin("GPIO4"), 10.0)
    driver = opened(io, litres_per_pulse=10.0, start=100.0)
    signal.flow(1.0, 100)
    io.clock.sleep(101)
    driver.close()
    volume = opened(io, litres_per_pulse=10.0, start=250.0).read()[1]
    assert (volume.value, volume.quality) == (250.0, Quality.GOOD)
    io.close()


def test_a_turbine_is_read_by_its_k_factors():
    points = [{"hz": 10, "pulses_per_litre": 400}, {"hz": 110, "pulses_per_litre": 500}]
    io = SimIO(VirtualClock())
    signal = PulseSignal(io.clock, io.pin("GPIO4"), 1 / 450)  # what it is at 60 Hz, between the two
    driver = opened(io, k_factors=points, debounce="0s")
    litres_per_s = 60 / 450
    signal.flow(litres_per_s, 60)
    io.clock.sleep(59.99)
    flow, volume = driver.read()
    assert flow.value == pytest.approx(litres_per_s * 3.6, rel=1e-4)
    assert volume.value == pytest.approx(litres_per_s * 0.06, rel=1e-3)
    io.close()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "litres_per_pulse"),
        ({"litres_per_pulse": 1.0, "k_factors": [{"hz": 1, "pulses_per_litre": 1}]}, "litres_per_pulse"),
        ({"k_factors": [{"hz": 1, "pulses_per_litre": 1}]}, "2 to 5"),
        ({"k_factors": [{"hz": 2, "pulses_per_litre": 1}, {"hz": 1, "pulses_per_litre": 1}]}, "greater hz"),
        ({"k_factors": [{"hz": n, "pulses_per_litre": 1} for n in range(1, 7)]}, "k_factors"),
    ],
)
def test_factors_that_cannot_work_are_refused_with_what_would_be_right(given, says):
    with pytest.raises(ConfigError, match=says):
        config(**given)
