"""What an HC-SR04 does on its two lines: after a trigger pulse, an echo pulse as long as sound travels."""

from collections.abc import Callable

from simulators.clock import VirtualClock
from simulators.pins import SimPin

BURST_S = 460e-6  # from the trigger's end to the echo's rise: 8 cycles of 40 kHz and the chip's own delay
NOTHING_S = 0.038  # datasheet: the echo line gives up after 38 ms


class RangerSignal:
    """One ranger over a surface; `distance` returns m, or None when no echo comes back."""

    def __init__(
        self,
        clock: VirtualClock,
        trigger: SimPin,
        echo: SimPin,
        distance: Callable[[], float | None],
        air_c: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._echo = echo
        self._distance = distance
        self._air_c = air_c
        self.unplugged = False
        echo.wire(level=False)
        trigger.on_output = self._triggered

    def _triggered(self, high: bool) -> None:
        if high or self.unplugged:
            return
        distance_m = self._distance()
        width_s = NOTHING_S if distance_m is None else min(NOTHING_S, 2 * distance_m / sound(self._air_c()))

        def rise() -> None:  # the fall counts from here: a paced clock runs on between two calls
            self._clock.after(width_s, lambda: self._echo.wire(level=False))
            self._echo.wire(level=True)

        self._clock.after(BURST_S, rise)


def sound(air_c: float) -> float:
    """Return the speed of sound in dry air in m/s at a temperature in Celsius (ideal gas, 331.3 m/s at 0)."""
    return float(331.3 * (1 + air_c / 273.15) ** 0.5)
