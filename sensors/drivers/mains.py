"""A one-phase power meter on a Modbus line: what all have in common, and when their mains are not well."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from sensors import checks
from sensors.drivers.backoff import Backoff
from sensors.drivers.silence import of_unit
from sensors.findings import Finding
from sensors.io import IO, ModbusBus, Port
from sensors.sample import Metric, Sample
from sensors.settings import Seconds, Settings

LOWEST_V, HIGHEST_V = 180.0, 260.0  # outside of it a 230 V network is hardly one any more


class MainsMeter(ABC):
    """One meter on a serial line; a subclass knows its registers."""

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

    @abstractmethod
    def read(self) -> Sequence[Sample]:
        """Return V, A, W, kWh, Hz and power factor; raise BusError when the meter does not answer."""

    def diagnose(self) -> Sequence[Finding]:
        """Ask the meter directly; say what its silence means, and when its mains are far from 230 V."""
        bus, config = self._bus, self._config
        if bus is None:
            return []
        volts: list[float] = []
        found = of_unit(config, 0, lambda: volts.append(self._volts(bus)))
        for each in volts:
            self._backoff.forget()
            if each < LOWEST_V or each > HIGHEST_V:  # of a NaN neither is so: the meter has no value
                found.append(Finding("mains-voltage", config.port, volts=round(each, 1)))
        return found

    def close(self) -> None:
        """Leave the bus; the port stays with the others on it."""
        self._bus = None

    @abstractmethod
    def _volts(self, bus: ModbusBus) -> float:
        """Ask for the voltage alone, or with what comes along; raise BusError."""

    def _checked(self, sample: Sample) -> Sample:
        """Doubt a voltage that no network has, and a count that went back."""
        if sample.metric == "voltage":
            return checks.in_range(sample, LOWEST_V, HIGHEST_V)
        if sample.metric == "energy" and isinstance(sample.value, float):
            went_back, self._energy_kwh = sample.value < self._energy_kwh, sample.value
            return checks.doubted(sample, "went-back") if went_back else sample
        return sample
