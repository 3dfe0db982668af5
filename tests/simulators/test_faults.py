"""Because a fault that a scenario switches on must be the fault that the sensor shows."""

import pytest

from simulators.clock import VirtualClock
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults


def seen(value=lambda: 10.0):
    clock = VirtualClock()
    faults = Faults(**VALUE_FAULTS)
    return clock, faults, Distorted(clock, value, faults)


def test_an_unknown_fault_is_refused_with_the_known_ones():
    _, faults, _ = seen()
    with pytest.raises(ValueError, match="drift, gain, noise, spike, stuck"):
        faults.inject("fire")


def test_each_fault_distorts_in_its_way_and_is_gone_when_mended():
    clock, faults, look = seen()
    faults.inject("gain", 0.1)
    assert look() == 1.0
    faults.mend("gain")
    faults.inject("drift", 2.0)
    look()
    clock.sleep(1800)
    assert look() == pytest.approx(11.0)
    faults.mend()
    faults.inject("spike", 50)
    assert (look(), look()) == (60.0, 10.0)
    faults.inject("noise", 0.5)
    looks = [look() for _ in range(200)]
    assert len(set(looks)) == 200
    assert sum(looks) / 200 == pytest.approx(10, abs=0.2)
    faults.mend()
    assert look() == 10.0
    assert not faults


def test_a_stuck_value_is_the_one_of_the_moment_it_stuck():
    values = iter([1.0, 2.0, 3.0])
    _, faults, look = seen(lambda: next(values))
    look()
    faults.inject("stuck")
    assert [look(), look()] == [2.0, 2.0]
    faults.mend()
    assert look() == 3.0
