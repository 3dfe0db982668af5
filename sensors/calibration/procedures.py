"""How each kind of calibration is done: its steps, and what must be true of its points to be believed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sensors.calibration.record import Kind, Point
from sensors.errors import SensorError
from sensors.figures import short
from sensors.text import translator

PH_SLOPE = (85.0, 105.0)  # per cent of the ideal: below, the glass is worn; above, a buffer is wrong
PH_OFFSET_MV = 30.0  # at pH 7: beyond, the reference is poisoned
MV_PER_PH = 59.16  # at 25 C
MV_PER_PH_K = 0.19842  # Nernst: R ln(10) / F
ZERO_K = 273.15
MOST_MV = 500.0  # no glass electrode gives more between pH 0 and 14
MILLIAMPERE, MILLIVOLT = "4K", "2Z"  # UN/CEFACT codes of what is no quantity of the field's yet
GAIN = (0.5, 2.0)  # of a device that already gives the right unit: beyond, a wire or a setting is wrong
LEAST_DEPTH_M = 0.1
LEAST_PULSES = 20  # the count is one pulse off at worst: of 20 that is 5 %


def _(text: str) -> str:
    return text


class Refused(SensorError, ValueError):  # noqa: N818 - reads as the sentence it is
    """What was measured or answered cannot be right; `sentence` with `facts` says what to do."""

    def __init__(self, sentence: str, **facts: float | str) -> None:
        self.sentence = sentence
        self.facts = facts
        super().__init__(self.say("en"))

    def say(self, lang: str) -> str:
        """Return the sentence in one of `sensors.text.LANGUAGES`."""
        shown = {name: it if isinstance(it, str) else short(it, lang) for name, it in self.facts.items()}
        return translator(lang)(self.sentence).format(**shown)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing for the technician to do: then a steady reading is taken, or a number is asked for."""

    sentence: str
    wants: Literal["measure", "number"]
    usual: float | None = None
    unit: str = ""  # UN/CEFACT code of the number where it is not that of the metric
    least: float = 0.0  # what the number must be at least; the sentence says so

    def say(self, lang: str) -> str:
        """Return the sentence in one of `sensors.text.LANGUAGES`."""
        return translator(lang)(self.sentence).format(least=short(self.least, lang))


_LOW = Step(_("Bring it to a low, known value. What is it truly?"), "number")
_HIGH = Step(_("Bring it to a high, known value. What is it truly?"), "number")
_HOLD = Step(_("Leave it so until the reading is steady."), "measure")
_BUFFER = Step(_("Rinse the probe, put it into this buffer and wait."), "measure")
_WARMTH = Step(_("How warm are the buffers, in °C?"), "number", 25.0, unit="CEL")
_TWO = (_LOW, _HOLD, _HIGH, _HOLD)

_MUCH = Step(
    _("Let {least} litres or more through the meter into measured buckets, then shut the tap. How many?"),
    "number",
    unit="LTR",
)

STEPS: dict[Kind, tuple[Step, ...]] = {
    "empty-full": (
        Step(_("Empty the bin and shut its lid."), "measure"),
        Step(_("Hold a board where the bin counts as full, and shut the lid."), "measure"),
    ),
    "ph": (
        Step(_("The first buffer: which pH?"), "number", 7.0),
        _BUFFER,
        Step(_("The second buffer: which pH?"), "number", 4.01),
        _BUFFER,
    ),
    "two-point": _TWO,
    "current-loop": _TWO,
    "offset": (Step(_("Bring it to a known value (ice water is 0 °C). What is it truly?"), "number"), _HOLD),
    "k-factor": (
        Step(_("Shut the tap behind the meter, so that nothing flows."), "measure"),
        Step(
            _("Fill a measured bucket through the meter and shut the tap. How many litres?"),
            "number",
            unit="LTR",
        ),
        Step(_("Leave the tap shut until the count stands still."), "measure"),
    ),
    "scale": (
        Step(_("Take everything off the scale."), "measure"),
        Step(_("Put a known mass on the scale. How many kg?"), "number"),
        _HOLD,
    ),
    "factory": (),
}

USUAL_KIND: dict[str, Kind] = {
    "Q30": "ph",
    MILLIVOLT: "ph",
    MILLIAMPERE: "current-loop",
    "MTQ": "k-factor",
    "KGM": "scale",
    "CEL": "offset",
}
"""By unit; anything else is calibrated at two points."""


def steps_of(kind: Kind, unit: str, litres_per_pulse: float = 0.0) -> tuple[Step, ...]:
    """Return the steps of a kind; for a probe that gives mV how warm it was counts too.

    A meter of so many litres a pulse (0: not known) wants as much water as makes its count exact enough.
    """
    if kind == "k-factor" and litres_per_pulse:
        shut, _bucket, still = STEPS[kind]
        return shut, replace(_MUCH, least=least_litres(litres_per_pulse)), still
    return (*STEPS[kind], _WARMTH) if kind == "ph" and unit == MILLIVOLT else STEPS[kind]


