"""What the kernel shows of the processor's temperature in sysfs."""

from collections.abc import Callable
from pathlib import Path

from simulators.signals.iio import replace


class ThermalFiles:
    """One thermal zone; `refresh` writes its temperature."""

    def __init__(self, sysfs: Path, celsius: Callable[[], float], zone: str = "thermal_zone0") -> None:
        self._file = sysfs / "class" / "thermal" / zone / "temp"
        self._celsius = celsius
        self._file.parent.mkdir(parents=True)
        self.refresh()

    def refresh(self) -> None:
        """Write the temperature of this moment, in thousandths of a degree."""
        replace(self._file, f"{round(self._celsius() * 1000)}\n")
