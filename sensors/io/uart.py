"""A serial port that is only listened to: a Pi's UART and a simulated line alike, on the IO's clock."""

from typing import Protocol

from sensors.errors import BusError, IOUnavailable
from sensors.io import Clock

POLL_S = 0.01  # ten bytes of 9600 baud: no frame waits long, and the wait costs next to nothing


class Wire(Protocol):
    """What a serial port offers beneath: pyserial's Serial has these, and so has a simulated line."""

    @property
    def in_waiting(self) -> int:
        """How many bytes have come."""

    def read(self, size: int) -> bytes:
        """Return at most `size` of the bytes that have come, at once."""

    def reset_input_buffer(self) -> None:
        """Forget what has come."""

    def close(self) -> None:
        """Give the port back."""


class SerialUart:
    """Bounded reads on one port. Whatever the port's library raises becomes a BusError no-comm."""

    def __init__(self, wire: Wire, clock: Clock, port: str) -> None:
        """Take over an open port, and close it at the end."""
        self._wire = wire
        self._clock = clock
        self._port = port

    def read(self, most: int, timeout_s: float) -> bytes:
        """Return what has come, at most `most` bytes, after waiting `timeout_s` at most for the first one."""
        deadline_ns = self._clock.monotonic_ns() + round(timeout_s * 1e9)
        try:
            while not self._wire.in_waiting and self._clock.monotonic_ns() < deadline_ns:
                self._clock.sleep(POLL_S)
            return self._wire.read(min(most, self._wire.in_waiting))
        except OSError as error:  # pyserial's own error is one; so is an adapter that was pulled out
            raise BusError("no-comm", f"{self._port}: {error}") from error

    def flush(self) -> None:
        """Forget what has come before now: it is old."""
        try:
            self._wire.reset_input_buffer()
        except OSError as error:
            raise BusError("no-comm", f"{self._port}: {error}") from error

    def close(self) -> None:
        """Give the port back; safe to call twice."""
        self._wire.close()


def open_wire(port: str, baud: int) -> Wire:
    """Open a serial port for listening, 8N1; raise IOUnavailable when there is none or it is taken."""
    from serial import Serial, SerialException  # noqa: PLC0415 - few nodes have such a sensor

    try:
        wire: Wire = Serial(port, baud, timeout=0, exclusive=True)
    except (SerialException, OSError, ValueError) as error:
        raise IOUnavailable(f"{port}: cannot be opened: {error}") from error
    return wire
