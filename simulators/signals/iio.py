"""What the kernel's bh1750 driver shows of a light sensor in sysfs."""

import os
from collections.abc import Callable
from pathlib import Path

SCALE = 1 / 1.2  # lx a count at the default measurement time, BH1750FVI datasheet
FULL = 65535


class LuxFiles:
    """The folder of one bh1750; `refresh` writes what it sees now."""

    def __init__(self, sysfs: Path, lux: Callable[[], float], device: str = "iio:device0") -> None:
        self._folder = sysfs / "bus" / "iio" / "devices" / device
        self._lux = lux
        self._folder.mkdir(parents=True)
        replace(self._folder / "name", "bh1750\n")
        replace(self._folder / "in_illuminance_scale", f"{SCALE:.6f}\n")
        self.refresh()

    def refresh(self) -> None:
        """Write the light of this moment; it saturates at 54 612 lx."""
        raw = min(FULL, round(self._lux() / SCALE))
        replace(self._folder / "in_illuminance_raw", f"{raw}\n")


def replace(path: Path, text: str) -> None:
    """Write a file at once, so that a reader never finds half of it."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="ascii")
    os.replace(new, path)  # noqa: PTH105 - Path.replace hides that this is the atomic one
