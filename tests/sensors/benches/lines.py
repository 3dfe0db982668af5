"""Because a GPIO line has two levels and every device speaks its own way by them: the lines' benches."""

from typing import ClassVar

from simulators.conformance import Bench
from simulators.signals.contact import ContactSignal
from simulators.signals.hx711 import ScaleSignal
from simulators.signals.pulses import PulseSignal
from simulators.signals.relay import RelaySignal


class ContactBench(Bench):
    driver = "contact"
    config: ClassVar = {"line": "GPIO17", "normally_closed": True}
    units: ClassVar = {"active": "C62"}
    cannot: ClassVar = {
        "absent": "a cut wire is an open door: active, which is the alarm; tested beside",
        "garbage": "a contact has two levels, and each is a value",
        "slow": "a level is there or it is not",
    }

    def wire(self):
        self.signal = ContactSignal(self.io.clock, self.io.pin("GPIO17"))

    def truths(self):
        return [{"active": False}, {"active": True}, {"active": False}]

    def show(self, truth):
        self.signal.set(closed=not truth["active"], bounces=5)
        self.io.clock.sleep(0.1)


class PulseBench(Bench):
    driver = "pulse-flow"
    config: ClassVar = {"line": "GPIO4", "litres_per_pulse": 10.0, "max_flow": 60.0, "start": 100.0}
    units: ClassVar = {"flow": "MQH", "volume": "MTQ"}
    within: ClassVar = {"volume": 0.01}  # one pulse
    within_share: ClassVar = {"flow": 0.001}
    cannot: ClassVar = {
        "absent": "a meter without pulses is a meter without flow",
        "slow": "pulses come when they come",
    }

    def wire(self):
        self.signal = PulseSignal(self.io.clock, self.io.pin("GPIO4"), 10.0)
        self.base = 100.0
        self.litres_per_s = 0.0

    def truths(self):
        return [{"flow": flow, "volume": self.base} for flow in (3.6, 0.9, 36.0, 54.0)]

    def prepared(self, driver):
        self.read = driver.read

    def show(self, truth):
        seconds = 400 / truth["flow"] * 3.6
        self.litres_per_s = truth["flow"] / 3.6
        for _ in range(2):  # a flow is that since the last read: the change between two is read away
            self.read()
            self.signal.flow(self.litres_per_s, seconds)
            self.io.clock.sleep(seconds - 0.001)

    def off_by(self, metric, value, truth):
        if metric == "volume":
            return abs(value - (100.0 + self.signal.sent / 100))
        return super().off_by(metric, value, truth)

    def again(self):
        self.signal.flow(self.litres_per_s or 1.0, 100)
        self.io.clock.sleep(100)

    def garbage(self):
        self.signal.faults.inject("chatter", 4)

    def mend(self):
        self.signal.faults.mend()


class ScaleBench(Bench):
    driver = "hx711"
    config: ClassVar = {"clock": "GPIO5", "data": "GPIO6", "counts_per_kg": 2000.0, "zero": 8000.0}
    units: ClassVar = {"weight": "KGM"}
    within: ClassVar = {"weight": 0.001}

    def wire(self):
        self.kg = 10.0
        io = self.io
        self.signal = ScaleSignal(
            io.clock, io.pins, io.pin("GPIO5"), io.pin("GPIO6"), lambda: 8000 + 2000 * self.kg
        )

    def truths(self):
        return [{"weight": kg} for kg in (12.5, 0.0, -4.0, 150.0, 1000.001)]

    def show(self, truth):
        self.kg = truth["weight"]
        self.io.clock.sleep(0.2)

    def absent(self):
        self.signal.faults.inject("cut")

    def garbage(self):
        self.signal.faults.inject("asleep")

    def slow(self):
        self.signal.faults.inject("stretched", 80e-6)

    def mend(self):
        self.signal.faults.mend()


class RelayBench(Bench):
    driver = "relay"
    config: ClassVar = {"line": "GPIO27", "feedback": "GPIO22", "invert": True}
    units: ClassVar = {"on": "C62", "commanded": "C62"}
    cannot: ClassVar = {
        "absent": "an output has nobody to ask; a contactor that is gone does not follow: tested beside",
        "garbage": "a contact has two levels, and each is a value",
    }

    def wire(self):
        io = self.io
        self.signal = RelaySignal(io.clock, io.pin("GPIO27"), io.pin("GPIO22"), invert=True)

    def prepared(self, driver):
        self.switch = driver.switch

    def truths(self):
        return [{"on": on, "commanded": on} for on in (True, False, True)]

    def show(self, truth):
        self.switch(truth["on"])

    def slow(self):
        self.signal.faults.inject("dead")
        self.signal.refresh()
        self.io.clock.sleep(1)

    def mend(self):
        self.signal.faults.mend()
        self.signal.refresh()
