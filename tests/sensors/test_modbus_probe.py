"""Because RS-485 in the field is noise, loose wires and dead probes, and a wrong number must never pass."""

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.drivers.modbus_probe import ModbusProbe, decode
from sensors.errors import BusError, ConfigError
from sensors.sample import Quality
from sensors.settings import convert
from simulators.io import SimIO
from simulators.signals.modbus import Cell, crc16, probe_bank

PORT = "/dev/ttyUSB0"
TIMEOUT_S = 0.1  # a pty answers within some ms, a loaded machine lets it wait
PH = {"metric": "pH", "address": 0, "unit": "Q30", "scale": 0.01, "min": 0, "max": 14}


class Bench:
    """Probes on one line, each with a pH that the test sets."""

    def __init__(self, io: SimIO, *units: int):
        self.io = io
        self.values = dict.fromkeys(units, 7.2)
        self.bus = io.wire_bus(PORT)
        for unit in units:
            cell = Cell("u16", 0.01, lambda unit=unit: self.values[unit])
            self.bus.add(unit, 3, probe_bank({0: cell}))

    def probe(self, unit, *registers, **config):
        table = {
            "port": PORT,
            "unit": unit,
            "registers": list(registers) or [PH],
            "timeout": TIMEOUT_S,
            "baud": 115_200,
            **config,
        }
        driver = ModbusProbe(convert(table, ModbusProbe.Config), self.io)
        driver.open()
        return driver


def reason_of(probe):
    try:
        (sample,) = probe.read()
    except BusError as error:
        return error.reason
    return sample.reason or "good"


def test_every_type_of_register_is_read_as_the_world_has_it(io):
    bench = Bench(io)
    cells = {
        0: Cell("u16", 0.01, lambda: 7.21),
        1: Cell("s16", 0.1, lambda: -3.4),
        2: Cell("u32", 1.0, lambda: 305_419_896),
        4: Cell("f32", 1.0, lambda: 0.613),
    }
    bench.bus.add(7, 4, probe_bank(cells))
    probe = bench.probe(
        7,
        {"metric": "pH", "address": 0, "unit": "Q30", "function": 4, "scale": 0.01},
        {"metric": "temperature", "address": 1, "unit": "CEL", "function": 4, "type": "s16", "scale": 0.1},
        {"metric": "count", "address": 2, "unit": "C62", "function": 4, "type": "u32"},
        {"metric": "turbidity", "address": 4, "unit": "NTU", "function": 4, "type": "f32"},
    )
    samples = {sample.metric: sample.value for sample in probe.read()}
    assert samples == {"pH": 7.21, "temperature": -3.4, "count": 305_419_896, "turbidity": 0.613}
    assert [metric.unit for metric in probe.metrics] == ["Q30", "CEL", "C62", "NTU"]


@given(st.integers(-0x8000, 0x7FFF), st.integers(0, 0xFFFFFFFF), st.floats(width=32, allow_nan=False))
def test_any_number_survives_its_registers(small, large, real):
    assert decode([small & 0xFFFF], "s16") == small
    assert decode([large >> 16, large & 0xFFFF], "u32") == large
    assert decode(struct.unpack(">HH", struct.pack(">f", real)), "f32") == real


def test_a_probe_with_its_words_swapped_is_read_with_its_order(io):
    bench = Bench(io)
    low_first = {0: Cell("u16", 1, lambda: 0x5678), 1: Cell("u16", 1, lambda: 0x1234)}
    bench.bus.add(7, 3, probe_bank(low_first))
    table = {"metric": "count", "address": 0, "unit": "C62", "type": "u32", "order": "CDAB"}
    assert bench.probe(7, table).read()[0].value == 0x12345678


def test_the_crc_is_that_of_the_modbus_standard():
    assert crc16(bytes.fromhex("010300000001")) == 0x0A84
    assert crc16(bytes.fromhex("010300000001840a")) == 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("silent", "no-comm"), ("crc", "crc"), ("short", "crc"), ("illegal-address", "refused")],
)
def test_a_fault_has_its_reason_and_the_next_reading_is_good(io, fault, reason):
    bench = Bench(io, 1)
    probe = bench.probe(1)
    assert reason_of(probe) == "good"
    bench.bus.break_unit(1, fault, times=2)
    assert reason_of(probe) == reason
    bench.bus.mend_unit(1)
    assert reason_of(probe) == "good"


