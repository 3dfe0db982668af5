"""What the kernel shows of the Pi itself in sysfs: its temperature, its supply, its card's wear."""

from collections.abc import Callable
from pathlib import Path

from simulators.signals.faults import Faults
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


class BoardFiles:
    """A Pi's supply and card; `refresh` lets a fault show."""

    def __init__(self, sysfs: Path, card: str = "mmcblk0") -> None:
        self._throttled = sysfs / "devices" / "platform" / "soc" / "soc:firmware" / "get_throttled"
        self._life = sysfs / "block" / card / "device" / "life_time"
        self.faults = Faults(
            under_voltage="the supply is below 4.63 V; no size",
            worn="so many tenths of the card's life are used, 1 to 11",
        )
        for file in (self._throttled, self._life):
            file.parent.mkdir(parents=True, exist_ok=True)
        self.refresh()

    def refresh(self) -> None:
        """Write what the firmware and the card say now."""
        # bit 16 is that it has happened since the start; bit 0 that it is so now
        replace(self._throttled, "50005\n" if "under_voltage" in self.faults else "0\n")
        used = round(self.faults.size("worn")) or 1
        replace(self._life, f"0x{used:02x} 0x01\n")
