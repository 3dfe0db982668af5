"""The Pi itself: processor temperature and free disk."""

import shutil
from collections.abc import Sequence
from typing import ClassVar

from sensors import checks
from sensors.findings import Finding
from sensors.io import IO
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings

THROTTLES_C = 80.0  # from here on the firmware slows the processor down
LITTLE_GB = 0.5
COLDEST_C, HOTTEST_C = -40.0, 110.0  # the chips' own limits with some margin


class PiHealth:
    """The machine that this runs on."""

    class Config(Settings, frozen=True):
        """The path whose disk is watched."""

        path: str = "/"

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("cpuTemperature", "CEL", label="processor temperature"),
        Metric("diskFree", "E34", label="free disk"),
    )

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._zone = io.sysfs / "class" / "thermal" / "thermal_zone0" / "temp"

    def open(self) -> None:
        """Do nothing: files are read anew each time."""

    def read(self) -> Sequence[Sample]:
        """Return the temperature in C (sysfs gives thousandths) and free disk in GB of 10^9 bytes."""
        return [self._temperature(), self._disk()]

    def diagnose(self) -> Sequence[Finding]:
        """Say what keeps the Pi from knowing itself, and when it is too hot or its card nearly full."""
        temperature, disk = self._temperature(), self._disk()
        found = []
        if temperature.value is None:
            found.append(Finding("no-thermometer", self._zone.parent.name))
        elif float(temperature.value) >= THROTTLES_C:
            found.append(Finding("too-hot", "", celsius=float(temperature.value)))
        if disk.value is None:
            found.append(Finding("disk-unreadable", self._config.path))
        elif float(disk.value) < LITTLE_GB:
            found.append(Finding("disk-low", self._config.path, gigabytes=float(disk.value)))
        return found

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _temperature(self) -> Sample:
        try:
            raw = float(self._zone.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return bad("cpuTemperature", "no-comm")
        return checks.in_range(Sample("cpuTemperature", raw / 1000, raw=raw), COLDEST_C, HOTTEST_C)

    def _disk(self) -> Sample:
        try:
            free = shutil.disk_usage(self._config.path).free
        except OSError:
            return bad("diskFree", "no-comm")
        return Sample("diskFree", free / 1e9, raw=float(free))
