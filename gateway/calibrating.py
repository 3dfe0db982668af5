"""A calibration step by step, for whoever leads through it: a terminal, a script, a page on a phone."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.config import NodeConfig
from sensors import registry, settings
from sensors.calibration.procedures import STEPS, USUAL_KIND, Refused, Step, fit, points_of
from sensors.calibration.record import Kind, Record
from sensors.errors import ConfigError
from sensors.io import IO
from sensors.sample import Metric
from sensors.settings import did_you_mean

STEADY = 5  # readings in a row that must agree
AGREE = {"Q30": 0.05, "MTR": 0.02, "CEL": 0.3, "MTQ": 0.0}  # by unit; else 1 % of the value


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Target:
    """What is calibrated: `of` in the records, and the metric of the device that is read for it."""

    of: str
    device: str
    metric: str
    unit: str
    kind: Kind


class Calibrating:
    """One calibration: answer each `step` until there is none, then take the records."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._steps = STEPS[target.kind]
        self._answers: list[float] = []
        self._seen: deque[float] = deque(maxlen=STEADY)

    @property
    def step(self) -> Step | None:
        """Return what is to be done now; None when all is."""
        return self._steps[len(self._answers)] if len(self._answers) < len(self._steps) else None

    @property
    def steady(self) -> bool:
        """Whether the last readings agree."""
        if len(self._seen) < STEADY:
            return False
        middle = sum(self._seen) / STEADY
        return max(self._seen) - min(self._seen) <= AGREE.get(self.target.unit, abs(middle) / 100)

    def see(self, own: float | None) -> bool:
        """Take in a live reading, None for a bad one; return whether they are steady now."""
        if own is None:
            self._seen.clear()
        else:
            self._seen.append(own)
        return self.steady

    def take(self, number: float | None = None) -> None:
        """Answer the step: with a number, or with the steady reading; raise Refused when there is none."""
        step = self.step
        if step is None:
            return
        if step.wants == "number":
            if number is None:
                raise Refused(_("A number is needed here."))
            self._answers.append(number)
        else:
            if not self.steady:
                raise Refused(_("The reading is not steady yet: wait, or look at the sensor."))
            self._answers.append(round(sum(self._seen) / STEADY, 6))
        self._seen.clear()

    def records(self, *, by: str, at: str, note: str = "", others: Sequence[str] = ()) -> list[Record]:
        """Return what is to be appended, for the target and `others` alike; raise Refused for nonsense."""
        return make(
            self.target, points_of(self.target.kind, self._answers), by=by, at=at, note=note, others=others
        )


def make(
    target: Target,
    points: Sequence[tuple[float, float]],
    *,
    by: str,
    at: str,
    note: str = "",
    others: Sequence[str] = (),
) -> list[Record]:
    """Make the records of measured points; raise Refused when they cannot be right."""
    wanted = {"factory": 0, "offset": 1}.get(target.kind, 2)
    if len(points) != wanted:
        raise Refused(_("This kind takes {wanted} points, not {given}."), wanted=wanted, given=len(points))
    gain, offset, facts = fit(target.kind, points)
    if target.kind == "k-factor":  # the index goes on from where it stands
        offset = points[-1][0] * (1 - gain)
    found = [
        Record(of=target.of, kind=target.kind, at=at, by=by, note=note, gain=gain, offset=offset,
               points=tuple(points), facts=facts)
    ]  # fmt: skip
    return found + [
        Record(of=of, kind=target.kind, at=at, by=by, note=note, gain=gain, offset=0.0, facts=facts)
        for of in others
    ]


def find(config: NodeConfig, io: IO, name: str, kind: Kind | None = None) -> Target:
    """Find what "asset", "asset.input", "device" or "device.metric" means; raise ConfigError that helps."""
    thing, _dot, part = name.partition(".")
    for asset in config.assets:
        if asset.id != thing:
            continue
        if (
            asset.type == "WasteContainer"
            and part in {"", "fillingLevel", "distance"}
            and kind in {None, "empty-full"}
        ):
            device, _dot, metric = asset.inputs["distance"].partition(".")
            return Target(asset.id, device, metric, "MTR", "empty-full")
        return find(config, io, _one(asset.inputs, part, name), kind)
    units = {metric.key: metric.unit for metric in _metrics(config, io, thing) if metric.kind != "state"}
    if part == "" and "volume" in units:
        part = "volume"
    metric = _one({key: key for key in units}, part, name)
    return Target(
        f"{thing}.{metric}", thing, metric, units[metric], kind or USUAL_KIND.get(units[metric], "two-point")
    )


def _metrics(config: NodeConfig, io: IO, device_id: str) -> Sequence[Metric]:
    for device in config.devices:
        if device.id == device_id:
            driver = registry.driver(device.driver)
            return driver(settings.convert(device.config, driver.Config, f"device {device.id}: "), io).metrics
    known = [*(asset.id for asset in config.assets), *(device.id for device in config.devices)]
    raise ConfigError(f"there is no asset or device {device_id!r}{did_you_mean(device_id, known)}")


def _one(choices: Mapping[str, str], part: str, name: str) -> str:
    if part in choices:
        return choices[part]
    if not part and len(choices) == 1:
        return next(iter(choices.values()))
    words = ", ".join(f"{name.partition('.')[0]}.{each}" for each in choices)
    raise ConfigError(f"{name}: say which one: {words}")
