"""Any RS-485 probe with a register map: pH, turbidity, chlorine, level, pressure.

The map is the table of the probe's manual, written into the configuration or into a file; maps of some
known devices ship with us.
"""

from collections import deque
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from sensors import checks
from sensors.drivers.backoff import Backoff
from sensors.drivers.registers import Register, decode, load_map
from sensors.drivers.silence import of_unit
from sensors.findings import Finding
from sensors.io import IO, ModbusBus, Port
from sensors.sample import Metric, Quality, Sample, bad
from sensors.settings import Seconds, Settings
from sensors.text import said

DECIMALS = 6  # finer than any probe, coarse enough to keep binary dust (7.1000000000000005) off the wire
Unit = Annotated[int, msgspec.Meta(ge=1, le=247)]


class ModbusProbe:
    """One unit on an RS-485 line."""

    class Config(Settings, frozen=True):
        """The port and unit of the probe, its register map, and how many polls a silent unit is left out.

        `map` is the name of a shipped map or the path of a file; `registers` adds to it, or does without.
        """

        port: Port
        unit: Unit
        map: str | None = None
        registers: tuple[Register, ...] = ()
        baud: int = 9600
        parity: Literal["N", "E", "O"] = "N"
        timeout: Seconds = Seconds(0.3)
        skip_silent: Annotated[int, msgspec.Meta(ge=0)] = 10

        def __post_init__(self) -> None:
            names = [register.metric for register in self.all_registers()]
            if not names:
                raise ValueError(said("registers: give some, or the name of a map"))
            if len(set(names)) != len(names):
                raise ValueError(said("each register needs a metric name of its own"))

        def all_registers(self) -> tuple[Register, ...]:
            """Return those of the map and those written here; raise ConfigError when the map is wrong."""
            return (load_map(self.map).registers if self.map else ()) + self.registers

    metrics: tuple[Metric, ...] = ()

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._registers = config.all_registers()
        self._io = io
        self._bus: ModbusBus | None = None
        self._backoff = Backoff(config.skip_silent)
        self._raws = {each.metric: deque[float](maxlen=max(1, each.stuck)) for each in self._registers}
        self.metrics = tuple(Metric(each.metric, each.unit) for each in self._registers)

    def open(self) -> None:
        """Take part in the port's bus; raise ConfigError when its devices disagree about the port."""
        config = self._config
        self._bus = self._io.modbus(
            config.port, baud=config.baud, parity=config.parity, timeout_s=config.timeout
        )

    def read(self) -> Sequence[Sample]:
        """Return all quantities in the map's units; raise BusError when the unit does not answer."""
        bus = self._bus
        if bus is None:
            return [bad(metric.key, "closed") for metric in self.metrics]
        with self._backoff:
            return [self._sample(bus, register) for register in self._registers]

    def diagnose(self) -> Sequence[Finding]:
        """Ask for the first register directly; say what the unit's silence or refusal means."""
        bus, config, first = self._bus, self._config, self._registers[0]
        if bus is None:
            return []
        found = of_unit(
            config, first.address, lambda: bus.read(config.unit, first.function, first.address, first.words)
        )
        if not found:
            self._backoff.forget()
        return found

    def close(self) -> None:
        """Leave the bus; the port stays with the others on it."""
        self._bus = None

    def _sample(self, bus: ModbusBus, register: Register) -> Sample:
        words = bus.read(self._config.unit, register.function, register.address, register.words)
        raw = decode(words, register.type, register.order)
        if raw - raw != 0 or raw == register.invalid:  # NaN, infinite, or the map's own word for nothing
            return bad(register.metric, "no-value")
        history = self._raws[register.metric]
        history.append(raw)
        severity = Quality.BAD if register.outside == "bad" else Quality.UNCERTAIN
        value = round(raw * register.scale + register.offset, DECIMALS)
        sample = Sample(register.metric, value, raw=raw)
        sample = checks.in_range(sample, register.min, register.max, severity)
        return checks.doubted(sample, "stuck") if checks.stuck(history, register.stuck) else sample
