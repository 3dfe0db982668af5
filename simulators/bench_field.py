"""The other half of the bench: the field's devices on ports, files, loops and lines of their own."""

from simulators.io import SimIO
from simulators.signals.a02yyuw import SerialRangerSignal
from simulators.signals.hcsr04 import RangerSignal
from simulators.signals.hx711 import ScaleSignal
from simulators.signals.iio import AdsFiles
from simulators.signals.loop import LoopSignal
from simulators.signals.modbus import Supply, sdm_bank
from simulators.signals.relay import RelaySignal
from simulators.signals.w1 import ThermometerFiles
from simulators.toml import Table

SERIAL, FEEDER = "/dev/serial0", "/dev/ttyUSB2"
FEEDER_UNIT = 1
COUNTS_PER_KG, ZERO_COUNTS = 2000.0, 8000.0
PRESSURE_CHANNEL = 3


class FieldDevices:
    """One of each, and what it measures; all signals are there to be broken."""

    def __init__(self, io: SimIO, timeout_s: float) -> None:
        clock, pin = io.clock, io.pin
        self.io = io
        self._timeout_s = timeout_s
        self.heap_m, self.sealed_m = 0.8, 0.9
        self.water_c, self.level_m, self.kilopascals, self.kg = 27.5, 2.4, 310.0, 36.0
        self.volts = 231.0
        self.serial = SerialRangerSignal(clock, io.wire_uart(SERIAL), lambda: self.heap_m)
        self.sealed = RangerSignal(clock, pin("GPIO5"), pin("GPIO6"), lambda: self.sealed_m, lambda: 28.0)
        self.thermometer = ThermometerFiles(io.sysfs, lambda: self.water_c)
        self.loop = LoopSignal(clock, lambda: self.level_m, 0.0, 5.0)
        self.converter = AdsFiles(io.sysfs, {"0": self.loop})
        self.gauge = LoopSignal(clock, lambda: self.kilopascals, 0.0, 1000.0, signal="0.5-4.5V", divider=1.5)
        io.wire_spi(0, lambda channel: self.gauge.code() if channel == PRESSURE_CHANNEL else 0)
        self.scale = ScaleSignal(
            clock, io.pins, pin("GPIO20"), pin("GPIO21"), lambda: ZERO_COUNTS + COUNTS_PER_KG * self.kg
        )
        self.contactor = RelaySignal(clock, pin("GPIO22"), pin("GPIO26"))
        self.feeder = io.wire_bus(FEEDER)
        self.feeder.add(
            FEEDER_UNIT, 4, sdm_bank(lambda: Supply(self.volts, 3.2, 700.0, 91_000.0, 50.0, 0.95))
        )

    def refresh(self) -> None:
        """Let the files and lines show what was broken or has changed just now."""
        self.thermometer.refresh()
        self.converter.refresh()
        self.contactor.refresh()

    def dead_converter(self) -> None:
        """Let the MCP3008 give no word any more."""
        self.io.wire_spi(0, lambda _channel: 1023)

    def devices(self) -> list[Table]:
        """Return the device tables."""
        level: Table = {"channel": "0", "metric": "level", "unit": "MTR", "low": 0.0, "high": 5.0}
        pressure: Table = {"channel": PRESSURE_CHANNEL, "metric": "pressure", "unit": "KPA", "divider": 1.5}
        pressure |= {"low": 0.0, "high": 1000.0, "signal": "0.5-4.5V"}
        scale: Table = {"clock": "GPIO20", "data": "GPIO21"}
        scale |= {"counts_per_kg": COUNTS_PER_KG, "zero": ZERO_COUNTS}
        return [
            _device("heap", "a02yyuw", {"port": SERIAL}),
            _device("sealed", "jsnsr04t", {"trigger": "GPIO5", "echo": "GPIO6"}),
            _device("water", "ds18b20", {"device": "28-0316a2795bff"}),
            _device("tank", "ads1115", level),
            _device("pressure", "mcp3008", pressure),
            _device("scale", "hx711", scale),
            _device("feeder", "sdm", {"port": FEEDER, "unit": FEEDER_UNIT, "timeout": self._timeout_s}),
            _device("relay", "relay", {"line": "GPIO22", "feedback": "GPIO26"}),
        ]

    def assets(self) -> list[Table]:
        """Return an asset for each device."""
        geometry: Table = {"empty_m": 1.05, "full_m": 0.10}
        return [
            _asset("bin-0002", "WasteContainer", {"distance": "heap.distance"}, geometry),
            _asset("bin-0003", "WasteContainer", {"distance": "sealed.distance"}, geometry),
            _asset("quality-03", "WaterQualityObserved", {"temperature": "water.temperature"}),
            _asset("network-02", "WaterDistributionNetwork", {"level": "tank.level"}),
            _asset("network-03", "WaterDistributionNetwork", {"pressure": "pressure.pressure"}),
            _asset("weighbridge-01", "WasteObserved", {"gross": "scale.weight"}, {"least_kg": 1.0}),
            _asset(
                "cabinet-04",
                "StreetlightControlCabinet",
                {"voltage": "feeder.voltage", "current": "feeder.current", "power": "feeder.power"},
            ),
            _asset("lamp-01", "Streetlight", {"relay": "relay.on"}),
        ]


def _device(name: str, driver: str, config: Table) -> Table:
    return {"id": name, "driver": driver, "config": config}


def _asset(name: str, kind: str, inputs: dict[str, str], config: Table | None = None) -> Table:
    return {"id": name, "type": kind, "every": "30s", "inputs": inputs, "config": config or {}}
