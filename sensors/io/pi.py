"""The IO of a Raspberry Pi, the only file that names hardware libraries: lgpio for pins, gpiod for edges."""

import os
import select
import tempfile
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sensors.errors import ConfigError, IOUnavailable
from sensors.io import (
    AnalogIn,
    ClockedIn,
    DigitalIn,
    DigitalOut,
    Echo,
    Edge,
    Keeper,
    ModbusBus,
    Pull,
    PulseCounter,
    PulseSnapshot,
    Uart,
)
from sensors.io.clock import PiClock
from sensors.io.gpio import GpioContact, GpioEcho, PulseTally
from sensors.io.keeper import FileKeeper, MemoryKeeper
from sensors.io.modbus import SerialModbus, shared_bus
from sensors.io.uart import SerialUart, open_wire
from sensors.text import said


class Closable(Protocol):
    """Whatever is given back at the end."""

    def close(self) -> None:
        """Give it back; safe to call twice."""


T = TypeVar("T", bound=Closable)

EDGE_BUFFER = 1024  # the kernel's most for one line; its default of 16 overflows in a busy second


class PiIO:
    """Lines, sysfs and serial ports of the Pi that this runs on."""

    def __init__(self, state: Path | None = None) -> None:
        """Keep what drivers must not forget in the folder `state`; without one it is forgotten."""
        self._clock = PiClock()
        self._state = state
        self._factory: Any = None
        self._open: list[Closable] = []
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

    def digital_out(self, line: str, *, invert: bool = False) -> DigitalOut:
        """Take a line to switch something; raise ConfigError when it is taken."""
        from sensors.io.output import GpioOut  # noqa: PLC0415 - few nodes switch or convert anything

        return self._keep(GpioOut(self._pins(), line, invert=invert))

    def uart(self, port: str, *, baud: int = 9600) -> Uart:
        """Open a serial port, 8N1; raise ConfigError when Modbus has it, IOUnavailable without one."""
        if port in self._buses:
            raise ConfigError(
                said("{port}: Modbus devices are on it; this sensor needs a port of its own", port=port)
            )
        return self._keep(SerialUart(open_wire(port, baud), self._clock, port))

    def mcp3008(self, channel: int, *, device: int = 0) -> AnalogIn:
        """Open a channel of an MCP3008; raise ConfigError when its lines are taken."""
        from sensors.io.output import SpiAnalog  # noqa: PLC0415 - few nodes switch or convert anything

        return self._keep(SpiAnalog(self._pins(), channel, device))

    def clocked(self, clock: str, data: str) -> ClockedIn:
        """Open a chip that is clocked by us; raise ConfigError when a line is taken."""
        from sensors.io.output import GpioClocked  # noqa: PLC0415 - few nodes switch or convert anything

        return self._keep(GpioClocked(self._pins(), self._clock.monotonic_ns, clock, data))

    def keeper(self, name: str) -> Keeper:
        """Return what keeps a few numbers over restarts, in a file of the state folder."""
        return MemoryKeeper() if self._state is None else FileKeeper(self._state, name)

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
            try:
                with _writable_folder():
                    from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - only a Pi has it

                    self._factory = LGPIOFactory()
            except Exception as error:  # lgpio raises its own untyped errors beside OSError and ImportError
                raise IOUnavailable(f"no GPIO through lgpio: {error!r}") from error
        return self._factory


@contextmanager
def _writable_folder() -> Iterator[None]:
    """Stand in a writable folder: lgpio's import makes a pipe in the working directory, and opens it at once.

    Under systemd that directory is / unless told, and the import would fail with a FileNotFoundError.
    """
    if os.access(".", os.W_OK):
        yield
        return
    with chdir(tempfile.gettempdir()):
        yield


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


def open_i2c(bus: Path) -> Any:
    """Open an I2C bus such as /dev/i2c-1 with smbus2, to look for chips; raise OSError when it cannot be."""
    from smbus2 import SMBus  # noqa: PLC0415 - only a search for chips needs it

    return SMBus(str(bus))


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
            header_chip(gpiod),
            consumer="commune",
            config={int(line.removeprefix("GPIO")): settings},
            event_buffer_size=EDGE_BUFFER,
        )
    except (ImportError, OSError) as error:
        raise IOUnavailable(f"{line}: no edge events: {error!r}") from error


def header_chip(gpiod: Any, dev: Path = Path("/dev")) -> str:
    """Find the chip that carries the 40-pin header: its number moved between kernels, its label did not.

    Raises IOUnavailable when no chip is one of a Raspberry Pi.
    """
    for path in sorted(dev.glob("gpiochip*")):
        with gpiod.Chip(str(path)) as chip:
            if chip.get_info().label.startswith("pinctrl-"):
                return str(path)
    raise IOUnavailable("no GPIO chip with a label pinctrl-...: is this a Raspberry Pi?")
