"""A switched line and two lines of clock and data on any gpiozero pin factory, and a converter behind SPI."""

from collections.abc import Callable
from typing import Any

from gpiozero import MCP3008, GPIOZeroError, InputDevice, OutputDevice

from sensors.errors import BusError, SensorError
from sensors.io import ClockedWord
from sensors.io.gpio import line_errors


class GpioOut:
    """An output that is off until it is set, and again when it is given back."""

    def __init__(self, factory: Any, line: str, *, invert: bool) -> None:
        """Take the line; inverted, on is low, as on most relay boards with an optocoupler."""
        with line_errors(line, factory):
            self._pin = OutputDevice(line, active_high=not invert, initial_value=False, pin_factory=factory)

    def set(self, on: bool) -> None:
        """Switch the line."""
        self._pin.value = on

    def close(self) -> None:
        """Switch off and give the line back; safe to call twice."""
        if not self._pin.closed:
            self._pin.off()
            self._pin.close()


class GpioClocked:
    """A chip that gives one bit at each pulse of our clock, as HX711 does; says how long a pulse really was.

    Linux may take the processor away in the middle of a pulse, and a chip that powers down on a long one
    then answers with nonsense. So each high phase is timed, and the caller decides.
    """

    def __init__(self, factory: Any, now_ns: Callable[[], int], clock_line: str, data_line: str) -> None:
        """Take both lines; `now_ns` times the pulses."""
        self._now_ns = now_ns
        with line_errors(clock_line, factory):
            self._clock = OutputDevice(clock_line, pin_factory=factory)
        try:
            with line_errors(data_line, factory):
                self._data = InputDevice(data_line, pull_up=True, pin_factory=factory)
        except SensorError:
            self._clock.close()
            raise

    def ready(self) -> bool:
        """Whether the data line is low: a new word waits."""
        return not self._data.pin.state

    def read(self, bits: int, pulses: int) -> ClockedWord:
        """Clock out a word of `bits`, highest first, with `pulses` in all; the rest sets the chip's gain."""
        word = 0
        longest_ns = 0
        clock, data = self._clock.pin, self._data.pin
        for number in range(pulses):
            began_ns = self._now_ns()
            clock.state = True
            clock.state = False
            longest_ns = max(longest_ns, self._now_ns() - began_ns)
            if number < bits:
                word = word << 1 | int(data.state)
        return ClockedWord(word, longest_ns / 1e9)

    def close(self) -> None:
        """Give both lines back."""
        self._data.close()
        self._clock.close()


class SpiAnalog:
    """One channel of an MCP3008 through gpiozero: the kernel's spidev on a Pi."""

    def __init__(self, factory: Any, channel: int, device: int) -> None:
        """Take part in the SPI bus; other channels of the chip may too."""
        with line_errors(f"SPI0 CE{device}"):
            self._chip = MCP3008(channel=channel, device=device, pin_factory=factory)

    def code(self) -> int:
        """Return the conversion, 0..1023 of the chip's reference; raise BusError no-comm."""
        try:
            return int(self._chip.raw_value)
        except (GPIOZeroError, OSError) as error:
            raise BusError("no-comm", f"MCP3008: {error}") from error

    def close(self) -> None:
        """Leave the bus."""
        self._chip.close()
