"""HC-SR04 ultrasonic ranger: distance as the median of several pings.

Datasheet: 2 cm to 4 m, trigger of 10 us, echo as long as the sound travels, 38 ms when nothing answers,
60 ms or more between pings so that an old echo is not taken for a new one. Demo grade: neither waterproof
nor temperature compensated; its echo line is 5 V and needs a divider.
"""

from collections.abc import Sequence
from statistics import median
from typing import Annotated, ClassVar

import msgspec

from sensors import checks
from sensors.drivers.ds18b20 import Name, celsius_of
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO, Echo, Line
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings

CYCLE_NS = 60_000_000
FEWEST_VALID = 2
NOTHING_S = 0.036  # an echo this long is the chip's "nothing there", not a distance (that would be 6 m)
SPREAD_M = 0.02  # a median absolute deviation above this is rustling foil, rain or an insect, not a surface


def speed_of_sound(celsius: float) -> float:
    """Return the speed of sound in air in m/s: that of an ideal gas, 331.3 m/s at 0 C, 348 m/s at 28 C."""
    return float(331.3 * (1 + celsius / 273.15) ** 0.5)


class Hcsr04:
    """One ranger with a trigger and an echo line."""

    NEAREST_M: ClassVar[float] = 0.02
    FARTHEST_M: ClassVar[float] = 4.0

    class Config(Settings, frozen=True):
        """Its lines; the air's temperature in C (15 K of error are 2.6 % of distance); pings a reading.

        With `thermometer`, the number of a DS18B20 such as 28-0316a2795bff, that one tells the temperature.
        """

        trigger: Line
        echo: Line
        temperature: Annotated[float, msgspec.Meta(ge=-40, le=85)] = 28.0
        thermometer: Name | None = None
        pings: Annotated[int, msgspec.Meta(ge=1, le=15)] = 7

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("distance", "MTR", label="distance to the surface"),)

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._ranger: Echo | None = None
        self._last: list[float | None] = []
        self._spread_m = 0.0

    def open(self) -> None:
        """Take both lines; raise ConfigError when one is taken."""
        self._ranger = self._io.echo(self._config.trigger, self._config.echo)

    def read(self) -> Sequence[Sample]:
        """Return the distance in m; it takes 60 ms a ping."""
        if self._ranger is None:
            return [bad("distance", "closed")]
        held = self._ranger.held()
        self._last = [self._ping(self._ranger) for _ in range(self._config.pings)]
        if held and self._ranger.held():
            return [bad("distance", "echo-held")]
        return [self._judge([width for width in self._last if width is not None and width < NOTHING_S])]

    def diagnose(self) -> Sequence[Finding]:
        """Ping again: a line high at rest, one that never rises, one that gives up are three causes."""
        if self._ranger is None:
            return []
        config = self._config
        if self._ranger.held():
            return [Finding("echo-high", config.echo)]
        widths = [self._ping(self._ranger) for _ in range(FEWEST_VALID)]
        if all(width is None for width in widths):
            return [Finding("echo-silent", config.echo, trigger=config.trigger)]
        if all(width is None or width >= NOTHING_S for width in widths):
            return [Finding("echo-nothing", config.echo)]
        return []

    def close(self) -> None:
        """Give the lines back."""
        if self._ranger is not None:
            self._ranger.close()
            self._ranger = None

    def _ping(self, ranger: Echo) -> float | None:
        clock = self._io.clock
        next_ns = clock.monotonic_ns() + CYCLE_NS
        width = ranger.ping()
        clock.sleep(max(0, next_ns - clock.monotonic_ns()) / 1e9)
        return width

    def _judge(self, widths: Sequence[float]) -> Sample:
        if len(widths) < min(FEWEST_VALID, self._config.pings):
            return bad("distance", "no-echo")
        raw = median(widths)
        celsius = self._air_c()
        metres_per_s = speed_of_sound(self._config.temperature if celsius is None else celsius) / 2
        self._spread_m = median(abs(width - raw) for width in widths) * metres_per_s
        sample = Sample("distance", round(raw * metres_per_s, 4), raw=raw)
        sample = checks.in_range(sample, self.NEAREST_M, self.FARTHEST_M)
        if self._spread_m > SPREAD_M:
            sample = checks.doubted(sample, "spread")
        missing = self._config.thermometer is not None and celsius is None
        return checks.doubted(sample, "no-temperature") if missing else sample

    def _air_c(self) -> float | None:
        if self._config.thermometer is None:
            return None
        try:
            return celsius_of(self._io.sysfs, self._config.thermometer)
        except BusError:
            return None
