"""What the kernel's w1_therm shows of a DS18B20: its scratchpad in hex, its verdict, and the temperature."""

import shutil
from collections.abc import Callable
from pathlib import Path

from simulators.clock import VirtualClock
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults
from simulators.signals.iio import replace

COUNTS_PER_K = 16  # 12 bits, datasheet DS18B20 table 1
POWER_ON = bytes(
    [0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10]
)  # 85 C, and 0x0C where a measured one has 0x10


class ThermometerFiles:
    """The file of one DS18B20; `refresh` writes what it says now."""

    def __init__(
        self,
        sysfs: Path,
        celsius: Callable[[], float],
        name: str = "28-0316a2795bff",
        clock: VirtualClock | None = None,
    ) -> None:
        """Without a clock, its faults cannot drift."""
        self._folder = sysfs / "bus" / "w1" / "devices" / name
        self.faults = Faults(
            **VALUE_FAULTS,
            missing="it is not on the bus: a wire is off, or there is no pull-up; no size",
            crc="its answer is garbled; no size",
            power_on="its supply dips: it says 85 C of its power-on; no size",
            zero="its data line is shorted to ground: nothing but zeros; no size",
            garbage="the file holds something else; no size",
        )
        self._written = ""
        self._celsius = Distorted(clock or VirtualClock(), celsius, self.faults, name)
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self.refresh()

    def refresh(self) -> None:
        """Write the temperature of this moment, or what a fault makes of it."""
        if "missing" in self.faults:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._written = ""
            return
        counts = max(-55 * COUNTS_PER_K, min(125 * COUNTS_PER_K, round(self._celsius() * COUNTS_PER_K)))
        pad = counts.to_bytes(2, "little", signed=True) + bytes([0x4B, 0x46, 0x7F, 0xFF, 0x10, 0x10])
        if "power_on" in self.faults:
            pad, counts = POWER_ON, 85 * COUNTS_PER_K
        if "zero" in self.faults:
            pad, counts = bytes(8), 0
        verdict = "NO" if "crc" in self.faults else "YES"
        scratchpad = pad + bytes([crc8(pad)])
        text = scratchpad.hex(" ")
        lines = f"{text} : crc={scratchpad[8]:02x} {verdict}\n{text} t={counts * 1000 // COUNTS_PER_K}\n"
        text = "garbage" if "garbage" in self.faults else lines
        if text != self._written:  # a month of twenty of them is many files, and the air changes slowly
            self._folder.mkdir(exist_ok=True)
            replace(self._folder / "w1_slave", text)
            self._written = text


def crc8(data: bytes) -> int:
    """Return the 1-Wire CRC (polynomial 0x8C reflected, start 0; Maxim application note 27)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc
