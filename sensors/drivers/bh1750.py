"""BH1750 light sensor through the kernel's own driver: lux from files in sysfs.

Linux ABI sysfs-bus-iio: in_illuminance_raw * in_illuminance_scale is lux; the sensor ends at 65 535 counts,
54 612 lx, so one that sees the noon sky needs a dome that darkens it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings

FULL = 65535
OVERLAY = "dtoverlay=i2c-sensor,bh1750"  # of the Pi's kernel, overlays/README


class Bh1750:
    """One BH1750 that the kernel knows."""

    class Config(Settings, frozen=True):
        """The device's folder such as iio:device0 (default: the first bh1750), and what its dome takes away.

        lux = what the chip sees * dome.
        """

        device: Annotated[str, msgspec.Meta(pattern=r"^iio:device[0-9]+$")] | None = None
        dome: Annotated[float, msgspec.Meta(gt=0)] = 1.0

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("illuminance", "LUX", label="illuminance"),)

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._root = io.sysfs / "bus" / "iio" / "devices"

    def open(self) -> None:
        """Do nothing: files are looked for at each read, so that a sensor may come and go."""

    def read(self) -> Sequence[Sample]:
        """Return the illuminance in lx; raise BusError no-comm when the kernel does not have the sensor."""
        folder = self._folder()
        try:
            raw = int((folder / "in_illuminance_raw").read_text(encoding="ascii"))
            scale = float((folder / "in_illuminance_scale").read_text(encoding="ascii"))
        except OSError as error:
            raise BusError("no-comm", f"{folder.name}: {error.strerror}") from error
        except ValueError as error:
            raise BusError("crc", f"{folder.name}: {error}") from error
        if raw >= FULL:
            return [bad("illuminance", "range", float(raw))]
        return [Sample("illuminance", round(raw * scale * self._config.dome, 2), raw=float(raw))]

    def diagnose(self) -> Sequence[Finding]:
        """Say whether the kernel lacks the sensor, the sensor is silent, or blinded."""
        try:
            folder = self._folder()
            raw = int((folder / "in_illuminance_raw").read_text(encoding="ascii"))
        except BusError:
            return [Finding("overlay-missing", str(self._root), chip="BH1750", overlay=OVERLAY)]
        except FileNotFoundError:
            return [Finding("overlay-missing", folder.name, chip="BH1750", overlay=OVERLAY)]
        except OSError:
            return [Finding("i2c-silent", folder.name, chip="BH1750")]
        except ValueError:
            return [Finding("garbled", folder.name)]
        return [Finding("light-full", folder.name)] if raw >= FULL else []

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _folder(self) -> Path:
        if self._config.device is not None:
            return self._root / self._config.device
        for name in sorted(self._root.glob("*/name")):
            if name.read_text(encoding="ascii").strip() == "bh1750":
                return name.parent
        raise BusError("no-comm", "no bh1750 among the kernel's iio devices")
