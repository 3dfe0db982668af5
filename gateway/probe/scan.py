"""Looks for devices on the buses of a Pi: 1-Wire and kernel chips in sysfs, I2C addresses, Modbus units.

Nothing is written to any device; I2C addresses are only read from, and those that the kernel holds are left
alone. Every scan is bounded: a Modbus unit that does not answer costs two timeouts.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sensors.errors import BusError, PortError
from sensors.io import ModbusBus

BAUDS = (9600, 4800, 19_200)  # makers' defaults, the commonest first
TIMEOUT_S = 0.1  # a unit answers within 4 characters and its own delay; 50 ms is slow
FIRST_I2C, LAST_I2C = 0x08, 0x77  # the rest is reserved (UM10204, 3.1.12)

CHIPS = {
    **dict.fromkeys((0x23, 0x5C), "BH1750 (lux)"),
    **dict.fromkeys((0x48, 0x49, 0x4A, 0x4B), "ADS1115 (4-20 mA, 0-5 V)"),
    0x10: "VEML7700 (lux)",
    0x29: "VL53L0X / TSL2591",
    0x2A: "NAU7802",
    0x3C: "SSD1306",
    **dict.fromkeys((0x40, 0x41, 0x44, 0x45), "INA219 / SHT3x"),
    0x68: "DS3231 (RTC)",
    **dict.fromkeys((0x76, 0x77), "BME280"),
}
"""I2C addresses and what most often answers there, by the chips' datasheets."""

Kind = Literal["w1", "iio", "i2c", "modbus", "port", "gpiochip"]
Open = Callable[[str, int], ModbusBus]


@dataclass(frozen=True, slots=True)
class Met:
    """One thing that was found: where, what it likely is, and what it said."""

    kind: Kind
    where: str
    what: str = ""
    unit: int = 0
    baud: int = 0
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """How far a scan is: `number` of `count` of `what`."""

    what: str
    number: int
    count: int


def thermometers(sysfs: Path) -> Iterator[Met]:
    """Yield the 1-Wire thermometers that the kernel sees."""
    for folder in sorted((sysfs / "bus" / "w1" / "devices").glob("28-*")):
        yield Met("w1", folder.name, "DS18B20")


def kernel_chips(sysfs: Path) -> Iterator[Met]:
    """Yield the chips for which the kernel has a driver (IIO)."""
    for name in sorted((sysfs / "bus" / "iio" / "devices").glob("*/name")):
        yield Met("iio", name.parent.name, name.read_text(encoding="ascii", errors="replace").strip())


def chips(dev: Path) -> Iterator[Met]:
    """Yield the GPIO chips."""
    for path in sorted(dev.glob("gpiochip*")):
        yield Met("gpiochip", str(path))


def i2c(read_byte: Callable[[int], object], bus: str) -> Iterator[Met | Step]:
    """Yield the addresses of an I2C bus where something answers; `read_byte` raises OSError of silence."""
    count = LAST_I2C - FIRST_I2C + 1
    for number, address in enumerate(range(FIRST_I2C, LAST_I2C + 1), 1):
        yield Step(bus, number, count)
        try:
            read_byte(address)
        except OSError:
            continue
        yield Met("i2c", f"{bus} 0x{address:02x}", CHIPS.get(address, "?"), unit=address)


def modbus(
    ports: Iterable[str], units: Iterable[int], bauds: Iterable[int], open_bus: Open
) -> Iterator[Met | Step]:
    """Ask each unit of each port at each speed for its input register 0; any answer, a refusal too, is one.

    A port that cannot be opened yields a Met of the kind port with the reason. A speed at which something
    was heard ends the search on that port: all units of a line speak alike.
    """
    asked, speeds = tuple(units), tuple(bauds)
    for port in ports:
        for baud in speeds:
            heard = False
            with closing(open_bus(port, baud)) as bus:
                for number, unit in enumerate(asked, 1):
                    yield Step(f"{port} {baud}", number, len(asked))
                    try:
                        words = _answer(bus, unit)
                    except PortError as error:
                        yield Met("port", port, str(error))
                        break
                    if words is not None:
                        heard = True
                        yield Met("modbus", port, _likely(words), unit, baud, words)
                else:
                    if heard:
                        break
                    continue
            break


def _answer(bus: ModbusBus, unit: int) -> tuple[int, ...] | None:
    """Return what a unit says, empty when it refuses; None when nobody answers."""
    try:
        return tuple(bus.read(unit, 4, 0, 10))  # as many as a power meter has
    except PortError:
        raise
    except BusError as error:
        return () if error.reason == "refused" else None


def _likely(words: tuple[int, ...]) -> str:
    # PZEM-004T: volts in tenths first, hertz in tenths eighth; nothing else has 50 Hz there by chance
    if len(words) == 10 and 800 <= words[0] <= 2800 and 450 <= words[7] <= 650:
        return "PZEM-004T"
    return ""
