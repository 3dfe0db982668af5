"""gpiozero's mock pins on a virtual clock: edges carry virtual time, and the world outweighs the pulls."""

from collections.abc import Callable

from gpiozero.pins.mock import MockFactory, MockPin

from simulators.clock import NS, VirtualClock

REVISION = "c03111"  # a Pi 4 B


class SimPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A mock pin that remembers what is wired to it, keeps no history and takes its time from the factory."""

    wired: bool | None = None
    on_output: Callable[[bool], None] | None = None
    _state: bool

    def wire(self, level: bool | None) -> None:
        """Let the world hold the pin high or low; None leaves it to the pull, as an open contact does."""
        self.wired = level
        if self._function == "input":
            self._settle()

    def drive_high(self) -> None:
        """Go high unless the world holds the pin low."""
        if self.wired is not False:
            super().drive_high()

    def drive_low(self) -> None:
        """Go low unless the world holds the pin high."""
        if self.wired is not True:
            super().drive_low()

    def clear_states(self) -> None:
        """Forget the history, of which there is none: a long simulation stays small."""
        self._last_change = self.factory.ticks()
        self.states: list[object] = []

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        if value == "input":
            self._settle()

    def _settle(self) -> None:
        if self._pull == "up" if self.wired is None else self.wired:
            self.drive_high()
        else:
            self.drive_low()

    def _change_state(self, value: bool) -> bool:
        if self._state == value:
            return False
        self._state = value
        self._last_change = self.factory.ticks()
        if self._function == "output" and self.on_output is not None:
            self.on_output(value)
        return True


class SimPins(MockFactory):  # type: ignore[misc]  # gpiozero has no types
    """A Pi's pins on a virtual clock; ticks are its monotonic nanoseconds."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        super().__init__(revision=REVISION, pin_class=SimPin)

    def ticks(self) -> int:
        """Return the clock's monotonic nanoseconds."""
        return self._clock.monotonic_ns()

    @staticmethod
    def ticks_diff(later: int, earlier: int) -> float:
        """Return the seconds between two ticks."""
        return (later - earlier) / NS