@pytest.mark.parametrize("fault", ["silent", "crc", "short"])
def test_one_hit_by_noise_is_forgiven_by_the_retry(io, fault):
    bench = Bench(io, 1)
    probe = bench.probe(1)
    bench.bus.break_unit(1, fault, times=1)
    assert reason_of(probe) == "good"


def test_an_unknown_unit_is_silence_and_an_unknown_register_is_refused(io):
    bench = Bench(io, 1)
    assert reason_of(bench.probe(9)) == "no-comm"
    assert reason_of(bench.probe(1, {**PH, "address": 99})) == "refused"
    assert reason_of(bench.probe(1, {**PH, "function": 4})) == "refused"


def test_a_dead_probe_is_left_out_for_ten_polls_and_found_again_when_it_is_back(io):
    bench = Bench(io, 1)
    probe = bench.probe(1)
    bench.bus.break_unit(1, "silent")
    reasons = [reason_of(probe) for _ in range(2)]
    asked = bench.bus.requests[1]
    reasons += [reason_of(probe) for _ in range(10)]
    assert set(reasons) == {"no-comm"}
    assert bench.bus.requests[1] == asked
    bench.bus.mend_unit(1)
    assert reason_of(probe) == "good"
    assert reason_of(probe) == "good"


def test_a_dead_probe_costs_the_others_on_the_line_almost_nothing(io):
    bench = Bench(io, 1, 2)
    bench.bus.break_unit(1, "silent")
    dead, alive = bench.probe(1), bench.probe(2)
    reason_of(dead), reason_of(dead)
    began = time.perf_counter()
    for _ in range(10):
        assert reason_of(dead) == "no-comm"
        assert reason_of(alive) == "good"
    assert time.perf_counter() - began < 10 * 2 * TIMEOUT_S  # asking it each time would take this long


def test_noise_does_not_back_a_probe_off(io):
    bench = Bench(io, 1)
    probe = bench.probe(1)
    bench.bus.break_unit(1, "crc")
    assert [reason_of(probe) for _ in range(3)] == ["crc"] * 3
    bench.bus.mend_unit(1)
    assert reason_of(probe) == "good"


@pytest.mark.parametrize(("outside", "quality"), [("bad", Quality.BAD), ("uncertain", Quality.UNCERTAIN)])
def test_a_value_that_cannot_be_is_as_bad_as_the_map_says(io, outside, quality):
    bench = Bench(io, 1)
    bench.values[1] = 14.01
    (sample,) = bench.probe(1, {**PH, "outside": outside}).read()
    assert (sample.quality, sample.reason, sample.raw) == (quality, "range", 1401)


def test_a_value_that_never_moves_is_uncertain_until_it_moves(io):
    bench = Bench(io, 1)
    probe = bench.probe(1, {**PH, "stuck": 3})
    assert [reason_of(probe) for _ in range(4)] == ["good", "good", "stuck", "stuck"]
    bench.values[1] = 7.3
    assert reason_of(probe) == "good"


def test_not_a_number_is_no_value(io):
    bench = Bench(io)
    bench.bus.add(7, 3, probe_bank({0: Cell("f32", 1.0, lambda: float("nan"))}))
    table = {"metric": "turbidity", "address": 0, "unit": "NTU", "type": "f32"}
    (sample,) = bench.probe(7, table).read()
    assert (sample.quality, sample.reason) == (Quality.BAD, "no-value")


def test_devices_that_disagree_about_their_port_are_told(io):
    bench = Bench(io, 1, 2)
    bench.probe(1)
    with pytest.raises(ConfigError, match=r"/dev/ttyUSB0.*9600"):
        bench.probe(2, baud=9600)


def test_a_port_that_is_not_there_is_named(io):
    bench = Bench(io, 1)
    with pytest.raises(ConfigError, match=r"ttyUSB7.*ttyUSB0"):
        bench.probe(1, port="/dev/ttyUSB7")


def test_two_registers_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="name of its own"):
        convert({"port": PORT, "unit": 1, "registers": [PH, PH]}, ModbusProbe.Config)


def test_a_closed_probe_says_so(io):
    bench = Bench(io, 1)
    probe = bench.probe(1)
    probe.close()
    probe.close()
    assert reason_of(probe) == "closed"
