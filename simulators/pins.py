"""gpiozero's mock pins on a virtual clock: edges carry virtual time, and the world outweighs the pulls."""

from collections.abc import Callable, Sequence
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin

from simulators.clock import NS, VirtualClock

REVISION = "c03111"  # a Pi 4 B

SpiCodes = Callable[[int], int | None]
"""channel 0..7 of an MCP3008 -> its conversion 0..1023; None when the chip does not answer."""


class NotGiven(Exception):  # noqa: N818 - lgpio's own is called `error` and derives from nothing more either
    """What the kernel says by lgpio of a line that it does not give, such as GPIO busy."""


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
        self._stolen_ns = 0
        self.spi_codes: dict[int, SpiCodes] = {}
        self.held: dict[str, str] = {}  # lines that the kernel does not give, and what it says then
        super().__init__(revision=REVISION, pin_class=SimPin)

    def take(self, line: str) -> Any:
        """Return a pin for the world's side, whoever has the line."""
        return super().pin(line)

    def pin(self, name: Any) -> Any:
        """Return a pin; raise NotGiven, as lgpio does, for one that the kernel does not give."""
        if name in self.held:
            raise NotGiven(self.held[name])
        return super().pin(name)

    def steal(self, seconds: float) -> None:
        """Take the processor away from whoever moves a pin now, as Linux may at any moment."""
        self._stolen_ns += round(seconds * NS)

    def busy_ns(self) -> int:
        """Return how long pins took to be moved so far: nothing but what was stolen."""
        return self._stolen_ns

    def spi(self, **spi_args: Any) -> "SimSpi":
        """Return SPI0's master at the level of transfers; gpiozero's device classes ask for it here."""
        return SimSpi(self, int(spi_args.get("device", 0)))

    def ticks(self) -> int:
        """Return the clock's monotonic nanoseconds."""
        return self._clock.monotonic_ns()

    @staticmethod
    def ticks_diff(later: int, earlier: int) -> float:
        """Return the seconds between two ticks."""
        return (later - earlier) / NS


class SimSpi:
    """What gpiozero's MCP3008 talks to: three bytes out, three bytes back (datasheet DS21295, figure 6-1)."""

    bits_per_word = 8

    def __init__(self, factory: SimPins, device: int) -> None:
        self._factory = factory
        self._device = device

    def transfer(self, data: Sequence[int]) -> list[int]:
        """Answer as the chip does; without one the data line stays low."""
        codes = self._factory.spi_codes.get(self._device)
        start, command, _ = data
        code = codes(command >> 4 & 7) if codes is not None and start == 1 and command & 0x80 else None
        return [0, 0, 0] if code is None else [0, code >> 8 & 3, code & 0xFF]

    def close(self) -> None:
        """Do nothing: nothing was taken."""
