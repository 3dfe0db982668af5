"""What goes wrong with wires and devices in the field, each by its name: for practice, and for the table."""

import os
import shutil
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from simulators.bench import METERS, PH, POWER, RS485, TURBIDITY, Bench
from simulators.mishap import Mishap
from simulators.mishaps_field import FIELD_MISHAPS
from simulators.mishaps_setup import SETUP_MISHAPS


def _(text: str) -> str:
    return text


def _flutter(bench: Bench, line: str) -> None:
    pin = bench.io.pin(line)
    bench.clock.every(0.007, lambda: pin.wire(None if pin.wired is False else False))


def _swapped(bench: Bench) -> None:
    for unit in (PH, TURBIDITY):
        bench.rs485.break_unit(unit, "silent")


def _wrong_baud(bench: Bench) -> None:
    for unit in (PH, TURBIDITY):
        bench.rs485.break_unit(unit, "crc")


def _gone(bench: Bench, port: str) -> None:
    # the pty itself stays open: its number must not be given to somebody else's meanwhile
    (bench.rs485 if port == RS485 else bench.meters).path = "/dev/unplugged"


def _unplugged(bench: Bench, port: str) -> None:
    _gone(bench, port)
    ports = tuple(each for each in bench.machine.ports if each != port)
    bench.machine = replace(bench.machine, ports=ports)


def _unreadable(file: Path) -> None:
    file.unlink()
    file.mkdir()  # reading it is an OSError, as of a chip that does not answer


def _write(file: Path, text: str) -> None:
    new = file.with_name(".new")
    new.write_text(text, encoding="ascii")
    os.replace(new, file)  # noqa: PTH105 - the atomic one


def _denied(bench: Bench, port: str) -> None:
    _gone(bench, port)
    bench.machine = replace(bench.machine, denied=frozenset({port}))


def _refused(bench: Bench, why: str, **lacks: object) -> None:
    bench.io.refuses = f"no GPIO through lgpio: {why}"
    bench.machine = replace(bench.machine, **lacks)  # type: ignore[arg-type]


LINES = (
    "lid",
    "meter",
    "door",
    "sealed",
    "scale",
    "relay",
    "pressure",
)
"""What a refusal of lines takes beside the ranger."""

