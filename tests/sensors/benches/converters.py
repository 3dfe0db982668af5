"""Because a loop's current is a value only behind a converter: the converters' benches."""

from typing import ClassVar

from simulators.conformance import Bench
from simulators.signals.iio import AdsFiles
from simulators.signals.loop import LoopSignal
from tests.sensors.benches.ports import NO_HANG


class AdsBench(Bench):
    driver = "ads1115"
    config: ClassVar = {"channel": "0", "metric": "level", "unit": "MTR", "low": 0.0, "high": 5.0}
    units: ClassVar = {"level": "MTR"}
    within: ClassVar = {"level": 0.0002}
    cannot: ClassVar = {"slow": NO_HANG}

    def wire(self):
        self.value = 2.0
        self.loop = LoopSignal(self.io.clock, lambda: self.value, 0.0, 5.0)
        self.files = AdsFiles(self.io.sysfs, {"0": self.loop, "0-1": self.loop})

    def truths(self):
        return [{"level": level} for level in (0.0, 0.001, 2.5, 3.3333, 5.0)]

    def show(self, truth):
        self.value = truth["level"]
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


class McpBench(Bench):
    driver = "mcp3008"
    config: ClassVar = {
        "channel": 3,
        "metric": "pressure",
        "unit": "KPA",
        "low": 0.0,
        "high": 1000.0,
        "signal": "0.5-4.5V",
        "divider": 1.5,
    }
    units: ClassVar = {"pressure": "KPA"}
    within: ClassVar = {"pressure": 1.25}  # one step of 3.3 V / 1024 behind the divider
    cannot: ClassVar = {"slow": "a conversion is a transfer that this side clocks"}

    def wire(self):
        self.value = 500.0
        self.loop = LoopSignal(self.io.clock, lambda: self.value, 0.0, 1000.0, signal="0.5-4.5V", divider=1.5)
        self.mend()

    def truths(self):
        return [{"pressure": value} for value in (0.0, 101.3, 500.0, 1000.0)]

    def show(self, truth):
        self.value = truth["pressure"]

    def absent(self):
        self.io.wire_spi(0, lambda _: None)

    def garbage(self):
        self.io.wire_spi(0, lambda _: 1023)

    def mend(self):
        self.io.wire_spi(0, lambda channel: self.loop.code() if channel == 3 else 0)
