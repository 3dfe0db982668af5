"""DS18B20 thermometer on the kernel's 1-Wire bus: a file in sysfs that holds its scratchpad and its verdict.

Datasheet DS18B20 (Analog Devices, 19-7487): -55 to 125 C, 0.0625 K a count; 85 C stands in the scratchpad
from power-on until the first conversion. The kernel's w1_therm (Documentation/w1/slaves/w1_therm.rst)
writes nine bytes in hex, "crc=.. YES" or NO, and t= in thousandths. Byte 6 is 0x0C at power-on and 0x10 of
a measured 85 C.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from sensors import checks
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO
from sensors.sample import Metric, Sample
from sensors.settings import Settings

COLDEST_C, HOTTEST_C = -55.0, 125.0
POWER_ON_C, POWER_ON_BYTE6 = 85.0, 0x0C
FAMILY = "28-"
TRIES = 2  # a reading takes 0.75 s; one hit by noise is forgiven

Name = Annotated[str, msgspec.Meta(pattern=r"^28-[0-9a-f]{12}$")]


class Ds18b20:
    """One DS18B20 that the kernel knows."""

    class Config(Settings, frozen=True):
        """Its number as it stands under /sys/bus/w1/devices, 28-0316a2795bff; without it the first."""

        device: Name | None = None

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("temperature", "CEL", label="temperature"),)

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._sysfs = io.sysfs

    def open(self) -> None:
        """Do nothing: the file is opened at each read, so that a sensor may come and go."""

    def read(self) -> Sequence[Sample]:
        """Return the temperature in C; raise BusError no-comm, crc, power-on or line-low."""
        celsius = celsius_of(self._sysfs, self._config.device)
        return [checks.in_range(Sample("temperature", celsius, raw=celsius), COLDEST_C, HOTTEST_C)]

    def diagnose(self) -> Sequence[Finding]:
        """Say which wire it is: the bus, the pull-up, this one's supply or data."""
        bus, name = folder(self._sysfs), self._config.device
        if not bus.is_dir():
            return [Finding("w1-off", f"/sys/{bus.relative_to(self._sysfs)}")]
        there = present(self._sysfs)
        if not there:
            return [Finding("w1-empty")]
        if name is not None and name not in there:
            return [Finding("w1-missing", name, others=", ".join(there))]
        try:
            self.read()
        except BusError as error:
            codes = {"crc": "w1-crc", "power-on": "w1-power-on", "line-low": "w1-zero", "no-comm": "w1-crc"}
            return [Finding(codes[error.reason], name or there[0])]
        return []

    def close(self) -> None:
        """Do nothing: no file stays open."""


def folder(sysfs: Path) -> Path:
    """Return where the kernel lists what is on its 1-Wire buses."""
    return sysfs / "bus" / "w1" / "devices"


def present(sysfs: Path) -> list[str]:
    """Return the numbers of all thermometers that the kernel sees, sorted."""
    return sorted(each.name for each in folder(sysfs).glob(f"{FAMILY}*"))


def celsius_of(sysfs: Path, name: str | None) -> float:
    """Read one thermometer (the first, without a name); raise BusError no-comm, crc, power-on, line-low."""
    names = [name] if name is not None else present(sysfs)[:1]
    if not names:
        raise BusError("no-comm", "no thermometer on the 1-Wire bus")
    for left in reversed(range(TRIES)):
        try:
            return _parse((folder(sysfs) / names[0] / "w1_slave").read_text(encoding="ascii"), names[0])
        except OSError as error:
            if not isinstance(error, BusError):
                raise BusError("no-comm", f"{names[0]}: {error.strerror}") from error
            if error.reason != "crc" or not left:
                raise
        except ValueError as error:
            if not left:
                raise BusError("crc", f"{names[0]}: {error}") from error
    raise AssertionError("the last try returns or raises")


def _parse(text: str, name: str) -> float:
    pad, verdict = text.splitlines()[:2] if text.count("\n") >= 1 else ("", "")
    fields = pad.split()[:9]
    if len(fields) < 9 or not pad.rstrip().endswith("YES") or "t=" not in verdict:
        raise BusError("crc", f"{name}: {pad[-12:]!r}")
    scratchpad = bytes(int(each, 16) for each in fields)
    if not any(scratchpad):  # its sum is right, too
        raise BusError("line-low", f"{name}: nothing but zeros")
    celsius = int(verdict.rpartition("t=")[2]) / 1000
    if celsius == POWER_ON_C and scratchpad[6] == POWER_ON_BYTE6:
        raise BusError("power-on", f"{name}: 85 C of a sensor that has not measured yet")
    return celsius
