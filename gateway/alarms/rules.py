"""What an alarm rule is: conditions on the fields of one asset, and how long and how often they must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sensors.sample import Value

Severity = Literal["info", "warning", "critical"]
QUALITY = "q"
"""Stands for the reading's quality among its fields."""
PER_FIELD = frozenset({"limit", "lampFailed"})
"""Kinds of which one asset may have several alarms at a time, one a field."""

_BASE_S = (
    30.0  # a rise is reckoned over no less than that: the noise of two readings close together is no fire
)
_FORGET_S = 900.0  # and over no more: what rose through the morning is the sun


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one field, in the field's unit; `above` and `below` together are a permitted range.

    `rises` is per minute. `hysteresis` is how far a value must come back before the condition ends. An
    uncertain value counts only when `uncertain` says so, for all reasons or for those it names.
    """

    field: str
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    equals: str | bool | None = None
    rises: float | None = None
    hysteresis: float = 0.0
    uncertain: bool | tuple[str, ...] = False


@dataclass(frozen=True, slots=True)
class Rule:
    """An alarm is true while any condition holds, and `when` too if it is given.

    It is raised once that lasted `delay_s` of monotonic time and `readings` readings, and cleared once
    `end_readings` in a row say that it is over. With `hours` (local hours of the day, from, to) only readings
    between them count.
    """

    kind: str
    conditions: tuple[Condition, ...]
    severity: Severity = "warning"
    delay_s: float = 0.0
    readings: int = 1
    end_readings: int = 1
    hours: tuple[float, float] | None = None
    when: Condition | None = None

    @property
    def name(self) -> str:
        """Return what tells it from all other rules of its asset."""
        return f"{self.kind}-{self.conditions[0].field}" if self.kind in PER_FIELD else self.kind


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading as rules see it. `hour` is the local time of day, None while the clock is not known."""

    mono_ns: int
    boot: str
    fields: Mapping[str, Value]
    reasons: Mapping[str, str]
    hour: float | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """An earlier value of a field, to tell a rise from; it is not kept over a restart."""

    mono_ns: int
    value: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What a rule makes of one reading: None when nothing can be said; and of which field it speaks."""

    holds: bool | None
    field: str = ""
    value: Value | None = None
    limit: float | None = None


def judge(rule: Rule, seen: Seen, bases: Mapping[str, Base], *, on: bool) -> Truth:
    """Say whether the rule's conditions hold; `on` is whether they did, for the hysteresis."""
    if rule.hours is not None and not _within(rule.hours, seen.hour):
        return Truth(None)
    guard = None if rule.when is None else _holds(rule.when, seen, bases, on=on).holds
    if guard is False:
        return Truth(holds=False)
    known = [_holds(each, seen, bases, on=on) for each in rule.conditions]
    found = next((truth for truth in known if truth.holds), None)
    if found is not None:
        return found if rule.when is None or guard else Truth(None)
    unclear = any(truth.holds is None for truth in known) or not known
    return Truth(None) if unclear else next((t for t in known if t.value is not None), Truth(None))


def bases_after(rule: Rule, seen: Seen, bases: Mapping[str, Base]) -> dict[str, Base]:
    """Return the earlier values to compare the next reading with."""
    after = dict(bases)
    for each in rule.conditions:
        value = seen.fields.get(each.field)
        if each.rises is not None and each.field not in seen.reasons and isinstance(value, (int, float)):
            old = after.get(each.field)
            if old is None or seen.mono_ns - old.mono_ns >= _BASE_S * 1e9:
                after[each.field] = Base(seen.mono_ns, float(value))
    return after


def _within(hours: tuple[float, float], hour: float | None) -> bool:
    if hour is None:
        return False
    first, last = hours
    return first <= hour < last if first <= last else hour >= first or hour < last


def _holds(it: Condition, seen: Seen, bases: Mapping[str, Base], *, on: bool) -> Truth:
    value = seen.fields.get(it.field)
    doubtful = it.field in seen.reasons
    if value is None:
        # a bad field cannot be judged; one that the asset never has takes no part
        return Truth(None if doubtful else False)
    if doubtful and not _believed(it, seen.reasons[it.field]):
        return Truth(None)
    if it.equals is not None:
        return Truth(value == it.equals, it.field, value)
    if isinstance(value, str):
        return Truth(None)
    number = float(value)
    slack = it.hysteresis if on else 0.0
    limits = [
        (it.above, it.above is not None and number > it.above - slack),
        (it.at_least, it.at_least is not None and (number >= it.at_least or number > it.at_least - slack)),
        (it.below, it.below is not None and number < it.below + slack),
        (it.rises, _rises(it, seen, bases.get(it.field), number, on=on)),
    ]
    broken = next((limit for limit, breaks in limits if breaks), None)
    if broken is not None:
        return Truth(True, it.field, value, broken)  # noqa: FBT003 - holds
    return Truth(False, it.field, value, next((limit for limit, _ in limits if limit is not None), None))  # noqa: FBT003


def _believed(it: Condition, reason: str) -> bool:
    return it.uncertain if isinstance(it.uncertain, bool) else reason in it.uncertain


def _rises(it: Condition, seen: Seen, base: Base | None, number: float, *, on: bool) -> bool:
    if it.rises is None or base is None:
        return False
    minutes = (seen.mono_ns - base.mono_ns) / 60e9
    if not _BASE_S / 60 <= minutes <= _FORGET_S / 60:
        return False
    return (number - base.value) / minutes > (it.rises / 2 if on else it.rises)
