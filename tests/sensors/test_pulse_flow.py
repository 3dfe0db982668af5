"""Because a meter's pulses are counted exactly and its flow comes from when they came."""

import os
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.drivers.pulse_flow import PulseFlow
from sensors.io.gpio import PulseTally
from sensors.io.keeper import MemoryKeeper
from sensors.io.pi import KernelPulses
from sensors.sample import Quality
from sensors.settings import convert
from simulators.clock import NS, VirtualClock
from simulators.io import SimIO
from simulators.signals.pulses import PulseSignal


def meter(io, litres_per_pulse=1.0, **config):
    signal = PulseSignal(io.clock, io.pin("GPIO4"), litres_per_pulse)
    driver = PulseFlow(
        convert({"line": "GPIO4", "litres_per_pulse": litres_per_pulse, **config}, PulseFlow.Config), io
    )
    driver.open()
    return signal, driver


def flow(driver):
    return driver.read()[0]


def volume(driver):
    return driver.read()[1]


@pytest.mark.slow
@given(
    stretches=st.lists(
        st.tuples(st.floats(0, 6), st.integers(min_value=1, max_value=600)), min_size=1, max_size=8
    )
)
@settings(max_examples=25, deadline=None)
def test_no_pulse_is_lost_or_invented_at_any_flow(stretches):
    clock = VirtualClock()
    io = SimIO(clock)
    try:
        signal, driver = meter(io)
        litres = 0.0
        for litres_per_s, seconds in stretches:
            signal.flow(litres_per_s, seconds)
            litres += litres_per_s * seconds
            clock.sleep(seconds)
        clock.sleep(1)
        assert volume(driver).value == pytest.approx(signal.sent / 1000)
        assert signal.sent == pytest.approx(litres, abs=1)
    finally:
        io.close()


HOUR_S, HZ = 3600, 200


