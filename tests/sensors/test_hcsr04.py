"""Because a bin's level is worth what its distance is worth: accuracy, and every reason to doubt it."""

import itertools
import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.drivers.hcsr04 import Hcsr04, speed_of_sound
from sensors.errors import ConfigError
from sensors.sample import Quality
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.hcsr04 import RangerSignal


class Bench:
    """A ranger on GPIO23 and GPIO24 over whatever `distances` say, in air of `air_c`."""

    def __init__(self, io, distance_m=1.0, air_c=28.0, **config):
        self.distance_m = distance_m
        self.air_c = air_c
        self.io = io
        self.signal = RangerSignal(
            io.clock, io.pin("GPIO23"), io.pin("GPIO24"), self.surface, lambda: self.air_c
        )
        self.driver = Hcsr04(convert({"trigger": "GPIO23", "echo": "GPIO24", **config}, Hcsr04.Config), io)
        self.driver.open()

    def surface(self):
        return self.distance_m() if callable(self.distance_m) else self.distance_m

    def read(self):
        (sample,) = self.driver.read()
        return sample


@given(
    metres=st.floats(min_value=0.02, max_value=4.0),
    celsius=st.floats(min_value=-10, max_value=60),
)
@settings(max_examples=150, deadline=None)
def test_any_distance_in_any_air_is_read_to_a_tenth_of_a_millimetre(tmp_path_factory, metres, celsius):
    io = SimIO(VirtualClock())
    try:
        sample = Bench(io, metres, celsius, temperature=celsius).read()
    finally:
        io.close()
    assert sample.value == pytest.approx(metres, abs=0.0001)


def test_not_knowing_fifteen_kelvin_costs_two_and_a_half_percent(io):
    sample = Bench(io, 1.0, air_c=13.0).read()
    assert sample.value == pytest.approx(1.0256, abs=0.001)


def test_sound_has_the_speeds_of_the_tables():
    assert speed_of_sound(0) == 331.3
    assert speed_of_sound(20) == pytest.approx(343.2, abs=0.1)
    assert speed_of_sound(35) == pytest.approx(351.9, abs=0.1)


def test_a_noisy_surface_is_averaged_to_millimetres_by_the_median(io):
    rng = random.Random(1)
    bench = Bench(io, lambda: 0.8 + rng.gauss(0, 0.003))
    errors = [bench.read().value - 0.8 for _ in range(200)]
    assert abs(fmean(errors)) < 0.0005
    assert max(map(abs, errors)) < 0.006


def test_one_reading_takes_seven_pings_sixty_milliseconds_apart(io, clock):
    pings = []
    bench = Bench(io, lambda: pings.append(clock.monotonic_ns()) or 1.0)
    bench.read()
    assert len(pings) == 7
    assert min(b - a for a, b in itertools.pairwise(pings)) >= 60_000_000
    assert clock.monotonic_ns() == pytest.approx(0.42e9, rel=0.01)


@pytest.mark.parametrize("answers", [0, 1])
def test_fewer_than_two_echoes_of_seven_are_none(io, answers):
    pings = iter([0.9] * answers + [None] * (7 - answers))
    sample = Bench(io, lambda: next(pings)).read()
    assert (sample.quality, sample.reason, sample.value) == (Quality.BAD, "no-echo", None)


def test_two_echoes_of_seven_are_enough(io):
    pings = iter([None, 0.9, None, None, 0.9, None, None])
    assert Bench(io, lambda: next(pings)).read().value == pytest.approx(0.9, abs=0.0001)


def test_an_unplugged_ranger_is_bad_and_back_at_the_next_reading_after_plugging_in(io):
    bench = Bench(io)
    bench.signal.unplugged = True
    assert bench.read().reason == "no-echo"
    bench.signal.unplugged = False
    assert bench.read().quality is Quality.GOOD


def test_an_echo_line_that_stays_high_is_told_from_a_missing_echo(io):
    bench = Bench(io)
    io.pin("GPIO24").wire(level=True)
    assert bench.read().reason == "echo-held"


@pytest.mark.parametrize("metres", [0.015, 4.2])
def test_what_the_chip_cannot_measure_is_uncertain(io, metres):
    sample = Bench(io, metres).read()
    assert (sample.quality, sample.reason) == (Quality.UNCERTAIN, "range")
    assert sample.value == pytest.approx(metres, abs=0.0001)


def test_pings_that_disagree_are_uncertain(io):
    pings = iter([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1])
    sample = Bench(io, lambda: next(pings)).read()
    assert (sample.quality, sample.reason) == (Quality.UNCERTAIN, "spread")


def test_two_wild_pings_of_seven_change_nothing(io):
    pings = iter([0.9, 3.9, 0.9, 0.9, 0.1, 0.9, 0.9])
    sample = Bench(io, lambda: next(pings)).read()
    assert (sample.quality, sample.value) == (Quality.GOOD, pytest.approx(0.9, abs=0.0001))


def test_a_line_taken_by_another_is_named_and_gives_the_first_line_back(io):
    io.digital_in("GPIO24")
    with pytest.raises(ConfigError, match="GPIO24"):
        Bench(io)
    io.digital_in("GPIO23").close()


def test_a_closed_driver_says_so_and_may_be_opened_again(io):
    bench = Bench(io)
    bench.driver.close()
    bench.driver.close()
    assert bench.read().reason == "closed"
    bench.driver.open()
    assert bench.read().quality is Quality.GOOD


def test_a_wrong_line_is_refused_by_the_config():
    with pytest.raises(ConfigError, match="trigger"):
        convert({"trigger": "GPIO28", "echo": "GPIO24"}, Hcsr04.Config)
