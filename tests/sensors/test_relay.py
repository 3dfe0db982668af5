"""Because whoever switches lamps must know whether they obeyed."""

import pytest

from sensors.drivers.relay import Relay
from sensors.errors import BusError, ConfigError
from sensors.registry import Actuator
from sensors.sample import Quality
from sensors.settings import convert
from simulators.signals.relay import RelaySignal


def lamps(io, *, feedback=True, invert=True):
    heard = []
    back = io.pin("GPIO22") if feedback else None
    signal = RelaySignal(io.clock, io.pin("GPIO27"), back, heard.append, invert=invert)
    config = {"line": "GPIO27", "invert": invert} | ({"feedback": "GPIO22"} if feedback else {})
    driver = Relay(convert(config, Relay.Config), io)
    driver.open()
    return signal, driver, heard


def states(driver):
    return [sample.value for sample in driver.read()]


@pytest.mark.parametrize("invert", [True, False])
def test_the_circuit_follows_and_its_feedback_says_so(io, clock, invert):
    signal, driver, heard = lamps(io, invert=invert)
    assert isinstance(driver, Actuator)
    assert states(driver) == [False, False]
    driver.switch(True)
    assert (signal.on, states(driver)) == (True, [True, True])
    driver.switch(False)
    assert (states(driver), heard) == ([False, False], [True, False])


def test_a_relay_without_feedback_says_what_was_commanded(io):
    _, driver, _ = lamps(io, feedback=False)
    driver.switch(True)
    assert states(driver) == [True, True]


@pytest.mark.parametrize(("fault", "commanded"), [("dead", True), ("cut", True), ("welded", False)])
def test_a_contactor_that_does_not_follow_is_told_of_and_doubted(io, clock, fault, commanded):
    signal, driver, _ = lamps(io)
    driver.switch(not commanded)
    signal.faults.inject(fault)
    with pytest.raises(BusError) as caught:
        driver.switch(commanded)
    assert caught.value.reason == "not-followed"
    on, said = driver.read()
    assert (on.value, on.quality, on.reason) == (not commanded, Quality.UNCERTAIN, "not-followed")
    assert said.value is commanded
    signal.faults.mend()
    signal.refresh()
    driver.switch(commanded)
    assert driver.read()[0].quality is Quality.GOOD


def test_a_closed_relay_is_off_gives_its_lines_back_and_does_not_switch(io, clock):
    signal, driver, _ = lamps(io)
    driver.switch(True)
    driver.close()
    driver.close()
    clock.sleep(1)
    assert not signal.on
    assert {sample.reason for sample in driver.read()} == {"closed"}
    with pytest.raises(BusError, match="closed"):
        driver.switch(True)
    driver.open()
    driver.switch(True)
    assert signal.on


def test_two_devices_cannot_have_one_line(io):
    lamps(io)
    with pytest.raises(ConfigError, match="GPIO27"):
        lamps(io)
