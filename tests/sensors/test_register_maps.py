"""Because a technician takes a shipped map on trust: it must read what the maker's table says is there."""

import struct

import pytest

from sensors.drivers.modbus_probe import ModbusProbe
from sensors.drivers.registers import load_map, shipped
from sensors.settings import convert

PORT = "/dev/ttyUSB0"


def f32(value):
    return list(struct.unpack(">HH", struct.pack(">f", value)))


# map -> function, what stands in the device's registers by the maker's table, and what that means
TABLES = {
    "chlorine-dfrobot": (3, {0: [58]}, {"freeChlorine": 0.58}),
    "chlorine-seko": (
        3,
        {1000: [721, 45, 640, 274]},
        {"freeChlorine": 0.45, "pH": 7.21, "temperature": 27.4},
    ),
    "conductivity-leveline": (
        4,
        {0: [2741], 1: [0x0000, 0x2710], 7: [0x0000, 0x01B3]},
        {"conductivity": 435, "temperature": 27.41, "pressure": 100.0},
    ),
    "level-submersible": (3, {2: [16, 2], 4: [0xFFFE]}, {"level": -0.02}),
    "ph-supmea": (3, {0: [274, 721]}, {"temperature": 27.4, "pH": 7.21}),
    "ph-trios": (3, {1500: f32(7.25), 1502: f32(27.5)}, {"pH": 7.25, "temperature": 27.5}),
    "turbidity-hach": (3, {0: f32(0.75)}, {"turbidity": 0.75}),
    "weight-laumas": (3, {7: [0, 1520, 0xFFFF, 0xFFF6]}, {"grossWeight": 1520, "weight": -10}),
}


def bank(blocks):
    """Return what answers as a device whose registers hold that, and nothing else."""
    held = {first + nth: word for first, words in blocks.items() for nth, word in enumerate(words)}

    def answer(address, count):
        wanted = range(address, address + count)
        return [held[each] for each in wanted] if all(each in held for each in wanted) else None

    return answer


def test_every_shipped_map_is_tried_here():
    assert sorted(TABLES) == shipped()


@pytest.mark.parametrize("name", TABLES)
def test_a_map_reads_what_the_makers_table_says_is_there(io, name):
    function, blocks, says = TABLES[name]
    io.wire_bus(PORT).add(1, function, bank(blocks))
    probe = ModbusProbe(convert({"port": PORT, "unit": 1, "map": name}, ModbusProbe.Config), io)
    probe.open()
    assert {sample.metric: sample.value for sample in probe.read()} == says
    probe.close()


@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith("chlorine")])
def test_a_map_of_free_chlorine_gives_it_in_the_feeds_own_unit(name):
    (chlorine,) = [each for each in load_map(name).registers if each.metric == "freeChlorine"]
    assert (chlorine.unit, chlorine.min) == ("M1", 0.0)
    assert chlorine.max >= 5.0, "the upper limit of drinking water is 1 mg/l: an overdose must be seen"
