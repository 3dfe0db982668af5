"""Eastron SDM120 and SDM230 power meters: one phase on a DIN rail, by Modbus.

Makers' Modbus tables (SDM120/SDM230 protocol): input registers, 32-bit floats, high word first; 0x00 V,
0x06 A, 0x0C W, 0x1E power factor, 0x46 Hz, 0x48 import kWh. Each quantity is asked for by itself: SDM120
knows fewer registers, and what it says of those between is not in its table. New meters speak 2400 8N1; set
9600 at the meter.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from sensors import checks
from sensors.drivers.backoff import Backoff
from sensors.drivers.pzem004t import HIGHEST_V, LOWEST_V
from sensors.drivers.registers import decode
from sensors.drivers.silence import of_unit
from sensors.findings import Finding
from sensors.io import IO, ModbusBus, Port
from sensors.sample import Metric, Sample, bad
from sensors.settings import Seconds, Settings

DECIMALS = 4
ADDRESSES = {
    "voltage": 0x00,
    "current": 0x06,
    "power": 0x0C,
    "energy": 0x48,
    "frequency": 0x46,
    "powerFactor": 0x1E,
}


class Sdm:
    """One SDM120 or SDM230 on an RS-485 line."""

    class Config(Settings, frozen=True):
        """The port and unit of the meter (1..247), and how many polls a silent one is left out."""

        port: Port
        unit: Annotated[int, msgspec.Meta(ge=1, le=247)]
        baud: int = 9600
        parity: Literal["N", "E", "O"] = "N"
        timeout: Seconds = Seconds(0.3)
        skip_silent: Annotated[int, msgspec.Meta(ge=0)] = 10

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("voltage", "VLT", label="voltage"),
        Metric("current", "AMP", label="current"),
        Metric("power", "WTT", label="active power"),
        Metric("energy", "KWH", "total", "energy"),
        Metric("frequency", "HTZ", label="frequency"),
        Metric("powerFactor", "C62", label="power factor"),
    )

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._bus: ModbusBus | None = None
        self._backoff = Backoff(config.skip_silent)
        self._energy_kwh = 0.0

    def open(self) -> None:
        """Take part in the port's bus; raise ConfigError when its devices disagree about the port."""
        config = self._config
        self._bus = self._io.modbus(
            config.port, baud=config.baud, parity=config.parity, timeout_s=config.timeout
        )

    def read(self) -> Sequence[Sample]:
        """Return V, A, W, kWh, Hz and power factor; raise BusError when the meter does not answer."""
        bus = self._bus
        if bus is None:
            return [bad(metric.key, "closed") for metric in self.metrics]
        with self._backoff:
            return [self._sample(bus, metric.key) for metric in self.metrics]

    def diagnose(self) -> Sequence[Finding]:
        """Ask for the voltage directly; say what silence or a voltage far from 230 V means."""
        bus, config = self._bus, self._config
        if bus is None:
            return []
        words: list[int] = []
        found = of_unit(config, 0, lambda: words.extend(bus.read(config.unit, 4, 0, 2)))
        if words:
            self._backoff.forget()
            volts = decode(words, "f32", "ABCD")
            if not LOWEST_V <= volts <= HIGHEST_V:
                found.append(Finding("mains-voltage", config.port, volts=round(volts, 1)))
        return found

    def close(self) -> None:
        """Leave the bus; the port stays with the others on it."""
        self._bus = None

    def _sample(self, bus: ModbusBus, key: str) -> Sample:
        value = decode(bus.read(self._config.unit, 4, ADDRESSES[key], 2), "f32", "ABCD")
        if value - value != 0:
            return bad(key, "no-value")
        sample = Sample(key, round(value, DECIMALS), raw=value)
        if key == "voltage":
            return checks.in_range(sample, LOWEST_V, HIGHEST_V)
        if key == "powerFactor":
            return checks.in_range(sample, -1, 1)  # its sign is the current's direction
        if key == "energy":
            went_back, self._energy_kwh = value < self._energy_kwh, value
            return checks.doubted(sample, "went-back") if went_back else sample
        return sample
