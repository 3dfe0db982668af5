"""What volts at a converter mean for a 4-20 mA loop or a 0.5-4.5 V transmitter: shared by all converters.

NAMUR NE 43 splits a loop's current: 3.8 to 20.5 mA measure, 3.6 mA and less or 21 mA and more are the
transmitter's own word for a fault, and what lies between is over- or underrange. The 0.5-4.5 V class
(automotive pressure transmitters) has the same idea: below 0.25 V or above 4.75 V a wire is off.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec

from sensors import checks
from sensors.findings import Finding
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings
from sensors.text import said

DECIMALS = 5
OPEN_MA = 0.5  # no transmitter draws less; a shunt with nothing on it shows noise
OPEN_V = 0.05
REVERSED = -0.05  # as a share of the span, so that noise around zero is none


class Class(NamedTuple):
    """The limits of one kind of signal, in mA or V: where values begin and end, and faults."""

    low: float
    high: float
    measures: tuple[float, float]
    faults: tuple[float, float]
    open_below: float


CLASSES = {
    "4-20mA": Class(4.0, 20.0, (3.8, 20.5), (3.6, 21.0), OPEN_MA),
    "0.5-4.5V": Class(0.5, 4.5, (0.45, 4.55), (0.25, 4.75), OPEN_V),
}


class Transmitter(Settings, frozen=True):
    """What hangs on a channel: its signal, and what its ends mean in `unit` (a UN/CEFACT code).

    A loop's current is measured over `shunt` ohms; a voltage behind a divider is multiplied by `divider`,
    for instance 1.5 for 10k over 20k. `low` is the value at 4 mA or 0.5 V, `high` that at 20 mA or 4.5 V.
    """

    metric: str
    unit: str
    low: float
    high: float
    signal: Literal["4-20mA", "0.5-4.5V"] = "4-20mA"
    shunt: Annotated[float, msgspec.Meta(gt=0)] = 150.0
    divider: Annotated[float, msgspec.Meta(ge=1)] = 1.0

    def __post_init__(self) -> None:
        if self.low == self.high:
            raise ValueError(said("low and high: the ends of the transmitter's range must differ"))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The one quantity that it measures."""
        return (Metric(self.metric, self.unit),)

    def signal_of(self, volts: float) -> float:
        """Return the signal in mA or V that puts `volts` on the converter."""
        return volts / self.shunt * 1000 if self.signal == "4-20mA" else volts * self.divider

    def sample(self, volts: float) -> Sample:
        """Return the value that `volts` at the converter mean; `raw` is the signal in mA or V."""
        limits, raw = CLASSES[self.signal], self.signal_of(volts)
        reason = _fault(limits, raw)
        if reason:
            return bad(self.metric, reason, round(raw, DECIMALS))
        share = (raw - limits.low) / (limits.high - limits.low)
        value = round(self.low + share * (self.high - self.low), DECIMALS)
        sample = Sample(self.metric, value, raw=round(raw, DECIMALS))
        lowest, highest = limits.measures
        return sample if lowest <= raw <= highest else checks.doubted(sample, "range")

    def findings(self, sample: Sample, where: str) -> Sequence[Finding]:
        """Say what a bad sample of this transmitter means for its wires."""
        if sample.raw is None or not sample.reason:
            return []
        loop = self.signal == "4-20mA"
        codes = {
            "loop-open": "loop-open" if loop else "volts-low",
            "signal-low": "loop-low" if loop else "volts-low",
            "signal-high": "loop-high" if loop else "volts-high",
            "reversed": "loop-reversed" if loop else "volts-low",
        }
        code = codes.get(sample.reason)
        return [Finding(code, where, milliamps=sample.raw, volts=sample.raw)] if code else []


def _fault(limits: Class, raw: float) -> str:
    lowest, highest = limits.faults
    if raw < REVERSED * (limits.high - limits.low):
        return "reversed"
    if raw < limits.open_below:
        return "loop-open"
    if raw <= lowest:
        return "signal-low"
    return "signal-high" if raw >= highest else ""
