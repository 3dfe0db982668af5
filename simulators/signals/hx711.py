"""What an HX711 does on its two lines: a word ten times a second, one bit at each pulse of the clock."""

from collections.abc import Callable

from simulators.clock import VirtualClock
from simulators.pins import SimPin, SimPins
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults

EVERY_S = 0.1
BITS = 24
POWERS_DOWN_S = 60e-6  # datasheet: a clock that is high for longer
MOST, LEAST = 0x7FFFFF, -0x800000


class ScaleSignal:
    """One converter with its load cell; `counts` returns what the cell gives, in counts of the converter."""

    def __init__(
        self, clock: VirtualClock, pins: SimPins, sck: SimPin, data: SimPin, counts: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._pins = pins
        self._data = data
        self.faults = Faults(
            **VALUE_FAULTS,
            silent="it never has a word: no supply; no size",
            cut="its data line is cut: it reads high; no size",
            stretched="the Pi holds each clock pulse for so many seconds",
            asleep="it gives nothing but ones; no size",
        )
        self._counts = Distorted(clock, counts, self.faults, data.info.name)
        self._word = 0
        self._given = BITS
        sck.on_output = self._pulse
        clock.every(EVERY_S, self._convert)

    def _convert(self) -> None:
        if self.faults.now.keys() & {"silent", "cut"}:
            self._data.wire(level=True)
            return
        counts = max(LEAST, min(MOST, round(self._counts())))
        self._word = 0xFFFFFF if "asleep" in self.faults else counts & 0xFFFFFF
        self._given = 0
        self._data.wire(level=False)

    def _pulse(self, high: bool) -> None:
        if not high:
            return
        stretch_s = self.faults.size("stretched")
        if stretch_s:
            self._pins.steal(stretch_s)
        if self._given >= BITS or stretch_s > POWERS_DOWN_S:
            self._data.wire(level=True)
            return
        self._given += 1
        self._data.wire(level=bool(self._word >> (BITS - self._given) & 1))
