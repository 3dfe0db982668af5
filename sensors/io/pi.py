"""The IO of a Raspberry Pi, the only file that names hardware libraries: lgpio for pins, gpiod for edges."""

import os
import select
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sensors.errors import IOUnavailable
from sensors.io import DigitalIn, Echo, Edge, ModbusBus, Pull, PulseCounter, PulseSnapshot
from sensors.io.clock import PiClock
from sensors.io.gpio import GpioContact, GpioEcho, PulseTally
from sensors.io.modbus import SerialModbus, shared_bus

T = TypeVar("T", bound="GpioContact | GpioEcho | KernelPulses")

EDGE_BUFFER = 1024  # the kernel's most for one line; its default of 16 overflows in a busy second


class PiIO:
    """Lines, sysfs and serial ports of the Pi that this runs on."""

    def __init__(self) -> None:
        self._clock = PiClock()
        self._factory: Any = None
        self._open: list[GpioContact | GpioEcho | KernelPulses] = []
        self._buses: dict[str, SerialModbus] = {}

    @property
    def clock(self) -> PiClock:
        """The Pi's clock."""
        return self._clock

    @property
    def sysfs(self) -> Path:
        """The kernel's sysfs."""
        return Path("/sys")

    def digital_in(self, line: str, *, pull: Pull = "up", invert: bool = False) -> DigitalIn:
        """Open a contact; raise ConfigError when the line is taken, IOUnavailable without GPIO."""
        return self._keep(GpioContact(self._pins(), line, pull, invert=invert))

    def echo(self, trigger: str, echo: str) -> Echo:
        """Open an ultrasonic ranger; raise ConfigError when a line is taken, IOUnavailable without GPIO."""
        return self._keep(GpioEcho(self._pins(), self._clock, trigger, echo))

    def pulses(self, line: str, *, edge: Edge = "rising", debounce_s: float = 0.0) -> PulseCounter:
        """Count edges by the kernel's own time stamps; raise IOUnavailable without GPIO."""
        return self._keep(KernelPulses(_request_edges(line, edge, debounce_s), debounce_s))

    def modbus(self, port: str, *, baud: int = 9600, parity: str = "N", timeout_s: float = 0.3) -> ModbusBus:
        """Return the bus on a serial port; raise ConfigError when its devices disagree about it."""
        return shared_bus(self._buses, port, port, (baud, parity, timeout_s))

    def close(self) -> None:
        """Close everything that was opened."""
        while self._open:
            self._open.pop().close()
        while self._buses:
            self._buses.popitem()[1].close()
        if self._factory is not None:
            self._factory.close()
            self._factory = None

    def _keep(self, opened: T) -> T:
        self._open.append(opened)
        return opened

    def _pins(self) -> Any:
        if self._factory is None:
            # lgpio is named here and not left to gpiozero's search: a silent fall-back loses edge times.
            # Its import makes a pipe in the working directory, which must be writable (LG_WD moves it).
            try:
                from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - only a Pi has it

                self._factory = LGPIOFactory()
            except Exception as error:  # lgpio raises its own untyped errors beside OSError and ImportError
                raise IOUnavailable(f"no GPIO through lgpio: {error!r}") from error
        return self._factory


class KernelPulses:
    """Counts the edges of one gpiod request in a thread; edges that overflowed are known by their number."""

    def __init__(self, request: Any, debounce_s: float) -> None:
        """Take over the request and close it at the end."""
        self._request = request
        self._tally = PulseTally(debounce_s)
        self._number = 0
        self._closed = False
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._count, name="pulses", daemon=True)
        self._thread.start()

    def snapshot(self) -> PulseSnapshot:
        """Return what has been counted so far."""
        return self._tally.snapshot()

    def close(self) -> None:
        """Stop counting and give the line back."""
        if not self._closed:
            self._closed = True
            os.write(self._stopper, b".")
            self._thread.join()
            os.close(self._stop)
            os.close(self._stopper)
            self._request.release()

    def _count(self) -> None:
        while True:
            ready, _, _ = select.select([self._request.fd, self._stop], [], [])
            if self._stop in ready:
                return
            for event in self._request.read_edge_events():
                self._tally.edge(event.timestamp_ns, event.line_seqno - self._number - 1)
                self._number = event.line_seqno


def _request_edges(line: str, edge: Edge, debounce_s: float) -> Any:
    try:
        import gpiod  # noqa: PLC0415 - only Linux has it
        from gpiod.line import Bias  # noqa: PLC0415
        from gpiod.line import Edge as LineEdge  # noqa: PLC0415

        settings = gpiod.LineSettings(
            edge_detection=LineEdge.RISING if edge == "rising" else LineEdge.FALLING,
            bias=Bias.PULL_UP,
            debounce_period=timedelta(seconds=debounce_s),
        )
        return gpiod.request_lines(
            _header_chip(gpiod),
            consumer="commune",
            config={int(line.removeprefix("GPIO")): settings},
            event_buffer_size=EDGE_BUFFER,
        )
    except (ImportError, OSError) as error:
        raise IOUnavailable(f"{line}: no edge events: {error!r}") from error


def _header_chip(gpiod: Any) -> str:
    """Find the chip that carries the 40-pin header: its number moved between kernels, its label did not."""
    for path in sorted(Path("/dev").glob("gpiochip*")):
        with gpiod.Chip(str(path)) as chip:
            if chip.get_info().label.startswith("pinctrl-"):
                return str(path)
    raise IOUnavailable("no GPIO chip with a label pinctrl-...: is this a Raspberry Pi?")
