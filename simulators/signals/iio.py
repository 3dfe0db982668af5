"""What the kernel's iio drivers show in sysfs of a light sensor (bh1750) and of a converter (ads1115)."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from simulators.clock import VirtualClock
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults

SCALE = 1 / 1.2  # lx a count at the default measurement time, BH1750FVI datasheet
FULL = 65535
ADS_SCALE_MV = 0.125  # mV a count at the range of 4.096 V, datasheet TI SBAS444 table 3
ADS_FULL = 32767


class LuxFiles:
    """The folder of one bh1750; `refresh` writes what it sees now."""

    def __init__(
        self,
        sysfs: Path,
        lux: Callable[[], float],
        device: str = "iio:device0",
        clock: VirtualClock | None = None,
    ) -> None:
        """Without a clock, its faults cannot drift."""
        self._folder = sysfs / "bus" / "iio" / "devices" / device
        self.faults = Faults(**VALUE_FAULTS, silent="it does not answer on the bus; no size")
        self._lux = Distorted(clock or VirtualClock(), lux, self.faults, device)
        self._folder.mkdir(parents=True)
        replace(self._folder / "name", "bh1750\n")
        replace(self._folder / "in_illuminance_scale", f"{SCALE:.6f}\n")
        self.refresh()

    def refresh(self) -> None:
        """Write the light of this moment; it saturates at 54 612 lx."""
        file = self._folder / "in_illuminance_raw"
        if "silent" in self.faults:
            file.unlink(missing_ok=True)
            return
        raw = min(FULL, max(0, round(self._lux() / SCALE)))
        replace(file, f"{raw}\n")


class AdsFiles:
    """The folder of one ads1115 at an I2C address: the volts on each channel, such as "0" or "0-1"."""

    def __init__(self, sysfs: Path, volts: dict[str, Callable[[], float]], address: int = 0x48) -> None:
        self._volts = volts
        chip = sysfs / "devices" / "i2c-1" / f"1-{address:04x}" / f"iio:device{address}"
        self._link = sysfs / "bus" / "iio" / "devices" / chip.name
        self._folder = chip
        self.faults = Faults(
            silent="it does not answer on the bus; no size",
            missing="the kernel does not have it: no overlay; no size",
            garbage="its files hold no numbers; no size",
        )
        self.refresh()

    def refresh(self) -> None:
        """Write what is on each channel now; the kernel answers to each read, so call it before one."""
        if "missing" in self.faults:
            self._link.unlink(missing_ok=True)
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._link.exists():
            self._link.parent.mkdir(parents=True, exist_ok=True)
            self._link.symlink_to(self._folder)
            replace(self._folder / "name", "ads1015\n")
        for channel, volts in self._volts.items():
            stem = "in_voltage" + "-voltage".join(channel.split("-"))
            raw = max(-ADS_FULL - 1, min(ADS_FULL, round(volts() * 1000 / ADS_SCALE_MV)))
            replace(self._folder / f"{stem}_scale", f"{ADS_SCALE_MV:.9f}\n")
            if "silent" in self.faults:
                (self._folder / f"{stem}_raw").unlink(missing_ok=True)
            else:
                replace(self._folder / f"{stem}_raw", "?\n" if "garbage" in self.faults else f"{raw}\n")


def replace(path: Path, text: str) -> None:
    """Write a file at once, so that a reader never finds half of it."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="ascii")
    os.replace(new, path)  # noqa: PTH105 - Path.replace hides that this is the atomic one