_FIRST = (
    Mishap("echo", "trigger-cut", _("the trigger wire is cut"), "no-echo", "echo-silent",
           lambda bench: setattr(bench.ranger, "unplugged", True)),
    Mishap("echo", "echo-high", _("the echo line is shorted to the supply"), "echo-held", "echo-high",
           lambda bench: bench.io.pin("GPIO24").wire(level=True)),
    Mishap("echo", "no-surface", _("nothing throws the sound back"), "no-echo", "echo-nothing",
           lambda bench: setattr(bench, "distance_m", None)),
    Mishap("lid", "loose", _("the lid's wire is loose"), "unsteady", "contact-flutters",
           lambda bench: _flutter(bench, "GPIO25")),
    Mishap("meter", "wire-cut", _("the meter's wire is cut before the first pulse"), "waiting", "pulses-none",
           lambda bench: setattr(bench.meter, "stopped", True)),
    Mishap("meter", "interference", _("a pump's cable induces pulses"), "range", "pulses-too-fast",
           lambda bench: bench.clock.every(0.05, lambda: bench.meter.pulse(0.01))),
    Mishap("turbidity", "silent", _("unit 7's wire is cut"), "no-comm", "unit-silent",
           lambda bench: bench.rs485.break_unit(TURBIDITY, "silent")),
    Mishap("turbidity", "garbled", _("unit 7's wire is loose"), "crc", "unit-garbled",
           lambda bench: bench.rs485.break_unit(TURBIDITY, "crc")),
    Mishap("turbidity", "short", _("unit 7 loses the end of its answers"), "crc", "unit-garbled",
           lambda bench: bench.rs485.break_unit(TURBIDITY, "short")),
    Mishap("turbidity", "wrong-map", _("unit 7 has other registers"), "refused", "unit-refused",
           lambda bench: bench.rs485.break_unit(TURBIDITY, "illegal-address")),
    Mishap("turbidity", "no-value", _("unit 7's probe head is unplugged"), "no-value", "unit-no-value",
           lambda bench: setattr(bench, "turbidity", float("nan"))),
    Mishap("turbidity", "negative", _("unit 7 reads less than nothing"), "range", "out-of-range",
           lambda bench: setattr(bench, "turbidity", -3.0)),
    Mishap("ph", "beyond", _("the pH probe is broken"), "range", "out-of-range",
           lambda bench: setattr(bench, "ph", 19.0)),
    Mishap("ph", "swapped", _("A and B are swapped"), "no-comm", "bus-silent", _swapped, ("turbidity",)),
    Mishap("ph", "wrong-baud", _("the speed is wrong"), "crc", "bus-garbled", _wrong_baud, ("turbidity",)),
    Mishap("ph", "unplugged", _("the USB adapter is unplugged"), "no-comm", "port-missing",
           lambda bench: _unplugged(bench, RS485), ("turbidity",)),
    Mishap("power", "silent", _("the meter's wire is cut"), "no-comm", "unit-alone-silent",
           lambda bench: bench.meters.break_unit(POWER, "silent")),
    Mishap("power", "garbled", _("the meter's wire is loose"), "crc", "unit-garbled",
           lambda bench: bench.meters.break_unit(POWER, "crc")),
    Mishap("power", "brown-out", _("the mains sag"), "range", "mains-voltage",
           lambda bench: setattr(bench, "volts", 154.0)),
    Mishap("power", "unplugged", _("the meter's adapter is unplugged"), "no-comm", "port-missing",
           lambda bench: _unplugged(bench, METERS)),
    Mishap("lux", "no-overlay", _("the kernel was not told of the sensor"), "no-comm", "overlay-missing",
           lambda bench: shutil.rmtree(bench.light_files)),
    Mishap("lux", "wire-cut", _("SDA is cut"), "no-comm", "i2c-silent",
           lambda bench: _unreadable(bench.light_files / "in_illuminance_raw")),
    Mishap("lux", "garbled", _("the file holds no number"), "crc", "garbled",
           lambda bench: _write(bench.light_files / "in_illuminance_raw", "?\n")),
    Mishap("lux", "no-dome", _("the sun shines on the bare sensor"), "range", "light-full",
           lambda bench: _write(bench.light_files / "in_illuminance_raw", "65535\n")),
    Mishap("door", "loose", _("the door's wire is loose"), "unsteady", "contact-flutters",
           lambda bench: _flutter(bench, "GPIO27")),
    Mishap("pi", "no-thermometer", _("the kernel shows no temperature"), "no-comm", "no-thermometer",
           lambda bench: shutil.rmtree(bench.io.sysfs / "class" / "thermal")),
    Mishap("pi", "hot", _("the box stands in the sun"), "", "too-hot",
           lambda bench: _write(bench.io.sysfs / "class/thermal/thermal_zone0/temp", "86000\n")),
    Mishap("echo", "too-near", _("waste touches the sensor"), "range", "out-of-range",
           lambda bench: setattr(bench, "distance_m", 0.012)),
    Mishap("echo", "foil", _("foil flutters before the sensor"), "spread", "echo-spread",
           lambda bench: setattr(bench, "echoes", cycle((0.3, 0.7, 0.45, 0.9, 0.6)))),
    Mishap("echo", "no-lgpio", _("the GPIO library is not installed"), "fault", "no-lgpio",
           lambda bench: _refused(bench, "No module named 'lgpio'", lgpio=False), LINES),
    Mishap("echo", "not-in-group", _("the user is not in the group gpio"), "fault", "not-in-group",
           lambda bench: _refused(bench, "Permission denied", groups=frozenset({"pi"})), LINES),
    Mishap("echo", "unwritable", _("lgpio may not write in its folder"), "fault", "folder-unwritable",
           lambda bench: _refused(bench, "'.lgd-nfy-3'", folder="/"), LINES),
    Mishap("echo", "no-chip", _("the machine is no Pi"), "fault", "no-gpio",
           lambda bench: _refused(bench, "can not open gpiochip", chips=False), LINES),
    Mishap("lid", "twice", _("something else on this node holds GPIO25"), "fault", "line-taken",
           lambda bench: bench.io.digital_in("GPIO25")),
    Mishap("door", "twice", _("something else on this node holds GPIO27"), "fault", "line-taken",
           lambda bench: bench.io.digital_in("GPIO27")),
    Mishap("meter", "twice", _("something else on this node holds GPIO17"), "fault", "line-taken",
           lambda bench: bench.io.digital_in("GPIO17")),
    Mishap("ph", "silent", _("unit 3's wire is cut"), "no-comm", "unit-silent",
           lambda bench: bench.rs485.break_unit(PH, "silent")),
    Mishap("ph", "garbled", _("unit 3's wire is loose"), "crc", "unit-garbled",
           lambda bench: bench.rs485.break_unit(PH, "crc")),
    Mishap("ph", "wrong-map", _("unit 3 has other registers"), "refused", "unit-refused",
           lambda bench: bench.rs485.break_unit(PH, "illegal-address")),
    Mishap("ph", "denied", _("the user may not use the serial port"), "no-comm", "port-denied",
           lambda bench: _denied(bench, RS485), ("turbidity",)),
    Mishap("power", "short", _("the meter loses the end of its answers"), "crc", "unit-garbled",
           lambda bench: bench.meters.break_unit(POWER, "short")),
    Mishap("power", "wrong-map", _("another kind of meter stands there"), "refused", "unit-refused",
           lambda bench: bench.meters.break_unit(POWER, "illegal-address")),
    Mishap("power", "surge", _("the mains are far too high"), "range", "mains-voltage",
           lambda bench: setattr(bench, "volts", 287.0)),
    Mishap("power", "denied", _("the user may not use the meter's port"), "no-comm", "port-denied",
           lambda bench: _denied(bench, METERS)),
)  # fmt: skip
MISHAPS = (*_FIRST, *FIELD_MISHAPS, *SETUP_MISHAPS)


def mishap(full_name: str) -> Mishap:
    """Find one by its full name; raise ValueError that lists those of its device, or the devices."""
    for each in MISHAPS:
        if each.full_name == full_name:
            return each
    device = full_name.partition(":")[0]
    known = [each.full_name for each in MISHAPS if each.device == device]
    known = known or list(dict.fromkeys(f"{each.device}:..." for each in MISHAPS))
    raise ValueError(f"no fault {full_name!r}; there are {', '.join(known)}; --list tells of all")