@pytest.mark.slow
def test_an_hour_of_200_pulses_a_second_is_counted_to_the_last_one(io, clock):
    signal, driver = meter(io, debounce="1ms")
    for _ in range(HOUR_S // 60):
        signal.flow(HZ, 60)
        clock.sleep(60)
    clock.sleep(1)
    assert signal.sent == HOUR_S * HZ
    assert volume(driver).value == HOUR_S * HZ / 1000
    assert driver.read()[1].quality is Quality.GOOD


class Stalling:
    """gpiod's side of one line for an hour at 200 Hz, read once a second from a buffer that holds less."""

    def __init__(self, buffer: int):
        self.fd, self._writer = os.pipe()
        os.write(self._writer, b".")
        self._buffer = buffer
        self.seconds = 0
        self.over = threading.Event()

    def read_edge_events(self):
        """Give what the buffer still holds of the last second: a full one drops the oldest."""
        first, self.seconds = self.seconds * HZ + 1, self.seconds + 1
        for number in range(first + max(0, HZ - self._buffer), first + HZ):
            yield SimpleNamespace(timestamp_ns=number * NS // HZ, line_seqno=number)
        if self.seconds == HOUR_S:
            os.read(self.fd, 1)
            self.over.set()

    def release(self):
        os.close(self.fd)
        os.close(self._writer)


@pytest.mark.slow
@pytest.mark.parametrize(("buffer", "lost"), [(1024, 0), (16, (HZ - 16) * HOUR_S)])
def test_an_hour_of_200_pulses_a_second_is_counted_also_when_the_kernels_buffer_overflows(buffer, lost):
    request = Stalling(buffer)
    counter = KernelPulses(request, debounce_s=0.001)
    try:
        assert request.over.wait(60)
        counter.close()
        seen = counter.snapshot()
    finally:
        counter.close()
    assert (seen.total, seen.lost) == (HOUR_S * HZ, lost)
    clock = VirtualClock()
    clock.sleep(HOUR_S)
    lent = SimpleNamespace(snapshot=lambda: seen)
    io = SimpleNamespace(clock=clock, keeper=lambda _: MemoryKeeper(), pulses=lambda *_, **__: lent)
    driver = PulseFlow(convert({"line": "GPIO4", "litres_per_pulse": 1.0}, PulseFlow.Config), io)
    driver.open()
    index = volume(driver)
    assert index.value == HOUR_S * HZ / 1000
    assert index.reason == ("pulses-lost" if lost else "")


@pytest.mark.parametrize("litres_per_s", [0.01, 0.3, 2.7, 6.0])
def test_an_even_flow_is_read_exactly_at_any_polling_interval(io, clock, litres_per_s):
    signal, driver = meter(io)
    signal.flow(litres_per_s, 3600)
    clock.sleep(500)
    flow(driver)
    for gap_s in (301.7, 437.3, 613.1):
        clock.sleep(gap_s)
        assert flow(driver).value == pytest.approx(litres_per_s * 3.6, rel=1e-5)


def test_between_pulses_the_flow_falls_to_what_the_silence_allows_and_then_to_zero(io, clock):
    signal, driver = meter(io)
    signal.flow(1.0, 100)
    clock.sleep(100)
    assert flow(driver).value == pytest.approx(3.6)
    clock.sleep(10)
    assert flow(driver).value == pytest.approx(0.36)
    clock.sleep(290)
    assert (flow(driver).value, flow(driver).quality) == (0.0, Quality.GOOD)


def test_flow_that_returns_is_not_spread_over_the_silence_before_it(io, clock):
    signal, driver = meter(io)
    signal.flow(1.0, 60)
    clock.sleep(3600)
    assert flow(driver).value == 0.0
    signal.flow(1.0, 60)
    clock.sleep(30)
    assert flow(driver).value == pytest.approx(3.6)


def test_before_two_pulses_there_is_no_flow_to_tell_until_the_silence_is_long_enough(io, clock):
    signal, driver = meter(io)
    assert flow(driver).reason == "waiting"
    signal.pulse()
    clock.sleep(1)
    assert flow(driver).reason == "waiting"
    clock.sleep(300)
    assert flow(driver).value == 0.0


def test_a_meter_that_never_turned_has_no_flow_after_a_while(io, clock):
    _, driver = meter(io)
    clock.sleep(301)
    assert (flow(driver).value, volume(driver).value) == (0.0, 0.0)


def test_more_than_the_meter_can_pass_is_bad(io, clock):
    signal, driver = meter(io, max_flow=2.0)
    signal.flow(1.0, 60)
    clock.sleep(60)
    assert (flow(driver).quality, flow(driver).reason) == (Quality.BAD, "range")


def test_bounces_closer_than_the_debounce_are_one_pulse(io, clock):
    signal, driver = meter(io)
    for _ in range(3):
        signal.pulse(closed_s=0.0005)
        clock.sleep(0.001)
    clock.sleep(1)
    signal.pulse()
    clock.sleep(1)
    assert volume(driver).value == 0.002


def test_the_volume_goes_on_from_the_index_the_meter_had(io, clock):
    signal, driver = meter(io, start=1234.5)
    signal.flow(1.0, 100)
    clock.sleep(101)
    assert volume(driver).value == 1234.6


def test_edges_that_overflowed_are_counted_and_doubted_once(io):
    _, driver = meter(io)
    tally = PulseTally()
    for number in range(1, 11):
        tally.edge(number * 1_000_000_000, lost=184 if number == 5 else 0)
    driver._counter.close()
    driver._counter = Lent(tally)
    samples = driver.read()
    assert [sample.reason for sample in samples] == ["pulses-lost", "pulses-lost"]
    assert samples[1].value == 0.194
    assert driver.read()[1].quality is Quality.GOOD


class Lent:
    """A counter over a tally that the test feeds."""

    def __init__(self, tally):
        self.snapshot = tally.snapshot

    def close(self):
        pass


def test_a_closed_meter_says_so_and_a_reopened_one_counts_anew(io, clock):
    signal, driver = meter(io)
    driver.close()
    driver.close()
    assert {sample.reason for sample in driver.read()} == {"closed"}
    driver.open()
    signal.pulse()
    clock.sleep(1)
    assert volume(driver).value == 0.001
