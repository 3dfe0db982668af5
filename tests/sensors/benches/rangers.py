"""Because a distance is measured in three ways, each with its own blind spot: the rangers' benches."""

from typing import ClassVar

from simulators.conformance import Bench
from simulators.signals.a02yyuw import SerialRangerSignal
from simulators.signals.hcsr04 import RangerSignal
from simulators.signals.w1 import ThermometerFiles
from tests.sensors.benches.ports import PORT


class RangerBench(Bench):
    """An ultrasonic ranger with a thermometer beside it, in air from 5 to 45 C."""

    driver = "hcsr04"
    config: ClassVar = {"trigger": "GPIO23", "echo": "GPIO24", "thermometer": "28-0316a2795bff"}
    units: ClassVar = {"distance": "MTR"}
    within: ClassVar = {"distance": 0.01}
    ends_m: ClassVar = (0.03, 0.2, 1.0, 2.5, 3.99)
    cannot: ClassVar = {}

    def wire(self):
        self.distance_m, self.air_c = 1.0, 28.0
        io = self.io
        self.files = ThermometerFiles(io.sysfs, lambda: self.air_c)
        self.signal = RangerSignal(
            io.clock, io.pin("GPIO23"), io.pin("GPIO24"), lambda: self.distance_m, lambda: self.air_c
        )

    def truths(self):
        self.airs = [5.03, 19.97, 28.4, 44.97]  # between what the thermometer's 1/16 K can say
        return [{"distance": metres} for metres in self.ends_m for _ in self.airs]

    def show(self, truth):
        self.distance_m = truth["distance"]
        self.airs = [*self.airs[1:], self.airs[0]]
        self.air_c = self.airs[-1]
        self.files.refresh()

    def absent(self):
        self.signal.faults.inject("cut")

    def garbage(self):
        self.signal.faults.inject("noise", 1.0)

    def slow(self):
        self.signal.faults.inject("high")
        self.signal.refresh()

    def mend(self):
        self.signal.faults.mend()
        self.signal.refresh()


class SealedRangerBench(RangerBench):
    driver = "jsnsr04t"
    ends_m: ClassVar = (0.25, 0.3, 1.0, 2.5, 4.4)


class SerialRangerBench(Bench):
    driver = "a02yyuw"
    config: ClassVar = {"port": PORT}
    units: ClassVar = {"distance": "MTR"}
    within: ClassVar = {"distance": 0.0005}
    longest_s = 6.0

    def wire(self):
        self.distance_m = 1.0
        self.signal = SerialRangerSignal(self.io.clock, self.io.wire_uart(PORT), lambda: self.distance_m)

    def truths(self):
        return [{"distance": metres} for metres in (0.03, 0.255, 0.2565, 1.0, 3.333, 4.5)]

    def show(self, truth):
        self.distance_m = truth["distance"]

    def absent(self):
        self.signal.faults.inject("silent")

    def garbage(self):
        self.signal.faults.inject("garbage")

    def slow(self):
        self.signal.faults.inject("crc")

    def mend(self):
        self.signal.faults.mend()
