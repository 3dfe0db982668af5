"""The Pi itself: processor temperature and free disk."""

import shutil
from collections.abc import Sequence
from typing import ClassVar

from sensors import checks
from sensors.io import IO
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings

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
