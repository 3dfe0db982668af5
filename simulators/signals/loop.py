"""What a 4-20 mA or 0.5-4.5 V transmitter puts on a converter's input: a current over a shunt, or volts."""

from collections.abc import Callable
from typing import Literal

from simulators.clock import VirtualClock
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults

FAULT_LOW_MA, FAULT_HIGH_MA = 3.5, 21.5  # what a transmitter puts out when it knows that it is broken (NE 43)
LOWEST_MA, HIGHEST_MA = 3.8, 20.5


class LoopSignal:
    """One transmitter; call it for the volts at the converter. `value` is the true one, low to high."""

    def __init__(
        self,
        clock: VirtualClock,
        value: Callable[[], float],
        low: float,
        high: float,
        *,
        signal: Literal["4-20mA", "0.5-4.5V"] = "4-20mA",
        shunt: float = 150.0,
        divider: float = 1.0,
    ) -> None:
        self._low, self._high = low, high
        self._loop = signal == "4-20mA"
        self._shunt, self._divider = shunt, divider
        self.faults = Faults(
            **VALUE_FAULTS,
            cut="a wire of it is cut: no current, no volts; no size",
            reversed="its two wires are swapped; no size",
            low="it reports its own fault downwards; no size",
            high="it reports its own fault upwards, or signal and supply touch; no size",
        )
        self._seen = Distorted(clock, value, self.faults, f"{low}-{high}")

    def __call__(self) -> float:
        """Return the volts at the converter's input now."""
        share = (self._seen() - self._low) / (self._high - self._low)
        if self._loop:
            milliamps = min(HIGHEST_MA, max(LOWEST_MA, 4 + 16 * share))
            return self._broken(milliamps, FAULT_LOW_MA, FAULT_HIGH_MA) * self._shunt / 1000
        return self._broken(0.5 + 4 * share, 0.1, 4.95) / self._divider

    def code(self, reference: float = 3.3) -> int:
        """Return what a 10-bit converter with that reference makes of it (MCP3008, datasheet DS21295)."""
        return max(0, min(1023, int(self() / reference * 1024)))

    def _broken(self, signal: float, low: float, high: float) -> float:
        if "cut" in self.faults:
            return 0.0
        if "reversed" in self.faults:
            return -signal
        if "low" in self.faults:
            return low
        return high if "high" in self.faults else signal
