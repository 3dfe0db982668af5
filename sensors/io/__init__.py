"""The seam between drivers and the world: one IO object with clock, pins, sysfs root and buses.

There are two bodies: `sensors.io.pi.PiIO` on a Raspberry Pi and `simulators.io.SimIO` in CI.
A driver never imports `time` and never names a pin factory; all it knows of the world is here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec

Line = Annotated[str, msgspec.Meta(pattern=r"^GPIO([0-9]|1[0-9]|2[0-7])$", extra={"line": True})]
Port = Annotated[str, msgspec.Meta(min_length=1, extra={"port": True})]
Pull = Literal["up", "down", "none"]
Edge = Literal["rising", "falling"]


class Clock(Protocol):
    """Time as a node knows it. Only `monotonic_ns` orders, schedules and measures."""

    @property
    def boot_id(self) -> str:
        """Name of this run of the machine; monotonic times compare only within one boot."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment of this boot; never goes back."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970 UTC as the system believes; may be wrong, see `synchronised`."""

    def synchronised(self) -> bool:
        """Whether the wall clock has been set from a trusted source in this boot."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of this clock pass."""


class DigitalIn(Protocol):
    """A contact. The level is read when asked, so a lost edge cannot leave a wrong state behind."""

    def active(self) -> bool:
        """Whether the contact is active now, after pull and inversion."""

    def latched(self) -> bool:
        """Whether it is active now, or was for LATCH_S or longer since this was asked last."""

    def close(self) -> None:
        """Give the line back."""


class Echo(Protocol):
    """A trigger line and an echo line of an ultrasonic ranger."""

    def ping(self) -> float | None:
        """Send one trigger pulse and return the echo pulse's width in seconds, None when none came."""

    def held(self) -> bool:
        """Whether the echo line is high now, which between pings it must not be."""

    def close(self) -> None:
        """Give both lines back."""


@dataclass(frozen=True, slots=True)
class PulseSnapshot:
    """Pulses counted since the counter was opened. Times are monotonic ns of the first and last edge."""

    total: int
    lost: int
    first_ns: int | None
    last_ns: int | None


class PulseCounter(Protocol):
    """Counts edges of a line from the moment it is opened."""

    def snapshot(self) -> PulseSnapshot:
        """Return what has been counted so far."""

    def close(self) -> None:
        """Give the line back."""


class ModbusBus(Protocol):
    """One RS-485 line, one master. Calls block for a bounded time."""

    def read(self, unit: int, function: Literal[3, 4], address: int, count: int) -> list[int]:
        """Read `count` 16-bit registers of `unit` (1..247); raise BusError no-comm, crc or refused."""

    def close(self) -> None:
        """Close the port."""


class DigitalOut(Protocol):
    """A switched line: a relay, a contactor. Off when opened and when closed."""

    def set(self, on: bool) -> None:
        """Switch the line, after inversion."""

    def close(self) -> None:
        """Switch off and give the line back."""


class Uart(Protocol):
    """A serial port that a sensor talks to by itself. Calls block for a bounded time."""

    def read(self, most: int, timeout_s: float) -> bytes:
        """Return at most `most` bytes that have come, empty after `timeout_s`; raise BusError no-comm."""

    def flush(self) -> None:
        """Forget what has come before now; raise BusError no-comm."""

    def close(self) -> None:
        """Give the port back."""


class AnalogIn(Protocol):
    """One channel of an analogue-to-digital converter."""

    def code(self) -> int:
        """Return the conversion, from 0 to the converter's full scale; raise BusError no-comm."""

    def close(self) -> None:
        """Give the channel back."""


@dataclass(frozen=True, slots=True)
class ClockedWord:
    """A word that was clocked out of a chip, and the longest high phase of the clock on the way."""

    word: int
    longest_high_s: float


class ClockedIn(Protocol):
    """A chip that gives one bit at each pulse of a clock line."""

    def ready(self) -> bool:
        """Whether the data line is low: a new word waits."""

    def read(self, bits: int, pulses: int) -> ClockedWord:
        """Clock out a word of `bits`, highest first, with `pulses` (at least `bits`) in all."""

    def close(self) -> None:
        """Give both lines back."""


Kept = dict[str, float]


class Keeper(Protocol):
    """A few numbers that outlive a restart. Each save costs the card a write: minutes apart, not seconds."""

    def load(self) -> Kept | None:
        """Return what was saved last; None when nothing was, or it is damaged."""

    def save(self, kept: Kept) -> None:
        """Keep it over a power cut; a disk that refuses is logged, not raised."""


class IO(Protocol):
    """All that a driver may touch."""

    @property
    def clock(self) -> Clock:
        """The node's clock."""

    @property
    def sysfs(self) -> Path:
        """Root of sysfs; `/sys` on a Pi."""

    def digital_in(self, line: str, *, pull: Pull = "up", invert: bool = False) -> DigitalIn:
        """Open a contact on a line such as GPIO17."""

    def echo(self, trigger: str, echo: str) -> Echo:
        """Open an ultrasonic ranger on two lines."""

    def pulses(self, line: str, *, edge: Edge = "rising", debounce_s: float = 0.0) -> PulseCounter:
        """Count edges on a line; edges closer than `debounce_s` are one."""

    def digital_out(self, line: str, *, invert: bool = False) -> DigitalOut:
        """Take a line to switch something; inverted, on is low."""

    def uart(self, port: str, *, baud: int = 9600) -> Uart:
        """Open a serial port for one sensor, 8N1."""

    def mcp3008(self, channel: int, *, device: int = 0) -> AnalogIn:
        """Open channel 0..7 of an MCP3008 on SPI0, chip select 0 or 1; its full scale is 1024."""

    def clocked(self, clock: str, data: str) -> ClockedIn:
        """Open a chip that is clocked by us, such as an HX711."""

    def keeper(self, name: str) -> Keeper:
        """Return what keeps a few numbers over restarts under a name, one a device."""

    def modbus(self, port: str, *, baud: int = 9600, parity: str = "N", timeout_s: float = 0.3) -> ModbusBus:
        """Return the bus on a serial port; one bus a port, shared by its devices."""

    def close(self) -> None:
        """Close everything that was opened."""
