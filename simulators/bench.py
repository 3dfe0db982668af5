"""A workbench: one of each device on a simulated Pi, all of them well, until somebody cuts a wire."""

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.check.reasoning import Machine
from gateway.config import NodeConfig
from sensors.errors import IOUnavailable
from sensors.io import DigitalIn, Echo, Edge, Pull, PulseCounter
from sensors.settings import convert
from simulators.bench_field import FEEDER, SERIAL, FieldDevices
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.contact import ContactSignal
from simulators.signals.hcsr04 import RangerSignal
from simulators.signals.iio import LuxFiles
from simulators.signals.modbus import Cell, Supply, probe_bank, pzem_bank
from simulators.signals.pulses import PulseSignal
from simulators.signals.thermal import BoardFiles, ThermalFiles
from simulators.toml import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

RS485, METERS = "/dev/ttyUSB0", "/dev/ttyUSB1"
PH, TURBIDITY, POWER = 3, 7, 11
TIMEOUT_S = 0.3  # a pty answers in 20 ms, on a busy machine in ten times that
FLOW_L_S = 4.0


class BenchIO(SimIO):
    """A simulated Pi whose lines can be refused as a real one refuses them."""

    refuses = ""

    def echo(self, trigger: str, echo: str) -> Echo:
        """Open a ranger; raise IOUnavailable while refusing."""
        self._may()
        return super().echo(trigger, echo)

    def digital_in(self, line: str, *, pull: Pull = "up", invert: bool = False) -> DigitalIn:
        """Open a contact; raise IOUnavailable while refusing."""
        self._may()
        return super().digital_in(line, pull=pull, invert=invert)

    def pulses(self, line: str, *, edge: Edge = "rising", debounce_s: float = 0.0) -> PulseCounter:
        """Count edges; raise IOUnavailable while refusing."""
        self._may()
        return super().pulses(line, edge=edge, debounce_s=debounce_s)

    def _may(self) -> None:
        if self.refuses:
            raise IOUnavailable(self.refuses)


