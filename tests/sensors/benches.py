"""Because each of our drivers goes through the suite that we ask of others: a bench each."""

from typing import ClassVar

from simulators.conformance import Bench
from simulators.signals.a02yyuw import SerialRangerSignal
from simulators.signals.contact import ContactSignal
from simulators.signals.hcsr04 import RangerSignal
from simulators.signals.hx711 import ScaleSignal
from simulators.signals.iio import AdsFiles, LuxFiles
from simulators.signals.loop import LoopSignal
from simulators.signals.modbus import Cell, Supply, probe_bank, pzem_bank, sdm_bank
from simulators.signals.pulses import PulseSignal
from simulators.signals.relay import RelaySignal
from simulators.signals.thermal import BoardFiles, ThermalFiles
from simulators.signals.w1 import ThermometerFiles

PORT = "/dev/ttyUSB0"
NO_HANG = "the kernel answers from a file, at once or with an error"


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
        self.airs = [5.0, 20.0, 28.0, 45.0]
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


BENCHES = (
    AdsBench,
    ContactBench,
    LuxBench,
    McpBench,
    PiBench,
    ProbeBench,
    PulseBench,
    PzemBench,
    RangerBench,
    RelayBench,
    ScaleBench,
    SdmBench,
    SealedRangerBench,
    SerialRangerBench,
    ThermometerBench,
)
