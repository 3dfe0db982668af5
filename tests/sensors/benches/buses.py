"""Because a unit on RS-485 is known by its answers alone: the benches of probes and power meters."""

from typing import ClassVar

from simulators.conformance import Bench
from simulators.signals.modbus import Cell, Supply, probe_bank, pzem_bank, sdm_bank
from tests.sensors.benches.ports import PORT


class ModbusBench(Bench):
    longest_s = 8.0
    recovers_within = 6
    unit = 7

    def bank(self):
        raise NotImplementedError("a bench on a bus says what its registers hold")

    def wire(self):
        self.now = dict(self.truths()[0])
        self.bus = self.io.wire_bus(PORT)
        self.bus.add(self.unit, *self.bank())
        self.signal = self.bus.unit(self.unit)

    def show(self, truth):
        self.now = dict(truth)

    def absent(self):
        self.signal.faults.inject("silent")

    def garbage(self):
        self.signal.faults.inject("crc")

    def slow(self):
        self.signal.faults.inject("short")

    def mend(self):
        self.signal.faults.mend()


class ProbeBench(ModbusBench):
    driver = "modbus-probe"
    config: ClassVar = {"port": PORT, "unit": 7, "map": "ph-supmea", "skip_silent": 2}
    units: ClassVar = {"pH": "Q30", "temperature": "CEL"}
    within: ClassVar = {"pH": 0.005, "temperature": 0.05}

    def bank(self):
        cells = {
            0: Cell("s16", 0.1, lambda: self.now["temperature"]),
            1: Cell("u16", 0.01, lambda: self.now["pH"]),
        }
        return 3, probe_bank(cells)

    def truths(self):
        return [{"pH": ph, "temperature": 40.0 - 3 * ph} for ph in (7.204, 0.0, 4.01, 14.0)]


class ChlorineBench(ModbusBench):
    """An amperometric probe that is alone with its number: the water over it may lose all its chlorine."""

    driver = "modbus-probe"
    config: ClassVar = {"port": PORT, "unit": 7, "map": "chlorine-dfrobot", "skip_silent": 2}
    units: ClassVar = {"freeChlorine": "M1"}
    within: ClassVar = {"freeChlorine": 0.005}

    def bank(self):
        return 3, probe_bank({0: Cell("u16", 0.01, lambda: self.now["freeChlorine"])})

    def truths(self):
        return [{"freeChlorine": mg_l} for mg_l in (0.473, 0.0, 0.2, 1.0, 20.0)]


class ChlorineControllerBench(ModbusBench):
    """A controller that measures chlorine, pH and temperature in one flow cell."""

    driver = "modbus-probe"
    config: ClassVar = {"port": PORT, "unit": 7, "map": "chlorine-seko", "skip_silent": 2}
    units: ClassVar = {"freeChlorine": "M1", "pH": "Q30", "temperature": "CEL"}
    within: ClassVar = {"freeChlorine": 0.005, "pH": 0.005, "temperature": 0.05}

    def bank(self):
        cells = {
            1000: Cell("u16", 0.01, lambda: self.now["pH"]),
            1001: Cell("u16", 0.01, lambda: self.now["freeChlorine"]),
            1002: Cell("s16", 1.0, lambda: 640.0),
            1003: Cell("u16", 0.1, lambda: self.now["temperature"]),
        }
        return 3, probe_bank(cells)

    def truths(self):
        return [
            {"freeChlorine": mg_l, "pH": 6.5 + mg_l / 5, "temperature": 20 + 6 * mg_l}
            for mg_l in (0.473, 0.0, 1.0, 5.0)
        ]


METER = {"voltage": 231.4, "current": 3.217, "power": 707.3, "energy": 12.345, "frequency": 50.0}
METER_UNITS = {
    "voltage": "VLT",
    "current": "AMP",
    "power": "WTT",
    "energy": "KWH",
    "frequency": "HTZ",
    "powerFactor": "C62",
}


class PzemBench(ModbusBench):
    driver = "pzem004t"
    config: ClassVar = {"port": PORT, "unit": 7, "skip_silent": 2}
    units: ClassVar = METER_UNITS
    within: ClassVar = {
        "voltage": 0.05,
        "current": 0.0005,
        "power": 0.05,
        "energy": 0.0005,
        "frequency": 0.05,
        "powerFactor": 0.005,
    }

    def bank(self):
        return 4, pzem_bank(self.supply)

    def supply(self):
        now = self.now
        return Supply(*(now[key] * (1000 if key == "energy" else 1) for key in METER_UNITS))

    def truths(self):
        return [
            METER | {"powerFactor": 0.95},
            METER | {"powerFactor": 1.0, "current": 99.999, "power": 22_999.9, "energy": 9_999.999},
        ]


class SdmBench(PzemBench):
    driver = "sdm"
    within: ClassVar = dict.fromkeys(METER_UNITS, 0.002)
    longest_s = 10.0

    def bank(self):
        return 4, sdm_bank(self.supply)