def least_litres(litres_per_pulse: float) -> float:
    """Return how much water a K-factor needs, so that one pulse more or less does not matter."""
    return round(LEAST_PULSES * litres_per_pulse, 3)


def enough(litres: float, litres_per_pulse: float) -> None:
    """Raise Refused when so much water gives too few pulses to count by; 0 litres a pulse is not known."""
    if litres_per_pulse and litres < least_litres(litres_per_pulse):
        pulses = litres / litres_per_pulse
        raise Refused(
            _("{litres} l are only {pulses} pulses: let {least} l or more through in all, and give the sum."),
            litres=litres, pulses=int(pulses), least=least_litres(litres_per_pulse),
        )  # fmt: skip


def points_of(kind: Kind, answers: Sequence[float]) -> tuple[Point, ...]:
    """Return (what the device said, what was true) from the answers to the steps of a kind."""
    if kind == "empty-full":
        return (answers[0], 0.0), (answers[1], 1.0)
    if kind == "k-factor":
        return (answers[0], 0.0), (answers[2], answers[1] / 1000)
    if kind == "scale":
        return (answers[0], 0.0), (answers[2], answers[1])
    return tuple((own, true) for true, own in zip(answers[::2], answers[1::2], strict=False))


def fit(
    kind: Kind, points: Sequence[Point], unit: str = "", celsius: float = 25.0
) -> tuple[float, float, dict[str, float]]:
    """Return gain, offset and the facts of the kind; raise Refused for points that cannot be right.

    `unit` is that of the device's own number, `celsius` the warmth of the buffers of a probe that gives mV.
    """
    if kind == "factory":
        return 1.0, 0.0, {}
    if kind == "offset":
        ((own, true),) = points
        return 1.0, true - own, {}
    (own_1, true_1), (own_2, true_2) = points
    if true_1 == true_2:
        raise Refused(_("Both points have the same true value: take two that differ."))
    if own_1 == own_2:
        raise Refused(_("The device said the same at both points: look at its wire, or wait longer."))
    if kind == "empty-full" and own_1 - own_2 < LEAST_DEPTH_M:
        raise Refused(
            _("Empty is {empty} m and full is {full} m: empty must be farther by 10 cm. Start again."),
            empty=own_1, full=own_2,
        )  # fmt: skip
    gain = (true_2 - true_1) / (own_2 - own_1)
    offset = true_1 - gain * own_1
    if kind == "ph":
        volts = unit == MILLIVOLT
        return gain, offset, _cell(gain, offset, points, celsius) if volts else _electrode(gain, offset)
    if kind == "k-factor":
        _bounded(gain)
        return gain, 0.0, {"litres": true_2 * 1000}
    if kind != "empty-full" and unit not in {MILLIAMPERE, MILLIVOLT}:
        _bounded(gain)
    return gain, offset, {}


def _cell(gain: float, offset: float, points: Sequence[Point], celsius: float) -> dict[str, float]:
    """Judge an electrode by its own mV: pH falls as they rise, by Nernst's slope at that warmth."""
    most = max(abs(own) for own, _true in points)
    if most > MOST_MV:
        raise Refused(
            _("It gives {millivolts} mV, and no electrode does: look at its cable and plug."),
            millivolts=round(most, 1),
        )
    slope = -100 / gain / (MV_PER_PH_K * (ZERO_K + celsius))
    return _judged(slope, (7 - offset) / gain) | {"temperature_c": celsius}


def _electrode(gain: float, offset: float) -> dict[str, float]:
    """Judge an electrode by the pH that its transmitter made of it at 25 C."""
    return _judged(100 / gain, (7 - (7 - offset) / gain) * MV_PER_PH)


def _judged(slope: float, zero_mv: float) -> dict[str, float]:
    if not PH_SLOPE[0] <= slope <= PH_SLOPE[1]:
        raise Refused(
            _("The slope is {slope} %, not 85 to 105 %: clean it, take fresh buffers, or a new probe."),
            slope=round(slope, 1),
        )
    if abs(zero_mv) > PH_OFFSET_MV:
        raise Refused(
            _("It is {offset} mV off at pH 7, more than 30: clean it, take fresh buffers, or a new probe."),
            offset=round(zero_mv, 1),
        )
    return {"slope_percent": round(slope, 2), "offset_mv": round(zero_mv, 2)}


def _bounded(gain: float) -> None:
    if not GAIN[0] <= gain <= GAIN[1]:
        raise Refused(
            _("True is {gain} times what it says, not 0.5 to 2: look at wires, unit and scale first."),
            gain=round(gain, 3),
        )
