"""Because a dead lamp and a dirty sensor only show against what was usual before, and against the sun."""

import pytest

from sensors.assets import Moment
from sensors.assets.lamps import Lamps
from sensors.assets.moment import NS
from sensors.sample import Sample, bad
from tests.sensors.moments import asset, at


def cabinet_nights(it, count, watts, first=0, volts=lambda n: 228 + n % 7):
    """Burn from 18 to 6 o'clock, a reading each ten minutes."""
    for n in range(first * 144, (first + count) * 144):
        hour = 12 + n / 6
        lit = not 6 <= hour % 24 < 18
        it.take(round(hour * 3600 * NS), watts if lit else 0.0, float(volts(n)), lit=lit)
    return it


def test_one_dead_lamp_of_twenty_is_found_and_a_mended_one_too():
    it = cabinet_nights(Lamps(20), 5, 1500.0)
    assert it.dead == 0
    assert cabinet_nights(it, 1, 1425.0, first=5).dead == 1
    assert cabinet_nights(it, 20, 1350.0, first=6).dead == 2, "the baseline has not learnt the dead"
    assert cabinet_nights(it, 1, 1500.0, first=26).dead == 0


def test_lamps_that_fade_or_follow_the_voltage_are_not_dead():
    it = Lamps(20)
    for night in range(200):
        watts = 1500 * (1 - 0.05 * night / 200)
        cabinet_nights(it, 1, watts, first=night)
    assert it.dead == 0
    it = Lamps(20)
    for n in range(144 * 10):
        volts = 215 + (n % 20)
        it.take(n * 600 * NS, 1500 * (volts / 230) ** 1.6, volts, lit=True)
        assert not it.dead


def test_a_baseline_outlives_a_restart_and_burning_hours_go_on():
    it = cabinet_nights(Lamps(20), 5, 1500.0)
    assert it.burnt_s / 3600 == pytest.approx(5 * 12, abs=2)
    again = Lamps(20)
    again.recall(it.remember())
    assert cabinet_nights(again, 1, 1425.0).dead == 1
    assert again.burnt_s / 3600 == pytest.approx(6 * 12, abs=2)


def test_a_cabinet_that_does_not_follow_its_relay_says_how():
    it = asset("StreetlightControlCabinet", lamps=20)

    def status(watts, *, on):
        return it.combine({"power": Sample("power", watts), "relay": Sample("on", value=on)}).fields["status"]

    assert [status(1400.0, on=True), status(0.0, on=False)] == ["ok", "ok"]
    assert [status(1400.0, on=False), status(0.0, on=True)] == ["dayBurner", "tripped"]


@pytest.mark.parametrize(
    ("relay", "watts", "status", "state"),
    [
        (True, 70.0, "ok", "on"),
        (True, 1.0, "defectiveLamp", "off"),
        (False, 70.0, "dayBurner", "on"),
        (False, 0.3, "ok", "off"),
        (None, 70.0, "unknown", "on"),
        (True, None, "unknown", None),
    ],
)
def test_a_street_lamp_is_judged_by_relay_and_power_together(relay, watts, status, state):
    samples = {
        "relay": bad("on", "no-comm") if relay is None else Sample("on", relay),
        "power": bad("power", "crc") if watts is None else Sample("power", watts),
    }
    fields = asset("Streetlight").combine(samples).fields
    assert (fields["status"], fields.get("powerState")) == (status, state)


def lux(it, value, moment):
    samples = {"power": Sample("power", 0.0), "illuminance": Sample("illuminance", value)}
    return it.combine(samples, moment).reasons


def test_light_is_held_against_the_sun():
    it = asset("StreetlightControlCabinet")
    assert lux(it, 60_000.0, at(12)) is None
    assert lux(it, 0.0, at(12)) == {"illuminance": "dark-at-noon"}
    assert lux(it, 0.0, at(23)) is None
    assert lux(it, 120.0, at(23)) == {"illuminance": "light-at-night"}
    assert lux(it, 0.0, Moment()) is None, "without a clock or a place nothing is said"


def test_a_dirty_sensor_is_doubted_after_three_dark_days_and_one_bright_noon_clears_it():
    it = asset("StreetlightControlCabinet")
    found = [lux(it, 4000.0, at(12, day)) for day in range(5)]
    assert found == [None, None, None, {"illuminance": "dark-at-noon"}, {"illuminance": "dark-at-noon"}]
    again = asset("StreetlightControlCabinet")
    again.recall(it.remember())
    assert lux(again, 4000.0, at(13, 4)) == {"illuminance": "dark-at-noon"}
    assert lux(again, 70_000.0, at(12, 5)) is None
