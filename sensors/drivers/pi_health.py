"""The Pi itself: processor temperature, free disk, under-voltage, the card's wear and its clock.

Under-voltage: bit 0 of the firmware's get_throttled (Raspberry Pi documentation, vcgencmd), or the alarm of
the kernel's raspberrypi-hwmon. Wear: JEDEC JESD84-B51 (eMMC) EXT_CSD 268 and 269, in tenths of the device's
life, which Linux shows as life_time; SD cards mostly show nothing, and then there is no value.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from sensors import checks
from sensors.errors import IOUnavailable
from sensors.findings import Finding
from sensors.io import IO
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings

COLDEST_C, HOTTEST_C = -40.0, 110.0  # the chips' own limits with some margin
THROTTLES_C = 80.0
UNDER_VOLTAGE_NOW = 0x1
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
CARD = "mmcblk0"
WORN_STEPS = 10  # 0x0A is 90 to 100 percent used, 0x0B more
WORN = 0.8
LOW_GB = 0.5


class PiHealth:
    """The machine that this runs on."""

    class Config(Settings, frozen=True):
        """The path whose disk is watched; what else of this machine is: supply, clock, card.

        `card` is the card's block device, mostly mmcblk0; most SD cards do not tell.
        """

        path: str = "/"
        supply: bool = False
        clock: bool = False
        card: str | None = None

    metrics: tuple[Metric, ...] = ()

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        extra = [
            (
                config.supply,
                Metric("underVoltage", "C62", "state", "supply too weak now"),
                self._under_voltage,
            ),
            (config.card is not None, Metric("cardWear", "C62", label="share of its life used"), self._wear),
            (
                config.clock,
                Metric("clockSynchronised", "C62", "state", "clock is set"),
                io.clock.synchronised,
            ),
        ]
        self._looks = {metric.key: look for wanted, metric, look in extra if wanted}
        self.metrics = (
            Metric("cpuTemperature", "CEL", label="processor temperature"),
            Metric("diskFree", "E34", label="free disk"),
            *(metric for wanted, metric, _ in extra if wanted),
        )
        self._card = config.card or CARD
        self._sysfs = io.sysfs
        self._clock = io.clock
        self._zone = io.sysfs / "class" / "thermal" / "thermal_zone0" / "temp"

    def open(self) -> None:
        """Do nothing: files are read anew each time."""

    def read(self) -> Sequence[Sample]:
        """Return C (sysfs gives thousandths), free GB of 10^9 bytes, under-voltage, wear 0..1, clock set."""
        extra = [_known(key, look) for key, look in self._looks.items()]
        return [self._temperature(), self._disk(), *extra]

    def diagnose(self) -> Sequence[Finding]:
        """Say what of the machine needs a person."""
        found = []
        celsius, gigabytes = self._temperature().value, self._disk().value
        if celsius is None:
            found.append(Finding("no-thermometer", self._zone.parent.name))
        elif isinstance(celsius, float) and celsius >= THROTTLES_C:
            found.append(Finding("too-hot", celsius=celsius))
        if gigabytes is None:
            found.append(Finding("disk-unreadable", self._config.path))
        elif isinstance(gigabytes, float) and gigabytes < LOW_GB:
            found.append(Finding("disk-low", self._config.path, gigabytes=gigabytes))
        wear = _known("cardWear", self._wear).value
        if _known("underVoltage", self._under_voltage).value is True:
            found.append(Finding("under-voltage"))
        if isinstance(wear, float) and wear >= WORN:
            found.append(Finding("card-worn", self._card, percent=round(wear * 100)))
        if _known("clockSynchronised", self._clock.synchronised).value is False:
            found.append(Finding("clock-unset"))
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

    def _under_voltage(self) -> bool:
        firmware = self._sysfs / THROTTLED
        if firmware.exists():
            return bool(int(_text(firmware), 16) & UNDER_VOLTAGE_NOW)
        for name in sorted((self._sysfs / "class" / "hwmon").glob("*/name")):
            if _text(name) == "rpi_volt":
                return _text(name.with_name("in0_lcrit_alarm")) == "1"
        raise FileNotFoundError(firmware)

    def _wear(self) -> float:
        steps = _text(self._sysfs / "block" / self._card / "device" / "life_time").split()
        return min(1.0, max(int(step, 16) for step in steps) / WORN_STEPS)


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()


def _known(metric: str, look: Callable[[], float]) -> Sample:
    """Return what `look` sees, or a sample that says that this machine does not show it."""
    try:
        return Sample(metric, look())
    except (OSError, ValueError, IOUnavailable):
        return bad(metric, "no-value")
