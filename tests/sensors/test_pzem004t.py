"""Because a cabinet's bill and its dead lamps are read from this meter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.drivers.pzem004t import Pzem004t
from sensors.errors import BusError
from sensors.sample import Quality
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.modbus import Supply, pzem_bank

PORT = "/dev/ttyUSB0"
USUAL = Supply(230.4, 6.862, 1425.3, 2_306_314, 50.0, 0.95)


def bench(io, supply=USUAL):
    now = [supply]
    bus = io.wire_bus(PORT)
    bus.add(11, 4, pzem_bank(lambda: now[0]))
    table = {"port": PORT, "unit": 11, "timeout": 0.1, "baud": 115_200}
    driver = Pzem004t(convert(table, Pzem004t.Config), io)
    driver.open()
    return now, bus, driver


def read(driver):
    return {sample.metric: sample for sample in driver.read()}


@given(volts=st.floats(180, 260), amps=st.floats(0, 100), watts=st.floats(0, 26_000), wh=st.floats(0, 9.9e6))
@settings(max_examples=25, deadline=None)
def test_any_load_is_read_to_the_meters_resolution(volts, amps, watts, wh):
    io = SimIO(VirtualClock())
    try:
        _, _, driver = bench(io, Supply(volts, amps, watts, wh, 50.0, 0.9))
        samples = read(driver)
    finally:
        io.close()
    assert samples["voltage"].value == pytest.approx(volts, abs=0.051)
    assert samples["current"].value == pytest.approx(amps, abs=0.00051)
    assert samples["power"].value == pytest.approx(watts, abs=0.051)
    assert samples["energy"].value == pytest.approx(wh / 1000, abs=0.00051)
    assert samples["powerFactor"].value == 0.9
    assert {sample.quality for sample in samples.values()} == {Quality.GOOD}


def test_the_samples_come_in_the_order_of_the_metrics(io):
    _, _, driver = bench(io)
    assert [sample.metric for sample in driver.read()] == [metric.key for metric in Pzem004t.metrics]


@pytest.mark.parametrize("volts", [179.0, 261.0])
def test_a_voltage_off_the_network_is_uncertain(io, volts):
    _, _, driver = bench(io, USUAL._replace(voltage=volts))
    samples = read(driver)
    assert (samples["voltage"].quality, samples["voltage"].reason) == (Quality.UNCERTAIN, "range")
    assert samples["power"].quality is Quality.GOOD


def test_a_power_factor_above_one_is_uncertain(io):
    _, _, driver = bench(io, USUAL._replace(power_factor=1.2))
    assert read(driver)["powerFactor"].reason == "range"


def test_energy_that_went_back_is_uncertain_once(io):
    now, _, driver = bench(io)
    read(driver)
    now[0] = USUAL._replace(energy_wh=0)
    assert read(driver)["energy"].reason == "went-back"
    assert read(driver)["energy"].quality is Quality.GOOD


@pytest.mark.parametrize(("fault", "reason"), [("silent", "no-comm"), ("crc", "crc")])
def test_a_meter_that_fails_raises_its_reason_and_recovers(io, fault, reason):
    _, bus, driver = bench(io)
    bus.break_unit(11, fault)
    with pytest.raises(BusError) as caught:
        driver.read()
    assert caught.value.reason == reason
    bus.mend_unit(11)
    assert read(driver)["voltage"].value == 230.4


def test_a_closed_meter_says_so(io):
    _, _, driver = bench(io)
    driver.close()
    driver.close()
    assert {sample.reason for sample in driver.read()} == {"closed"}
