"""The errors of the sensors' room.

SensorError
├── ConfigError      what a device or an asset was told cannot work (also a ValueError)
├── BusError         a device did not answer as it should; carries the reason code
│   └── PortError    it cannot have: the port itself cannot be used
└── IOUnavailable    this machine lacks the hardware or the library for a line, bus or port
"""


class SensorError(Exception):
    """Root of what the sensors' room raises."""


class ConfigError(SensorError, ValueError):
    """A device's or an asset's settings cannot work; the message names the key and what would be right."""


class BusError(SensorError, OSError):
    """A device did not answer as it should. `reason` is a feed reason code: no-comm, crc, no-echo, ..."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class PortError(BusError):
    """The serial port itself cannot be used: unplugged, taken, or not allowed. Its reason is no-comm."""

    def __init__(self, detail: str) -> None:
        super().__init__("no-comm", detail)


class IOUnavailable(SensorError, OSError):  # noqa: N818 - reads as the sentence it is
    """This machine lacks the hardware or the library that a device asks for."""
