"""The simulated IO: the Pi's own bodies on mock pins, a sysfs folder and pty serial ports."""

import tempfile
from pathlib import Path
from typing import TypeVar

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
    Uart,
)
from sensors.io.gpio import GpioContact, GpioEcho, GpioPulses
from sensors.io.keeper import FileKeeper, MemoryKeeper
from sensors.io.modbus import SerialModbus, shared_bus
from sensors.io.output import GpioClocked, GpioOut, SpiAnalog
from sensors.io.pi import Closable
from sensors.io.uart import SerialUart
from simulators.clock import VirtualClock
from simulators.pins import SimPin, SimPins, SpiCodes
from simulators.signals.modbus import RtuBus
from simulators.signals.uart import SerialLine

T = TypeVar("T", bound=Closable)


class SimIO:
    """Lines, sysfs and buses of one simulated Pi."""

    def __init__(self, clock: VirtualClock, sysfs: Path | None = None, state: Path | None = None) -> None:
        """Put sysfs in the given folder, or in an own one that goes away with `close`.

        What drivers keep is kept in `state`, without it in memory.
        """
        self._own_folder = None if sysfs else tempfile.TemporaryDirectory(prefix="sim-sysfs-")
        self._sysfs = sysfs or Path(self._own_folder.name if self._own_folder else "")
        self._clock = clock
        self._pins = SimPins(clock)
        self._state = state
        self._keepers: dict[str, MemoryKeeper] = {}
        self._lines: dict[str, SerialLine] = {}
        self._open: list[Closable] = []
        self._wired: dict[str, RtuBus] = {}
        self._buses: dict[str, SerialModbus] = {}

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock."""
        return self._clock

    @property
    def sysfs(self) -> Path:
        """The folder that stands for /sys."""
        return self._sysfs

    def pin(self, line: str) -> SimPin:
        """Return the world's side of a line."""
        pin: SimPin = self._pins.take(line)
        return pin

    def wire_bus(self, port: str) -> RtuBus:
        """Return the slaves' side of a serial port, made at the first call."""
        if port not in self._wired:
            self._wired[port] = RtuBus()
        return self._wired[port]

    def wire_uart(self, port: str, baud: int = 9600) -> SerialLine:
        """Return the sensor's side of a serial port that it talks to by itself, made at the first call."""
        return self._lines.setdefault(port, SerialLine(baud))

    def wire_spi(self, device: int, codes: SpiCodes) -> None:
        """Put an MCP3008 on SPI0; `codes` says what each channel converts to, None when it is dead."""
        self._pins.spi_codes[device] = codes

    @property
    def pins(self) -> SimPins:
        """The pin factory, for signals that steal time."""
        return self._pins

    def digital_in(self, line: str, *, pull: Pull = "up", invert: bool = False) -> DigitalIn:
        """Open a contact on a line such as GPIO17; raise ConfigError when it is taken."""
        return self._keep(GpioContact(self._pins, line, pull, invert=invert))

    def echo(self, trigger: str, echo: str) -> Echo:
        """Open an ultrasonic ranger on two lines; raise ConfigError when one is taken."""
        return self._keep(GpioEcho(self._pins, self._clock, trigger, echo))

    def pulses(self, line: str, *, edge: Edge = "rising", debounce_s: float = 0.0) -> PulseCounter:
        """Count edges on a line; raise ConfigError when it is taken."""
        return self._keep(GpioPulses(self._pins, self._clock, line, edge, debounce_s))

    def digital_out(self, line: str, *, invert: bool = False) -> DigitalOut:
        """Take a line to switch something; raise ConfigError when it is taken."""
        return self._keep(GpioOut(self._pins, line, invert=invert))

    def uart(self, port: str, *, baud: int = 9600) -> Uart:
        """Open a wired serial port; raise IOUnavailable when nothing is there, or it is open already."""
        if port not in self._lines or not self._lines[port].take(baud):
            raise IOUnavailable(f"{port}: cannot be opened; wired are: {', '.join(sorted(self._lines))}")
        return self._keep(SerialUart(self._lines[port], self._clock, port))

    def mcp3008(self, channel: int, *, device: int = 0) -> AnalogIn:
        """Open a channel of an MCP3008; raise ConfigError when its lines are taken."""
        return self._keep(SpiAnalog(self._pins, channel, device))

    def clocked(self, clock: str, data: str) -> ClockedIn:
        """Open a chip that is clocked by us; raise ConfigError when a line is taken."""
        return self._keep(GpioClocked(self._pins, self._pins.busy_ns, clock, data))

    def keeper(self, name: str) -> Keeper:
        """Return what keeps a few numbers over restarts of a node on this IO."""
        if self._state is not None:
            return FileKeeper(self._state, name)
        return self._keepers.setdefault(name, MemoryKeeper())

    def modbus(self, port: str, *, baud: int = 9600, parity: str = "N", timeout_s: float = 0.3) -> ModbusBus:
        """Return the master of a wired port; raise ConfigError when nothing is wired there."""
        if port not in self._wired:
            raise ConfigError(f"{port}: no such port here; wired are: {', '.join(sorted(self._wired))}")
        return shared_bus(self._buses, port, self._wired[port].path, (baud, parity, timeout_s))

    def close(self) -> None:
        """Close all that was opened, the slaves and the own folder."""
        while self._open:
            self._open.pop().close()
        while self._buses:
            self._buses.popitem()[1].close()
        while self._wired:
            self._wired.popitem()[1].close()
        self._pins.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def _keep(self, opened: T) -> T:
        self._open.append(opened)
        return opened
