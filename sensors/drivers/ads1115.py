"""ADS1115 converter through the kernel's own driver: 16 bits, four inputs or two pairs.

Linux ABI sysfs-bus-iio: in_voltageN_raw * in_voltageN_scale is millivolts (ti-ads1015, which also serves
this chip, as the name file says); datasheet TI SBAS444: no input above its supply or below ground. The
overlay `ads1115` sets each channel's range.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from sensors.drivers.transmitter import Transmitter
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO
from sensors.sample import Metric, Sample

NAMES = frozenset({"ads1015", "ads1115"})
FULL = 32767
OVERLAY = "dtoverlay=ads1115,cha_enable"


class Ads1115:
    """One channel of an ADS1115 with what hangs on it."""

    class Config(Transmitter, frozen=True, kw_only=True):
        """The channel (a pair is differential) of the chip at I2C `address`, and what hangs on it."""

        channel: Literal["0", "1", "2", "3", "0-1", "2-3"]
        address: Annotated[int, msgspec.Meta(ge=0x48, le=0x4B)] = 0x48

    metrics: tuple[Metric, ...] = ()

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._root = io.sysfs / "bus" / "iio" / "devices"
        self.metrics = config.metrics

    def open(self) -> None:
        """Do nothing: files are looked for at each read, so that a chip may come and go."""

    def read(self) -> Sequence[Sample]:
        """Return the value in the transmitter's unit; raise BusError no-comm or crc."""
        return [self._config.sample(self._volts())]

    def diagnose(self) -> Sequence[Finding]:
        """Tell a missing overlay, a silent chip and a broken loop apart."""
        where = f"ADS1115 0x{self._config.address:02x} A{self._config.channel}"
        try:
            (sample,) = self.read()
        except BusError:
            if self._find() is None:
                return [Finding("overlay-missing", where, chip="ADS1115", overlay=OVERLAY)]
            return [Finding("i2c-silent", where, chip="ADS1115")]
        return self._config.findings(sample, where)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _volts(self) -> float:
        folder = self._find()
        if folder is None:
            raise BusError(
                "no-comm", f"no ads1115 at 0x{self._config.address:02x} among the kernel's iio devices"
            )
        stem = "in_voltage" + "-voltage".join(self._config.channel.split("-"))
        try:
            raw = int((folder / f"{stem}_raw").read_text(encoding="ascii"))
            scale = float((folder / f"{stem}_scale").read_text(encoding="ascii"))
        except OSError as error:
            raise BusError("no-comm", f"{folder.name} {stem}: {error.strerror}") from error
        except ValueError as error:
            raise BusError("crc", f"{folder.name} {stem}: {error}") from error
        return raw * scale / 1000

    def _find(self) -> Path | None:
        """Find the chip by its address: the kernel's numbers change from boot to boot."""
        wanted = f"-{self._config.address:04x}"
        for name in sorted(self._root.glob("*/name")):
            try:
                known = name.read_text(encoding="ascii").strip() in NAMES
            except OSError:
                continue
            if known and name.resolve().parent.parent.name.endswith(wanted):
                return name.parent
        return None
