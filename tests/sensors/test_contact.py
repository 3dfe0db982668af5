"""Because a lid that is open must not look shut, whatever edges were lost."""

import pytest

from sensors.drivers.contact import Contact
from sensors.errors import ConfigError
from sensors.settings import convert
from simulators.signals.contact import ContactSignal


def lid(io, **config):
    driver = Contact(convert({"line": "GPIO17", **config}, Contact.Config), io)
    driver.open()
    return driver


def active(driver):
    (sample,) = driver.read()
    return sample.value


def test_a_contact_closed_before_the_node_started_is_seen_closed(io, clock):
    ContactSignal(clock, io.pin("GPIO17"), closed=True)
    assert active(lid(io)) is True


def test_an_inverted_contact_is_active_when_open_and_when_its_wire_is_cut(io, clock):
    reed = ContactSignal(clock, io.pin("GPIO17"), closed=True)
    driver = lid(io, invert=True)
    assert active(driver) is False
    reed.set(closed=False)
    assert active(driver) is True


def test_a_chattering_contact_is_read_as_it_settles(io, clock):
    reed = ContactSignal(clock, io.pin("GPIO17"), closed=False)
    driver = lid(io)
    reed.set(closed=True, bounces=5)
    clock.sleep(0.5)
    assert active(driver) is True


@pytest.mark.parametrize("pull", ["down", "none"])
def test_a_driven_line_without_pull_up_is_active_when_high(io, pull):
    io.pin("GPIO17").wire(level=True)
    driver = lid(io, pull=pull)
    assert active(driver) is True
    io.pin("GPIO17").wire(level=False)
    assert active(driver) is False


def test_a_line_with_a_fixed_pull_is_refused_with_its_name(io):
    with pytest.raises(ConfigError, match="GPIO2"):
        lid(io, line="GPIO2", pull="down")


def test_a_closed_contact_gives_its_line_back(io):
    driver = lid(io)
    with pytest.raises(ConfigError, match="GPIO17"):
        lid(io)
    driver.close()
    driver.close()
    assert driver.read()[0].reason == "closed"
    lid(io)
