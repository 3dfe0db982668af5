"""What an HC-SR04 does on its two lines: after a trigger pulse, an echo pulse as long as sound travels."""

from collections.abc import Callable

from simulators.clock import VirtualClock
from simulators.pins import SimPin
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults

BURST_S = 460e-6  # from the trigger's end to the echo's rise: 8 cycles of 40 kHz and the chip's own delay
NOTHING_S = 0.038  # datasheet: the echo line gives up after 38 ms


class RangerSignal:
    """One ranger over a surface; `distance` returns m, or None when no echo comes back.

    Nearer than `blind_m` its head still rings, and it answers with the end of its blindness.
    """

    def __init__(
        self,
        clock: VirtualClock,
        trigger: SimPin,
        echo: SimPin,
        distance: Callable[[], float | None],
        air_c: Callable[[], float],
        *,
        blind_m: float = 0.0,
    ) -> None:
        self._clock = clock
        self._echo = echo
        self._distance = distance
        self._air_c = air_c
        self._blind_m = blind_m
        self.unplugged = False
        self.faults = Faults(
            **VALUE_FAULTS,
            cut="its trigger, echo or supply wire is off: no pulse ever; no size",
            nothing="no sound comes back: it looks past the surface; no size",
            high="its echo line stays high: no divider, or broken; no size",
        )
        self._seen = Distorted(clock, self._true_m, self.faults, echo.info.name)
        echo.wire(level=False)
        trigger.on_output = self._triggered

    def refresh(self) -> None:
        """Let a fault that was injected or mended show on the line."""
        self._echo.wire(level="high" in self.faults)

    def _true_m(self) -> float:
        return self._distance() or 0.0

    def _triggered(self, high: bool) -> None:
        if high or self.unplugged or "cut" in self.faults or "high" in self.faults:
            return
        distance_m = self._distance()
        if distance_m is not None and self.faults:
            distance_m = max(0.0, self._seen())
        if distance_m is None or "nothing" in self.faults:
            width_s = NOTHING_S
        else:
            width_s = min(NOTHING_S, 2 * max(distance_m, self._blind_m) / sound(self._air_c()))

        def rise() -> None:  # the fall counts from here: a paced clock runs on between two calls
            self._clock.after(width_s, lambda: self._echo.wire(level=False))
            self._echo.wire(level=True)

        self._clock.after(BURST_S, rise)


def sound(air_c: float) -> float:
    """Return the speed of sound in dry air in m/s at a temperature in Celsius (ideal gas, 331.3 m/s at 0)."""
    return float(331.3 * (1 + air_c / 273.15) ** 0.5)