class Bench:
    """What stands on the bench and what is wired to what; each signal is there to be broken."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.io = BenchIO(self.clock)
        self.machine = Machine(user="pi", ports=(RS485, METERS, FEEDER, SERIAL))
        self.settings: dict[str, Table] = {}  # by device: what somebody has written otherwise in its [config]
        self.checks: dict[str, list[Table]] = {}  # by device: its [[device.checks]]
        self.distance_m: float | None = 0.62
        self.echoes: Iterator[float | None] | None = None  # one after the other, instead of the distance
        pin = self.io.pin
        self.ranger = RangerSignal(self.clock, pin("GPIO23"), pin("GPIO24"), self._surface, lambda: 28.0)
        self.lid = ContactSignal(self.clock, pin("GPIO25"))
        self.door = ContactSignal(self.clock, pin("GPIO27"))
        self.meter = PulseSignal(self.clock, pin("GPIO17"), 10.0)
        self.flow_l_s = FLOW_L_S
        self.clock.every(1.0, lambda: self.meter.flow(self.flow_l_s, 1.0))
        self.ph, self.turbidity = 7.21, 0.84
        self.rs485 = self.io.wire_bus(RS485)
        cells = {0: Cell("u16", 0.01, lambda: self.ph), 1: Cell("s16", 0.1, lambda: 27.4)}
        self.rs485.add(PH, 3, probe_bank(cells))
        self.rs485.add(TURBIDITY, 3, probe_bank({0: Cell("f32", 1.0, lambda: self.turbidity)}))
        self.volts, self.energy_wh = 229.0, 812_000.0
        self.meters = self.io.wire_bus(METERS)
        self.meters.add(
            POWER, 4, pzem_bank(lambda: Supply(self.volts, 6.5, 1410.0, self.energy_wh, 50.0, 0.95))
        )
        self.lux = LuxFiles(self.io.sysfs, lambda: 9000.0)
        self.thermal = ThermalFiles(self.io.sysfs, lambda: 51.0)
        self.board = BoardFiles(self.io.sysfs)
        self.field = FieldDevices(self.io, TIMEOUT_S)

    @property
    def light_files(self) -> Path:
        """The kernel's folder of the light sensor."""
        return self.io.sysfs / "bus" / "iio" / "devices" / "iio:device0"

    def config(self) -> NodeConfig:
        """Return the configuration that fits the wiring."""
        return convert(
            {
                "site": {"province": "42", "commune": "18562", "gw": "gw-01", "name": "Bàn thử"},
                "device": [self._as_written(each) for each in self.devices()],
                "asset": self.assets(),
            },
            NodeConfig,
        )

    def devices(self) -> list[Table]:
        """Return the device tables."""
        ph = [
            {"metric": "pH", "address": 0, "unit": "Q30", "scale": 0.01, "min": 0.0, "max": 14.0},
            {"metric": "temperature", "address": 1, "unit": "CEL", "type": "s16", "scale": 0.1},
        ]
        turbidity = [{"metric": "turbidity", "address": 0, "unit": "NTU", "type": "f32", "min": 0.0}]
        return [
            _device("echo", "hcsr04", trigger="GPIO23", echo="GPIO24"),
            _device("lid", "contact", line="GPIO25", invert=True),
            _device("meter", "pulse-flow", line="GPIO17", litres_per_pulse=10.0, max_flow=60.0),
            _device("ph", "modbus-probe", port=RS485, unit=PH, registers=ph, timeout=TIMEOUT_S),
            _device(
                "turbidity",
                "modbus-probe",
                port=RS485,
                unit=TURBIDITY,
                registers=turbidity,
                timeout=TIMEOUT_S,
            ),
            _device("power", "pzem004t", port=METERS, unit=POWER, timeout=TIMEOUT_S),
            _device("lux", "bh1750"),
            _device("door", "contact", line="GPIO27", invert=True),
            _device("pi", "pi-health"),
            *self.field.devices(),
        ]

    def assets(self) -> list[Table]:
        """Return the asset tables: each device feeds one of its own, so that a fault shows where it is."""
        geometry: Table = {"empty_m": 1.05, "full_m": 0.10}
        return [
            _asset(
                "bin-0001", "WasteContainer", {"distance": "echo.distance", "lid": "lid.active"}, geometry
            ),
            _asset("network-01", "WaterDistributionNetwork", {"flow": "meter.flow"}),
            _asset("meter-01", "WaterConsumptionObserved", {"volume": "meter.volume"}),
            _asset("quality-01", "WaterQualityObserved", {"pH": "ph.pH", "temperature": "ph.temperature"}),
            _asset("quality-02", "WaterQualityObserved", {"turbidity": "turbidity.turbidity"}),
            _asset(
                "cabinet-01",
                "StreetlightControlCabinet",
                {
                    "voltage": "power.voltage",
                    "current": "power.current",
                    "power": "power.power",
                    "energy": "power.energy",
                },
            ),
            _asset("cabinet-02", "StreetlightControlCabinet", {"illuminance": "lux.illuminance"}),
            _asset("cabinet-03", "StreetlightControlCabinet", {"door": "door.active"}),
            _asset("gw-01", "Device", {"cpuTemperature": "pi.cpuTemperature", "diskFree": "pi.diskFree"}),
            *self.field.assets(),
        ]

    def _as_written(self, device: Table) -> Table:
        name = device["id"]
        config = device["config"] | self.settings.get(name, {})
        return device | {"config": config, "checks": self.checks.get(name, [])}

    def _surface(self) -> float | None:
        return self.distance_m if self.echoes is None else next(self.echoes)

    def close(self) -> None:
        """Give the simulated Pi back."""
        self.io.close()


def _device(name: str, driver: str, **config: object) -> Table:
    return {"id": name, "driver": driver, "config": config}


def _asset(name: str, kind: str, inputs: dict[str, str], config: Table | None = None) -> Table:
    return {"id": name, "type": kind, "every": "30s", "inputs": inputs, "config": config or {}}
