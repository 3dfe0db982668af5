"""PZEM-004T v3 power meter: one phase, up to 100 A, by Modbus.

Register map from the maker's manual (input registers 0..9, 32-bit values low word first): V/10, A/1000,
W/10, Wh, Hz/10, power factor/100, alarm. It measures from 0.02 A on and reads small LED loads low.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from sensors import checks
from sensors.drivers.backoff import Backoff
from sensors.drivers.silence import of_unit
from sensors.findings import Finding
from sensors.io import IO, ModbusBus, Port
from sensors.sample import Metric, Sample, bad
from sensors.settings import Seconds, Settings

REGISTERS = 10
LOWEST_V, HIGHEST_V = 180.0, 260.0  # outside of it a 230 V network is hardly one any more


class Pzem004t:
    """One meter on a serial line."""

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
        if self._bus is None:
            return [bad(metric.key, "closed") for metric in self.metrics]
        with self._backoff:
            words = self._bus.read(self._config.unit, 4, 0, REGISTERS)
        energy_kwh = _long(words, 5) / 1000
        energy = Sample("energy", energy_kwh)
        if energy_kwh < self._energy_kwh:
            energy = checks.doubted(energy, "went-back")
        self._energy_kwh = energy_kwh
        return [
            checks.in_range(Sample("voltage", words[0] / 10), LOWEST_V, HIGHEST_V),
            Sample("current", _long(words, 1) / 1000),
            Sample("power", _long(words, 3) / 10),
            energy,
            Sample("frequency", words[7] / 10),
            checks.in_range(Sample("powerFactor", words[8] / 100), 0, 1),
        ]

    def diagnose(self) -> Sequence[Finding]:
        """Ask the meter directly; say what its silence means, and when its mains are far from 230 V."""
        bus, config = self._bus, self._config
        if bus is None:
            return []
        words: list[int] = []
        found = of_unit(config, 0, lambda: words.extend(bus.read(config.unit, 4, 0, REGISTERS)))
        if any(each.code == "unit-alone-silent" for each in found):
            found.append(Finding("mains-off", config.port))
        if words:
            self._backoff.forget()
            volts = words[0] / 10
            if not LOWEST_V <= volts <= HIGHEST_V:
                found.append(Finding("mains-voltage", config.port, volts=volts))
        return found

    def close(self) -> None:
        """Leave the bus; the port stays with the others on it."""
        self._bus = None


def _long(words: Sequence[int], at: int) -> int:
    return words[at] | words[at + 1] << 16
