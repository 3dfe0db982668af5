"""What a metric's values must satisfy to be believed: the technician's rules, over the usual ones."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec

from sensors.settings import Seconds, Settings, did_you_mean
from sensors.text import said

Range = tuple[float, float]
Most = Annotated[float, msgspec.Meta(gt=0)]


class Checks(Settings, frozen=True):
    """One [[device.checks]]: rules for one metric; what is left out is as usual for such a metric.

    `raw_range` holds for the device's own number, `range` for the calibrated one: outside, a value is bad.
    Outside of `plausible` it is uncertain. `median` readings are filtered into one, uncertain when their
    median deviation is above `spread`. `max_step` (either way), `max_rise` and `max_fall` bound the change
    from one reading to the next, `max_times` how often the one before (changes below 1 apart), `max_rate` the
    change a minute; inf switches a bound off. Unchanged for
    `stuck_after` a value is uncertain, 0 means never. `calibrate_every` is how long a calibration is good.
    """

    metric: str
    raw_range: Range | None = None
    median: Annotated[int, msgspec.Meta(ge=1, le=15)] | None = None
    spread: Most | None = None
    range: Range | None = None
    plausible: Range | None = None
    max_step: Most | None = None
    max_rise: Most | None = None
    max_fall: Most | None = None
    max_times: Annotated[float, msgspec.Meta(gt=1)] | None = None
    max_rate: Most | None = None
    stuck_after: Seconds | None = None
    calibrate_every: Seconds | None = None

    def __post_init__(self) -> None:
        for name in ("raw_range", "range", "plausible"):
            pair = getattr(self, name)
            if pair is not None and not pair[0] < pair[1]:
                raise ValueError(
                    said(
                        "{name} [{low:g}, {high:g}] is not [lowest, highest]",
                        name=name,
                        low=pair[0],
                        high=pair[1],
                    )
                )


_DAY_S = 86_400.0
_INF = math.inf

USUAL = {
    each.metric: each
    for each in (
        # a heap that grows by 30 cm between two readings is a hand before the sensor; a round empties at once
        Checks(metric="distance", max_fall=0.3),
        # DS18B20: -55 to 125 C; no air warms by 20 K between two readings but by fire, which stays
        Checks(metric="temperature", range=(-55.0, 125.0), max_step=20.0),
        Checks(metric="cpuTemperature", range=(-40.0, 125.0)),
        # a buffer is good for a month; the same number for a day is a frozen probe
        Checks(
            metric="pH", range=(0.0, 14.0), max_step=2.0,
            stuck_after=Seconds(_DAY_S), calibrate_every=Seconds(30 * _DAY_S),
        ),
        # a storm takes several readings; air or a leaf before the window takes one
        Checks(metric="turbidity", plausible=(0.0, 4000.0), max_times=3.0, stuck_after=Seconds(_DAY_S)),
        # compared with DPD every week
        Checks(
            metric="freeChlorine", plausible=(0.0, 20.0),
            stuck_after=Seconds(_DAY_S), calibrate_every=Seconds(7 * _DAY_S),
        ),
        Checks(metric="conductivity", plausible=(0.0, 100_000.0), stuck_after=Seconds(_DAY_S)),
        Checks(metric="powerFactor", plausible=(-1.0, 1.0)),
        # full sun on the ground is 120 000 lx
        Checks(metric="illuminance", plausible=(0.0, 200_000.0)),
    )
}  # fmt: skip
"""Rules by metric, as the sensors of docs/quality.md are known to be."""


def rules_for(metric: str, own: Iterable[Checks] = ()) -> Checks:
    """Return the rules of a metric: each key of the technician's that is given, else the usual one."""
    usual = USUAL.get(metric, Checks(metric=metric))
    for each in own:
        if each.metric == metric:
            given = {name: value for name, value in msgspec.structs.asdict(each).items() if value is not None}
            return msgspec.structs.replace(usual, **given)
    return usual


def check_problems(device: str, own: Sequence[Checks], metrics: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the metrics that a device's checks name, one sentence a problem."""
    where = f"device {device}: checks: metric: "
    for number, each in enumerate(own):
        if each.metric not in metrics:
            hint = did_you_mean(each.metric, metrics) or said("; it has {known}", known=", ".join(metrics))
            yield where + said("it does not measure {metric!r}{hint}", metric=each.metric, hint=hint)
        if any(each.metric == before.metric for before in own[:number]):
            yield where + said(
                "{metric!r} has checks already; put all of them in one table", metric=each.metric
            )
