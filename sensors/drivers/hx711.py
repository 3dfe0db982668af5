"""HX711 load cell converter, clocked bit by bit on two GPIO lines. Demo grade: weigh by RS-485 instead.

Datasheet Avia HX711: 24 bits, two's complement; 10 readings a second; data low means that one waits; 25
pulses choose channel A and gain 128 for the next; a clock that stays high for 60 us powers it down. Linux
may hold a pulse that long at any moment, so a word with a pulse over 50 us is thrown away, and so are the
words that a powered-down or overdriven chip gives.
"""

from collections.abc import Sequence
from statistics import median
from typing import Annotated, ClassVar

import msgspec

from sensors import checks
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO, ClockedIn, Line
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings
from sensors.text import said

BITS, PULSES = 24, 25
LONGEST_HIGH_S = 50e-6
READY_S = 0.6  # the chip's settling time after power-up is 0.4 s at 10 readings a second
POLL_S = 0.005
GARBAGE = frozenset({0xFFFFFF})  # the data line of a chip that sleeps or is not there
ENDS = frozenset({0x7FFFFF, 0x800000})  # datasheet: the input is beyond the range
FEWEST_VALID = 2


class Hx711:
    """One HX711 with its load cell."""

    class Config(Settings, frozen=True):
        """Its lines, counts of the empty scale (`zero`), counts a kilogram (negative if it hangs), words.

        Above `spread` kg of median absolute deviation a value is doubted: wind, or somebody leans on it.
        """

        clock: Line
        data: Line
        counts_per_kg: float
        zero: float = 0.0
        words: Annotated[int, msgspec.Meta(ge=1, le=15)] = 7
        spread: Annotated[float, msgspec.Meta(gt=0)] = 1.0

        def __post_init__(self) -> None:
            if self.counts_per_kg == 0:
                raise ValueError(
                    said("counts_per_kg: 0 is no scale; divide the change of counts by the known mass")
                )

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("weight", "KGM", label="weight"),)

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._chip: ClockedIn | None = None

    def open(self) -> None:
        """Take both lines; raise ConfigError when one is taken."""
        self._chip = self._io.clocked(self._config.clock, self._config.data)

    def read(self) -> Sequence[Sample]:
        """Return the weight in kg; raise BusError no-comm when the chip never says that it has a word."""
        if self._chip is None:
            return [bad("weight", "closed")]
        words: list[int] = []
        reason = ""
        for _ in range(2 * self._config.words):
            self._await(self._chip)
            clocked = self._chip.read(BITS, PULSES)
            if clocked.longest_high_s > LONGEST_HIGH_S or clocked.word in GARBAGE:
                reason = "stretched"
            elif clocked.word in ENDS:
                reason = "range"
            else:
                words.append(_signed(clocked.word))
            if len(words) == self._config.words:
                break
        if len(words) < min(FEWEST_VALID, self._config.words):
            return [bad("weight", reason)]
        return [self._judge(words)]

    def diagnose(self) -> Sequence[Finding]:
        """Tell a chip without a word, an overdriven cell and a slow Pi apart."""
        try:
            (sample,) = self.read()
        except BusError:
            return [Finding("hx711-silent", self._config.data)]
        if sample.reason == "range":
            return [Finding("hx711-saturated", self._config.data, code="0x7FFFFF / 0x800000")]
        return [Finding("hx711-stretched", self._config.clock)] if sample.reason == "stretched" else []

    def close(self) -> None:
        """Give the lines back."""
        if self._chip is not None:
            self._chip.close()
            self._chip = None

    def _await(self, chip: ClockedIn) -> None:
        clock = self._io.clock
        deadline_ns = clock.monotonic_ns() + round(READY_S * 1e9)
        while not chip.ready():
            if clock.monotonic_ns() >= deadline_ns:
                raise BusError("no-comm", f"{self._config.data}: no word in {READY_S} s")
            clock.sleep(POLL_S)

    def _judge(self, words: Sequence[int]) -> Sample:
        config, raw = self._config, median(words)
        weight = Sample("weight", round((raw - config.zero) / config.counts_per_kg, 3), raw=float(raw))
        spread_kg = median(abs(word - raw) for word in words) / abs(config.counts_per_kg)
        return checks.doubted(weight, "spread") if spread_kg > config.spread else weight


def _signed(word: int) -> int:
    return word - (1 << BITS) if word >> (BITS - 1) else word
