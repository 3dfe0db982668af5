"""The simulated IO: the Pi's own bodies on mock pins, a sysfs folder and pty serial ports."""

import tempfile
from pathlib import Path
from typing import TypeVar

from sensors.errors import ConfigError
from sensors.io import DigitalIn, Echo, Edge, ModbusBus, Pull, PulseCounter
from sensors.io.gpio import GpioContact, GpioEcho, GpioPulses
from sensors.io.modbus import SerialModbus, shared_bus
from simulators.clock import VirtualClock
from simulators.pins import SimPin, SimPins
from simulators.signals.modbus import RtuBus

T = TypeVar("T", bound=GpioContact | GpioEcho | GpioPulses)


class SimIO:
    """Lines, sysfs and buses of one simulated Pi."""

    def __init__(self, clock: VirtualClock, sysfs: Path | None = None) -> None:
        """Put sysfs in the given folder, or in an own one that goes away with `close`."""
        self._own_folder = None if sysfs else tempfile.TemporaryDirectory(prefix="sim-sysfs-")
        self._sysfs = sysfs or Path(self._own_folder.name if self._own_folder else "")
        self._clock = clock
        self._pins = SimPins(clock)
        self._open: list[GpioContact | GpioEcho | GpioPulses] = []
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
        pin: SimPin = self._pins.pin(line)
        return pin

    def wire_bus(self, port: str) -> RtuBus:
        """Return the slaves' side of a serial port, made at the first call."""
        if port not in self._wired:
            self._wired[port] = RtuBus()
        return self._wired[port]

    def digital_in(self, line: str, *, pull: Pull = "up", invert: bool = False) -> DigitalIn:
        """Open a contact on a line such as GPIO17; raise ConfigError when it is taken."""
        return self._keep(GpioContact(self._pins, line, pull, invert=invert))

    def echo(self, trigger: str, echo: str) -> Echo:
        """Open an ultrasonic ranger on two lines; raise ConfigError when one is taken."""
        return self._keep(GpioEcho(self._pins, self._clock, trigger, echo))

    def pulses(self, line: str, *, edge: Edge = "rising", debounce_s: float = 0.0) -> PulseCounter:
        """Count edges on a line; raise ConfigError when it is taken."""
        return self._keep(GpioPulses(self._pins, self._clock, line, edge, debounce_s))

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
