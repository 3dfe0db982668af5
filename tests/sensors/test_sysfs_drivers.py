"""Because the kernel's files come, go and may hold anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.drivers.bh1750 import Bh1750
from sensors.drivers.pi_health import PiHealth
from sensors.errors import BusError, ConfigError
from sensors.sample import Quality
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.iio import LuxFiles, replace
from simulators.signals.thermal import ThermalFiles

RAW = "bus/iio/devices/iio:device0/in_illuminance_raw"


def lux(io, **config):
    (sample,) = Bh1750(convert(config, Bh1750.Config), io).read()
    return sample


@given(st.floats(0, 54_000))
def test_any_light_is_read_to_one_count(light):
    io = SimIO(VirtualClock())
    try:
        LuxFiles(io.sysfs, lambda: light)
        assert lux(io).value == pytest.approx(light, abs=0.45)
    finally:
        io.close()


def test_the_dome_is_taken_into_account(io):
    LuxFiles(io.sysfs, lambda: 400.0)
    assert lux(io, dome=2.5).value == pytest.approx(1000, abs=2)


def test_a_light_beyond_the_sensor_is_bad_and_keeps_its_raw_value(io):
    LuxFiles(io.sysfs, lambda: 90_000.0)
    sample = lux(io)
    assert (sample.quality, sample.reason, sample.raw) == (Quality.BAD, "range", 65_535)


def test_without_the_sensor_there_is_no_communication_and_it_may_come_later(io):
    with pytest.raises(BusError) as caught:
        lux(io)
    assert caught.value.reason == "no-comm"
    LuxFiles(io.sysfs, lambda: 100.0)
    assert lux(io).quality is Quality.GOOD


def test_another_iio_device_is_not_taken_for_the_light_sensor(io):
    replace_file(io, "bus/iio/devices/iio:device0/name", "ads1015\n")
    LuxFiles(io.sysfs, lambda: 100.0, device="iio:device1")
    assert lux(io).value == pytest.approx(100, abs=0.5)


def test_a_named_device_that_vanished_is_no_communication(io):
    LuxFiles(io.sysfs, lambda: 100.0, device="iio:device1")
    assert lux(io, device="iio:device1").quality is Quality.GOOD
    with pytest.raises(BusError, match="iio:device3"):
        lux(io, device="iio:device3")


def test_a_file_with_garbage_is_a_garbled_answer(io):
    LuxFiles(io.sysfs, lambda: 100.0)
    replace_file(io, RAW, "")
    with pytest.raises(BusError) as caught:
        lux(io)
    assert caught.value.reason == "crc"


def test_a_device_name_that_is_a_path_is_refused():
    with pytest.raises(ConfigError, match="device"):
        convert({"device": "../../etc"}, Bh1750.Config)


def test_the_pi_tells_its_temperature_and_its_disk(io):
    ThermalFiles(io.sysfs, lambda: 48.312)
    temperature, disk, *_ = PiHealth(convert({"path": "/"}, PiHealth.Config), io).read()
    assert temperature.value == 48.312
    assert disk.value > 0


def test_a_pi_without_sensor_or_disk_says_so_for_each(io):
    missing = str(io.sysfs / "nowhere")
    temperature, disk, *_ = PiHealth(convert({"path": missing}, PiHealth.Config), io).read()
    assert (temperature.reason, disk.reason) == ("no-comm", "no-comm")


def test_a_temperature_that_cannot_be_is_doubted(io):
    ThermalFiles(io.sysfs, lambda: 127.0)
    temperature, *_ = PiHealth(convert({}, PiHealth.Config), io).read()
    assert temperature.reason == "range"


def replace_file(io, name, text):
    path = io.sysfs / name
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, text)
