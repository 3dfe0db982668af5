"""What goes wrong with serial rangers, thermometers, loops, scales, meters and relays: more of `mishaps`."""

from simulators.bench import Bench
from simulators.bench_field import FEEDER_UNIT
from simulators.mishap import Mishap


def _(text: str) -> str:
    return text


def _serial(bench: Bench, kind: str) -> None:
    bench.field.serial.faults.inject(kind)


def _thermometer(bench: Bench, kind: str) -> None:
    bench.field.thermometer.faults.inject(kind)
    bench.field.refresh()


def _loop(bench: Bench, kind: str) -> None:
    bench.field.loop.faults.inject(kind)
    bench.field.refresh()


def _converter(bench: Bench, kind: str) -> None:
    bench.field.converter.faults.inject(kind)
    bench.field.refresh()


def _gauge(bench: Bench, kind: str) -> None:
    bench.field.gauge.faults.inject(kind)


def _scale(bench: Bench, kind: str, size: float = 1.0) -> None:
    bench.field.scale.faults.inject(kind, size)


def _overloaded(bench: Bench) -> None:
    bench.field.kg = 10_000.0


def _relay(bench: Bench, kind: str) -> None:
    bench.field.contactor.faults.inject(kind)
    bench.field.refresh()


FIELD_MISHAPS = (
    Mishap("heap", "silent", _("the serial ranger's TX wire is off"), "no-comm", "serial-silent",
           lambda bench: _serial(bench, "silent")),
    Mishap("heap", "garbled", _("the serial ranger's wire is loose"), "crc", "serial-garbled",
           lambda bench: _serial(bench, "garbage")),
    Mishap("heap", "no-surface", _("nothing throws the serial ranger's sound back"),
           "no-echo", "echo-nothing",
           lambda bench: _serial(bench, "nothing")),
    Mishap("heap", "crosstalk", _("another ranger's sound comes into the serial ranger"), "interference",
           "echo-interference", lambda bench: _serial(bench, "interference")),
    Mishap("sealed", "trigger-cut", _("the sealed ranger's trigger wire is cut"), "no-echo", "echo-silent",
           lambda bench: setattr(bench.field.sealed, "unplugged", True)),
    Mishap("sealed", "blind", _("waste stands in the sealed ranger's blind zone"), "range", "out-of-range",
           lambda bench: setattr(bench.field, "sealed_m", 0.12)),
    Mishap("water", "no-pull-up", _("the pull-up resistor is missing"), "no-comm", "w1-empty",
           lambda bench: _thermometer(bench, "missing")),
    Mishap("water", "crc", _("the thermometer's wire is loose"), "crc", "w1-crc",
           lambda bench: _thermometer(bench, "crc")),
    Mishap("water", "supply-dips", _("the thermometer's supply wire is loose"), "power-on", "w1-power-on",
           lambda bench: _thermometer(bench, "power_on")),
    Mishap("water", "shorted", _("the thermometer's data line touches ground"), "line-low", "w1-zero",
           lambda bench: _thermometer(bench, "zero")),
    Mishap("tank", "loop-open", _("a wire of the current loop is cut"), "loop-open", "loop-open",
           lambda bench: _loop(bench, "cut")),
    Mishap("tank", "reversed", _("the loop's two wires are swapped"), "reversed", "loop-reversed",
           lambda bench: _loop(bench, "reversed")),
    Mishap("tank", "fault-low", _("the transmitter reports its own fault"), "signal-low", "loop-low",
           lambda bench: _loop(bench, "low")),
    Mishap("tank", "fault-high", _("signal and supply of the loop touch"), "signal-high", "loop-high",
           lambda bench: _loop(bench, "high")),
    Mishap("tank", "no-overlay", _("the kernel was not told of the converter"), "no-comm", "overlay-missing",
           lambda bench: _converter(bench, "missing")),
    Mishap("tank", "no-answer", _("the converter's SDA is cut"), "no-comm", "i2c-silent",
           lambda bench: _converter(bench, "silent")),
    Mishap("pressure", "no-supply", _("the pressure transmitter has no supply"), "loop-open", "spi-silent",
           lambda bench: _gauge(bench, "cut")),
    Mishap("pressure", "fault-low", _("the pressure transmitter reports its own fault"), "signal-low",
           "volts-low", lambda bench: _gauge(bench, "low")),
    Mishap("pressure", "chip-dead", _("the MCP3008 gives no word"), "signal-high", "spi-silent",
           lambda bench: bench.field.dead_converter()),
    Mishap("scale", "no-supply", _("the scale's converter has no supply"), "no-comm", "hx711-silent",
           lambda bench: _scale(bench, "silent")),
    Mishap("scale", "overloaded", _("a load cell's wire is off, or it is overloaded"), "range",
           "hx711-saturated", _overloaded),
    Mishap("scale", "busy-pi", _("the Pi is too busy to clock the converter"), "stretched", "hx711-stretched",
           lambda bench: _scale(bench, "stretched", 80e-6)),
    Mishap("feeder", "silent", _("the feeder meter's wire is cut"), "no-comm", "unit-alone-silent",
           lambda bench: bench.field.feeder.break_unit(FEEDER_UNIT, "silent")),
    Mishap("feeder", "brown-out", _("the feeder's mains sag"), "range", "mains-voltage",
           lambda bench: setattr(bench.field, "volts", 151.0)),
    Mishap("relay", "welded", _("the contactor's contacts are welded"), "not-followed", "relay-welded",
           lambda bench: _relay(bench, "welded")),
)  # fmt: skip
