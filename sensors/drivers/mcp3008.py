"""MCP3008 converter on SPI: 10 bits, eight inputs, measured against its own supply. Demo grade.

Datasheet Microchip DS21295: code = 1024 * input / reference. On most boards the reference is the Pi's noisy
3.3 V, so one step is 3.2 mV and a percent of the supply is a percent of the value: an ADS1115 has its own
reference.
"""

from collections.abc import Sequence
from statistics import median
from typing import Annotated, ClassVar, Literal

import msgspec

from sensors.drivers.transmitter import Transmitter
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO, AnalogIn
from sensors.sample import Metric, Sample, bad

STEPS = 1024
LOOKS = 5  # the median of so many conversions: the supply's noise is short


class Mcp3008:
    """One channel of an MCP3008 with what hangs on it."""

    class Config(Transmitter, frozen=True, kw_only=True):
        """The channel of the chip on chip select 0 or 1, its `reference` in V, and what hangs on it."""

        # with SPI switched on the kernel holds both chip selects (7, 8), MISO, MOSI and the clock
        shared_lines: ClassVar[tuple[str, ...]] = ("GPIO7", "GPIO8", "GPIO9", "GPIO10", "GPIO11")

        channel: Annotated[int, msgspec.Meta(ge=0, le=7)]
        select: Literal[0, 1] = 0
        reference: Annotated[float, msgspec.Meta(gt=0, le=5.5)] = 3.3

    metrics: tuple[Metric, ...] = ()

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._channel: AnalogIn | None = None
        self._code = 0.0
        self.metrics = config.metrics

    def open(self) -> None:
        """Take part in the SPI bus; raise ConfigError when its lines are taken."""
        self._channel = self._io.mcp3008(self._config.channel, device=self._config.select)

    def read(self) -> Sequence[Sample]:
        """Return the value in the transmitter's unit; raise BusError no-comm."""
        if self._channel is None:
            return [bad(self._config.metric, "closed")]
        self._code = median(self._channel.code() for _ in range(LOOKS))
        return [self._config.sample(self._code * self._config.reference / STEPS)]

    def diagnose(self) -> Sequence[Finding]:
        """Tell a converter that does not answer (nothing but 0 or 1023) from a broken loop."""
        where = f"MCP3008 CE{self._config.select} CH{self._config.channel}"
        try:
            (sample,) = self.read()
        except BusError:
            return [Finding("spi-silent", where, code="-")]
        if self._code in (0, STEPS - 1):
            return [Finding("spi-silent", where, code=int(self._code)), *self._config.findings(sample, where)]
        return self._config.findings(sample, where)

    def close(self) -> None:
        """Leave the bus."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
