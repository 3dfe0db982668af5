"""Because some devices are files that the kernel writes: the benches of chips in sysfs, and of the Pi."""

from typing import ClassVar

from simulators.conformance import Bench
from simulators.signals.iio import LuxFiles
from simulators.signals.thermal import BoardFiles, ThermalFiles
from simulators.signals.w1 import ThermometerFiles
from tests.sensors.benches.ports import NO_HANG


class LuxBench(Bench):
    driver = "bh1750"
    config: ClassVar = {"dome": 2.5}
    units: ClassVar = {"illuminance": "LUX"}
    within: ClassVar = {"illuminance": 1.05}  # half a count behind the dome
    within_share: ClassVar = {"illuminance": 1e-5}
    cannot: ClassVar = {"slow": NO_HANG}

    def wire(self):
        self.lux = 100.0
        self.files = LuxFiles(self.io.sysfs, lambda: self.lux / 2.5)

    def truths(self):
        return [{"illuminance": lux} for lux in (0.0, 20.0, 35.0, 6500.0, 130_000.0)]

    def show(self, truth):
        self.lux = truth["illuminance"]
        self.files.refresh()

    def absent(self):
        self.files.faults.inject("silent")
        self.files.refresh()

    def garbage(self):
        path = self.io.sysfs / "bus/iio/devices/iio:device0/in_illuminance_raw"
        path.write_text("x9\n", encoding="ascii")

    def mend(self):
        self.files.faults.mend()
        self.files.refresh()


class ThermometerBench(Bench):
    driver = "ds18b20"
    config: ClassVar = {"device": "28-0316a2795bff"}
    units: ClassVar = {"temperature": "CEL"}
    within: ClassVar = {"temperature": 0.0315}  # half of 0.0625 K, cut to thousandths
    cannot: ClassVar = {"slow": NO_HANG}

    def wire(self):
        self.celsius = 20.0
        self.files = ThermometerFiles(self.io.sysfs, lambda: self.celsius)

    def truths(self):
        return [{"temperature": celsius} for celsius in (-55.0, -10.1, 0.0, 28.37, 85.0, 125.0)]

    def show(self, truth):
        self.celsius = truth["temperature"]
        self.files.refresh()

    def absent(self):
        self.files.faults.inject("missing")
        self.files.refresh()

    def garbage(self):
        self.files.faults.inject("garbage")
        self.files.refresh()

    def mend(self):
        self.files.faults.mend()
        self.files.refresh()


class PiBench(Bench):
    driver = "pi-health"
    config: ClassVar = {"supply": True, "clock": True, "card": "mmcblk0"}
    units: ClassVar = {
        "cpuTemperature": "CEL",
        "diskFree": "E34",
        "underVoltage": "C62",
        "cardWear": "C62",
        "clockSynchronised": "C62",
    }
    within: ClassVar = {"cpuTemperature": 0.0005, "cardWear": 1e-9}
    unknown = frozenset({"diskFree", "clockSynchronised"})
    cannot: ClassVar = {"slow": NO_HANG}

    def wire(self):
        self.celsius = 48.3
        self.thermal = ThermalFiles(self.io.sysfs, lambda: self.celsius)
        self.board = BoardFiles(self.io.sysfs)

    def truths(self):
        return [
            {"cpuTemperature": 48.312, "underVoltage": False, "cardWear": 0.1},
            {"cpuTemperature": -3.0, "underVoltage": True, "cardWear": 0.7},
        ]

    def show(self, truth):
        self.celsius = truth["cpuTemperature"]
        self.board.faults.mend()
        self.board.faults.inject("worn", truth["cardWear"] * 10)
        if truth["underVoltage"]:
            self.board.faults.inject("under_voltage")
        self.mend()

    def files(self):
        sysfs = self.io.sysfs
        return (
            sysfs / "class/thermal/thermal_zone0/temp",
            sysfs / "devices/platform/soc/soc:firmware/get_throttled",
            sysfs / "block/mmcblk0/device/life_time",
        )

    def absent(self):
        for file in self.files():
            file.unlink()

    def garbage(self):
        for file in self.files():
            file.write_text("zz", encoding="ascii")

    def mend(self):
        self.thermal.refresh()
        self.board.refresh()
