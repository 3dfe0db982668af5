"""The data that every driver returns: a Sample with its quality, never a bare number."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Value = float | int | bool | str


class Quality(IntEnum):
    """How far a value can be believed; the worst input wins. The order is that of OPC UA's severities."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2

    @property
    def word(self) -> Literal["good", "uncertain", "bad"]:
        """Return the word that the feed uses: good, uncertain or bad."""
        return _WORDS[self]


_WORDS: dict[Quality, Literal["good", "uncertain", "bad"]] = {
    Quality.GOOD: "good",
    Quality.UNCERTAIN: "uncertain",
    Quality.BAD: "bad",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One quantity that a driver measures, with its UN/CEFACT unit code."""

    key: str
    unit: str
    kind: Literal["gauge", "total", "state"] = "gauge"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric. `value` is None when the quality is BAD; `raw` is what the device said.

    `uncalibrated` is the device's own number in the metric's unit, where a calibration made `value` of it.
    `refused` is what a BAD one would have said, for whoever stands at the wires; nothing publishes it.
    """

    metric: str
    value: Value | None
    quality: Quality = Quality.GOOD
    reason: str = ""
    raw: float | None = None
    uncalibrated: float | None = None
    refused: float | None = None

    def __post_init__(self) -> None:
        if (self.quality is Quality.BAD) != (self.value is None):
            raise ValueError(f"{self.metric}: a sample is BAD exactly when it has no value")
        if (self.quality is Quality.GOOD) == bool(self.reason):
            raise ValueError(f"{self.metric}: a reason goes with every quality but GOOD")


def bad(metric: str, reason: str, raw: float | None = None, refused: Value | None = None) -> Sample:
    """Make a sample that says why there is no value, and which number was refused."""
    own = refused if isinstance(refused, (int, float)) and not isinstance(refused, bool) else None
    return Sample(metric, None, Quality.BAD, reason, raw, refused=own)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one asset is seen to be at one moment: fields of its feed type, and why some are doubtful.

    `reasons` maps a field to its reason code; a field that is bad is absent from `fields`. `raws` has, for
    each field that a calibration made, what it was made of.
    """

    fields: dict[str, Value]
    quality: Quality = Quality.GOOD
    reasons: dict[str, str] | None = None
    raws: dict[str, float] | None = None

    @property
    def bad(self) -> dict[str, str]:
        """Return the fields that should have a value and have none, each with its reason."""
        reasons = self.reasons or {}
        return {field: reason for field, reason in reasons.items() if field not in self.fields}
