"""Because each device lies in its own way, and each lie has its reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors import registry
from sensors.drivers.a02yyuw import _frames
from sensors.drivers.registers import decode, load_map
from sensors.drivers.transmitter import Transmitter
from sensors.errors import BusError, ConfigError
from sensors.sample import Quality
from sensors.settings import convert
from simulators.signals.contact import ContactSignal
from tests.sensors.benches import (
    AdsBench,
    ProbeBench,
    RangerBench,
    ScaleBench,
    SerialRangerBench,
    ThermometerBench,
)


def reason(driver):
    """What a driver says of its first metric: a word, whether raised or returned."""
    try:
        return driver.read()[0].reason
    except BusError as error:
        return error.reason


def broken(io, kind, fault, size=1.0):
    bench = kind(io)
    made = registry.driver(bench.driver)
    driver = made(convert(dict(bench.config), made.Config), io)
    driver.open()
    io.clock.sleep(1)
    signal = getattr(bench, "files", None) if kind is ThermometerBench else None
    signal = signal or getattr(bench, "loop", None) or bench.signal
    signal.faults.inject(fault, size)
    for refreshed in (signal, getattr(bench, "files", None)):
        if hasattr(refreshed, "refresh"):
            refreshed.refresh()
    io.clock.sleep(1)
    return driver


@pytest.mark.parametrize(
    ("kind", "fault", "word", "finding"),
    [
        (ThermometerBench, "missing", "no-comm", "w1-empty"),
        (ThermometerBench, "crc", "crc", "w1-crc"),
        (ThermometerBench, "power_on", "power-on", "w1-power-on"),
        (ThermometerBench, "zero", "line-low", "w1-zero"),
        (SerialRangerBench, "silent", "no-comm", "serial-silent"),
        (SerialRangerBench, "garbage", "crc", "serial-garbled"),
        (SerialRangerBench, "nothing", "no-echo", "echo-nothing"),
        (SerialRangerBench, "interference", "interference", None),
        (AdsBench, "cut", "loop-open", "loop-open"),
        (AdsBench, "reversed", "reversed", "loop-reversed"),
        (AdsBench, "low", "signal-low", "loop-low"),
        (AdsBench, "high", "signal-high", "loop-high"),
        (ScaleBench, "cut", "no-comm", "hx711-silent"),
        (ScaleBench, "asleep", "stretched", "hx711-stretched"),
        (RangerBench, "cut", "no-echo", "echo-silent"),
        (RangerBench, "nothing", "no-echo", "echo-nothing"),
        (RangerBench, "high", "echo-held", "echo-high"),
        (ProbeBench, "refuses", "refused", "unit-refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_fault_has_its_word_and_its_finding(io, kind, fault, word, finding):
    driver = broken(io, kind, fault)
    assert reason(driver) == word
    assert [each.code for each in driver.diagnose()] == ([finding] if finding else [])


def test_a_clock_pulse_that_linux_stretched_spoils_its_word(io):
    assert reason(broken(io, ScaleBench, "stretched", 55e-6)) == "stretched"


def test_a_load_cell_beyond_its_end_is_no_weight(io):
    driver = broken(io, ScaleBench, "gain", 1e6)
    assert reason(driver) == "range"
    assert driver.diagnose()[0].code == "hx711-saturated"


@pytest.mark.parametrize(
    ("milliamps", "quality", "word"),
    [
        (-4.0, Quality.BAD, "reversed"),
        (0.0, Quality.BAD, "loop-open"),
        (3.6, Quality.BAD, "signal-low"),
        (3.7, Quality.UNCERTAIN, "range"),
        (3.8, Quality.GOOD, ""),
        (4.0, Quality.GOOD, ""),
        (20.5, Quality.GOOD, ""),
        (20.9, Quality.UNCERTAIN, "range"),
        (21.0, Quality.BAD, "signal-high"),
    ],
)
def test_a_loops_current_is_judged_by_ne43(milliamps, quality, word):
    tank = convert({"metric": "level", "unit": "MTR", "low": 0.0, "high": 5.0, "shunt": 100.0}, Transmitter)
    sample = tank.sample(milliamps / 10)
    assert (sample.quality, sample.reason) == (quality, word)


@given(st.binary(max_size=12), st.integers(0, 0xFFFC), st.binary(max_size=3))
def test_a_frame_is_found_in_whatever_comes_before_it(before, code, after):
    body = bytes([0xFF, code >> 8, code & 0xFF])
    frame = body + bytes([sum(body) & 0xFF])
    assert list(_frames(frame)) == [code]
    before = bytes(each for each in before if each != 0xFF)  # else it may be a frame itself
    assert code in list(_frames(before + frame + after))


@pytest.mark.parametrize(
    ("words", "kind", "order", "value"),
    [
        ([0x4048, 0xF5C3], "f32", "ABCD", 3.14),
        ([0xF5C3, 0x4048], "f32", "CDAB", 3.14),
        ([0x4840, 0xC3F5], "f32", "BADC", 3.14),
        ([0xC3F5, 0x4840], "f32", "DCBA", 3.14),
        ([0xFFFF, 0xFFFE], "s32", "ABCD", -2),
        ([0x0100], "u16", "BADC", 1),
    ],
)
def test_registers_are_put_together_in_their_order(words, kind, order, value):
    assert decode(words, kind, order) == pytest.approx(value, rel=1e-6)


def test_a_map_of_ones_own_is_read_and_a_wrong_one_named(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('device = "x"\nsource = "y"\n[[registers]]\nmetric = "pH"\naddress = 3\nunit = "Q30"\n')
    assert load_map(str(own)).registers[0].address == 3
    own.write_text('device = "x"\nsource = "y"\n[[registers]]\nmetric = "pH"\nadress = 3\nunit = "Q30"\n')
    with pytest.raises(ConfigError, match=r"own\.toml.*adress.*address"):
        load_map(str(own))
    with pytest.raises(ConfigError, match="did you mean 'ph-supmea'"):
        load_map("ph-supmae")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_map(str(tmp_path / "none.toml"))


def test_a_door_that_was_open_between_two_reads_was_open_and_a_spark_was_not(io, clock):
    reed = ContactSignal(clock, io.pin("GPIO17"))
    kind = registry.driver("contact")
    driver = kind(convert({"line": "GPIO17", "normally_closed": True, "latch": True}, kind.Config), io)
    driver.open()
    assert driver.read()[0].value is False
    for open_s, seen in ((0.01, False), (2.0, True)):
        reed.set(closed=False)
        clock.sleep(open_s)
        reed.set(closed=True)
        clock.sleep(5)
        assert [driver.read()[0].value, driver.read()[0].value] == [seen, False]
    reed.faults.inject("cut")
    reed.refresh()
    assert driver.read()[0].value is True
