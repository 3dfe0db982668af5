"""A calibration step by step, for whoever leads through it: a terminal, a script, a page on a phone."""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gateway.check.look import settings_of
from gateway.config import NodeConfig
from sensors.calibration.procedures import (
    MILLIVOLT,
    USUAL_KIND,
    Refused,
    Step,
    enough,
    fit,
    points_of,
    steps_of,
)
from sensors.calibration.record import Kind, Point, Record
from sensors.errors import ConfigError
from sensors.sample import Metric
from sensors.settings import did_you_mean

STEADY = 5  # readings in a row that must agree
AGREE = {"Q30": 0.05, "MTR": 0.02, "CEL": 0.3, "MTQ": 0.0}  # by unit; else 1 % of the value


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Target:
    """What is calibrated: `of` in the records, and the metric of the device that is read for it.

    `litres_per_pulse` is the most that one pulse of a meter stands for; 0 of anything that counts no pulses.
    """

    of: str
    device: str
    metric: str
    unit: str
    kind: Kind
    litres_per_pulse: float = 0.0


@runtime_checkable
class Pulsing(Protocol):
    """The settings of a meter that counts pulses."""

    @property
    def most_litres(self) -> float:
        """The most litres that one pulse stands for."""


Kinds = Callable[[str], Sequence[Metric]]
"""Tells what a device measures, by its id."""


class Calibrating:
    """One calibration: answer each `step` until there is none, then take the records.

    With `points` measured already there is no step to answer.
    """

    def __init__(self, target: Target, points: Sequence[Point] = ()) -> None:
        self.target = target
        self._steps = steps_of(target.kind, target.unit, target.litres_per_pulse)
        self._points = tuple(points)
        self._answers: list[float] = []
        self._seen: deque[float] = deque(maxlen=STEADY)

    @property
    def step(self) -> Step | None:
        """Return what is to be done now; None when all is."""
        answered = self._points or len(self._answers) == len(self._steps)
        return None if answered else self._steps[len(self._answers)]

    @property
    def number(self) -> int:
        """Return which step this is, counted from 1; one more than `count` when all are done."""
        return len(self._answers) + 1

    @property
    def count(self) -> int:
        """Return how many steps there are."""
        return len(self._steps)

    @property
    def seen(self) -> int:
        """Return how many readings in a row there are, STEADY at most."""
        return len(self._seen)

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
            if number is None or not math.isfinite(number):
                raise Refused(_("A number is needed here."))
            if step.least:  # more water can still be let through: what has flowed is not lost
                enough(number, self.target.litres_per_pulse)
            self._answers.append(number)
        else:
            if not self.steady:
                raise Refused(_("The reading is not steady yet: wait, or look at the sensor."))
            self._answers.append(round(sum(self._seen) / STEADY, 6))
        self._seen.clear()

    def back(self) -> None:
        """Take the last answer back; at the first step there is none."""
        del self._answers[-1:]
        self._seen.clear()

    def again(self) -> None:
        """Begin anew."""
        self._points = ()
        self._answers.clear()
        self._seen.clear()

    def records(self, *, by: str, at: str, note: str = "", others: Sequence[str] = ()) -> list[Record]:
        """Return what is to be appended, for the target and `others` alike; raise Refused for nonsense."""
        points = self._points or points_of(self.target.kind, self._answers)
        warmth = self._answers[-1] if self.target.unit == MILLIVOLT and not self._points else 25.0
        return make(self.target, points, by=by, at=at, note=note, others=others, celsius=warmth)


def make(
    target: Target,
    points: Sequence[Point],
    *,
    by: str,
    at: str,
    note: str = "",
    others: Sequence[str] = (),
    celsius: float = 25.0,
) -> list[Record]:
    """Make the records of measured points; raise Refused when they cannot be right."""
    wanted = {"factory": 0, "offset": 1}.get(target.kind, 2)
    if len(points) != wanted:
        raise Refused(_("This kind takes {wanted} points, not {given}."), wanted=wanted, given=len(points))
    gain, offset, facts = fit(target.kind, points, target.unit, celsius)
    if target.kind == "k-factor":  # the index goes on from where it stands
        offset = points[-1][0] * (1 - gain)
        if target.litres_per_pulse:
            litres = (points[-1][1] - points[0][1]) * 1000
            enough(litres, target.litres_per_pulse)
            facts |= {"within_percent": round(100 * target.litres_per_pulse / litres, 2)}
    found = [
        Record(of=target.of, kind=target.kind, at=at, by=by, note=note, gain=gain, offset=offset,
               points=tuple(points), facts=facts)
    ]  # fmt: skip
    return found + [
        Record(of=of, kind=target.kind, at=at, by=by, note=note, gain=gain, offset=0.0, facts=facts)
        for of in others
    ]


def others(config: NodeConfig, target: Target) -> list[str]:
    """Return what a calibration makes true besides: a meter's K-factor its flow as well as its index."""
    driver = next((each.driver for each in config.devices if each.id == target.device), "")
    also = target.kind == "k-factor" and target.metric == "volume" and driver == "pulse-flow"
    return [f"{target.device}.flow"] if also else []


def targets(config: NodeConfig, kinds: Kinds) -> list[tuple[Target, str, list[str]]]:
    """Return all that can be calibrated, each with one asset's name and the ids of all it serves."""
    found: dict[str, tuple[Target, str, list[str]]] = {}
    for asset in config.assets:
        for part in asset.inputs if asset.type != "Device" else ():
            try:
                target = find(config, kinds, f"{asset.id}.{part}")
                if target.metric == "flow":  # a meter that counts is made true by its count
                    target = find(config, kinds, target.device)
            except ConfigError:
                continue  # a contact's truth, or a word: nothing to calibrate
            *_, serves = found.setdefault(target.of, (target, asset.name or asset.id, []))
            if asset.id not in serves:
                serves.append(asset.id)
    return list(found.values())


def find(config: NodeConfig, kinds: Kinds, name: str, kind: Kind | None = None) -> Target:
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
        return find(config, kinds, _one(asset.inputs, part, name), kind)
    units = {metric.key: metric.unit for metric in _metrics(config, kinds, thing) if metric.kind != "state"}
    if part == "" and "volume" in units:
        part = "volume"
    metric = _one({key: key for key in units}, part, name)
    kind = kind or USUAL_KIND.get(units[metric], "two-point")
    counted = kind == "k-factor" and units[metric] == "MTQ"
    coarse = _litres_per_pulse(config, thing) if counted else 0.0
    return Target(f"{thing}.{metric}", thing, metric, units[metric], kind, coarse)


def _litres_per_pulse(config: NodeConfig, device: str) -> float:
    (own,) = (each for each in config.devices if each.id == device)
    settings = settings_of(own)
    return settings.most_litres if isinstance(settings, Pulsing) else 0.0


def _metrics(config: NodeConfig, kinds: Kinds, device_id: str) -> Sequence[Metric]:
    if any(each.id == device_id for each in config.devices):
        return kinds(device_id)
    known = [*(asset.id for asset in config.assets), *(device.id for device in config.devices)]
    raise ConfigError(f"there is no asset or device {device_id!r}{did_you_mean(device_id, known)}")


def _one(choices: Mapping[str, str], part: str, name: str) -> str:
    if part in choices:
        return choices[part]
    if not part and len(choices) == 1:
        return next(iter(choices.values()))
    words = ", ".join(f"{name.partition('.')[0]}.{each}" for each in choices)
    raise ConfigError(f"{name}: say which one: {words}")
