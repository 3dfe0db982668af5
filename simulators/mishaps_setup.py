"""What goes wrong where a node is set up: lines, buses, node.toml and the Pi itself: more of `mishaps`."""

import shutil
from dataclasses import replace
from itertools import cycle

from simulators.bench import Bench
from simulators.mishap import Mishap
from simulators.signals.contact import ContactSignal

W1_LINE, PULLED_LINE, CONSOLE_LINE = "GPIO4", "GPIO3", "GPIO14"
TURBIDITY_REGISTER = {"metric": "turbidity", "address": 0, "unit": "NTU", "type": "f32", "min": 0.0}


def _(text: str) -> str:
    return text


def _held(bench: Bench, line: str, why: str = "GPIO busy") -> None:
    bench.io.pins.held[line] = why


def _on_the_line_of_1_wire(bench: Bench) -> None:
    bench.settings["meter"] = {"line": W1_LINE}
    bench.machine = replace(bench.machine, buses=frozenset({"1-Wire"}))
    _held(bench, W1_LINE)


def _moved(bench: Bench, device: str, line: str) -> None:
    bench.settings[device] = {"line": line}
    setattr(bench, device, ContactSignal(bench.clock, bench.io.pin(line)))


def _one_pulse(bench: Bench) -> None:
    bench.flow_l_s = 0.0
    bench.clock.after(4.0, bench.meter.pulse)


def _falling(bench: Bench) -> None:
    bench.clock.every(1.0, lambda: setattr(bench, "energy_wh", bench.energy_wh - 1000.0))


def _jumping(bench: Bench) -> None:
    values = cycle((10.0, 4.0))
    bench.clock.every(25.0, lambda: setattr(bench, "ph", next(values)))


def _board(bench: Bench, kind: str, size: float = 1.0) -> None:
    bench.board.faults.inject(kind, size)
    bench.board.refresh()


SETUP_MISHAPS = (
    Mishap("echo", "busy", _("another program holds GPIO24"), "fault", "line-taken",
           lambda bench: _held(bench, "GPIO24")),
    Mishap("door", "dead-line", _("the Pi's line itself is broken"), "fault", "line-failed",
           lambda bench: _held(bench, "GPIO27", "bad configuration")),
    Mishap("meter", "one-wire", _("the meter's wire is on the line that 1-Wire has"), "fault", "line-of-bus",
           _on_the_line_of_1_wire),
    Mishap("door", "pulled-line", _("the door's wire is on a line with a pull-up of its own"), "",
           "line-pulled-up", lambda bench: _moved(bench, "door", PULLED_LINE)),
    Mishap("lid", "console", _("the lid's wire is on a line of the serial console"), "", "line-console",
           lambda bench: _moved(bench, "lid", CONSOLE_LINE)),
    Mishap("meter", "drip", _("the tap is opened a little: one pulse comes now and then"),
           "waiting", "waiting",
           _one_pulse),
    Mishap("turbidity", "other-speed", _("node.toml gives unit 7 another speed than unit 3"), "fault",
           "settings-wrong", lambda bench: bench.settings.update(turbidity={"baud": 19200})),
    Mishap("turbidity", "frozen", _("unit 7 repeats its last number for ever"), "stuck", "unmoved",
           lambda bench: bench.settings.update(turbidity={"registers": [TURBIDITY_REGISTER | {"stuck": 2}]})),
    Mishap("ph", "jumps", _("the pH probe's cable is broken inside"), "jump", "doubtful", _jumping),
    Mishap("ph", "uncalibrated", _("the pH probe was never calibrated"), "uncalibrated", "calibration-none",
           lambda bench: bench.checks.update(ph=[{"metric": "pH", "calibrate_every": "30d"}])),
    Mishap("power", "reset", _("the meter's count goes back"), "went-back", "went-back", _falling),
    Mishap("feeder", "adapter-hangs", _("the feeder meter's adapter hangs"), "no-comm", "port-failed",
           lambda bench: setattr(bench.field.feeder, "path", "/dev/unplugged")),
    Mishap("water", "no-overlay", _("the kernel was not told of 1-Wire"), "no-comm", "w1-off",
           lambda bench: shutil.rmtree(bench.io.sysfs / "bus" / "w1")),
    Mishap("water", "other-number", _("node.toml names another thermometer"), "no-comm", "w1-missing",
           lambda bench: bench.settings.update(water={"device": "28-000000000001"})),
    Mishap("pi", "weak-supply", _("the supply's cable is long and thin"), "", "under-voltage",
           lambda bench: _board(bench, "under_voltage")),
    Mishap("pi", "old-card", _("the memory card has been written for years"), "", "card-worn",
           lambda bench: _board(bench, "worn", 9)),
    Mishap("pi", "no-time", _("nothing sets the clock"), "", "clock-unset",
           lambda bench: bench.clock.set_synchronised(False)),
    Mishap("pi", "card-full", _("the card is full"), "", "disk-low",
           lambda bench: bench.settings.update(pi={"path": "/proc"})),  # of 0 bytes, none free
    Mishap("pi", "no-folder", _("node.toml names a folder that is not there"), "no-comm", "disk-unreadable",
           lambda bench: bench.settings.update(pi={"path": "/nowhere"})),
)  # fmt: skip
