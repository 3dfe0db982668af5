"""The tables [alarms] and [[alarm]] of node.toml: rules that change, add to or switch off the defaults."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Protocol

import msgspec

from gateway.alarms.defaults import DEFAULTS
from gateway.alarms.rules import QUALITY, Severity
from gateway.feed import KINDS, TYPES
from gateway.feed.limits import Limit
from gateway.feed.limits import problems as limit_problems
from sensors.settings import Seconds, Settings, did_you_mean
from sensors.text import said

Hour = Annotated[float, msgspec.Meta(ge=0, le=24)]
COMPARISONS = ("above", "at_least", "below", "equals", "rises")
_OURS = frozenset({"gap", "flapping"})


class Alarms(Settings, frozen=True):
    """Table [alarms]: how often one alarm may change in an hour; beyond, it is held raised as flapping."""

    most_an_hour: Annotated[int, msgspec.Meta(ge=2, le=60)] = 6


class AlarmConfig(Settings, frozen=True):
    """One [[alarm]]: the rule `kind` of all assets of a `type`, or of one `asset`; what is left out stays.

    `rises` is per minute, `hours` are local hours of the day.
    """

    kind: str
    type: str | None = None
    asset: str | None = None
    field: str | None = None
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    equals: str | bool | None = None
    rises: Annotated[float, msgspec.Meta(gt=0)] | None = None
    hysteresis: Annotated[float, msgspec.Meta(ge=0)] | None = None
    uncertain: bool | tuple[str, ...] | None = None
    delay: Seconds | None = None
    readings: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    end_readings: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    hours: tuple[Hour, Hour] | None = None
    severity: Severity | None = None
    off: bool = False


class Asset(Protocol):
    """What a rule must know of an asset's configuration."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def type(self) -> str:
        """Its feed type."""

    @property
    def limits(self) -> dict[str, list[float]]:
        """What its fields may be, by field: low and high."""


def problems(rules: Sequence[AlarmConfig], limits: Sequence[Limit], assets: Sequence[Asset]) -> Iterator[str]:
    """Yield what is wrong with the alarms' tables, one sentence a problem."""
    yield from limit_problems(limits)
    for number, rule in enumerate(rules, 1):
        for problem in _rule_problems(rule, assets):
            yield f"alarm {number} ({rule.kind}): {problem}"


def _rule_problems(rule: AlarmConfig, assets: Sequence[Asset]) -> Iterator[str]:
    allowed = sorted(KINDS.keys() - _OURS)
    if rule.kind not in allowed:
        hint = did_you_mean(rule.kind, allowed) or said("; known are: {known}", known=", ".join(allowed))
        yield said("kind: unknown kind {kind!r}{hint}", kind=rule.kind, hint=hint)
    if (rule.type is None) == (rule.asset is None):
        yield said("give either `type` (all assets of that type) or `asset` (one of them)")
        return
    type_name = rule.type or next((each.type for each in assets if each.id == rule.asset), None)
    if type_name is None:
        hint = did_you_mean(str(rule.asset), [each.id for each in assets])
        yield said("asset: there is no asset {asset!r}{hint}", asset=rule.asset, hint=hint)
        return
    if type_name not in TYPES:
        yield said(
            "type: unknown type {type_name!r}{hint}", type_name=type_name, hint=did_you_mean(type_name, TYPES)
        )
        return
    known = [*TYPES[type_name].__struct_fields__, QUALITY]
    if rule.field is not None and rule.field not in known:
        yield said(
            "field: {type_name} has no field {field!r}{hint}",
            type_name=type_name,
            field=rule.field,
            hint=did_you_mean(rule.field, known),
        )
    yield from _comparison_problems(rule, type_name)


def _comparison_problems(rule: AlarmConfig, type_name: str) -> Iterator[str]:
    given = [name for name in COMPARISONS if getattr(rule, name) is not None]
    default = next((each for each in DEFAULTS.get(type_name, ()) if each.kind == rule.kind), None)
    if given and rule.field is None and (default is None or len(default.conditions) > 1):
        yield said("field: {given} of which field?", given=", ".join(given))
    if default is None and not given and not rule.off and rule.kind != "limit":
        yield said(
            "{type_name} has no such rule: say when it is raised by one of {known}",
            type_name=type_name,
            known=", ".join(COMPARISONS),
        )
    if rule.above is not None and rule.below is not None:
        if not rule.below < rule.above:
            yield said(
                "below ({below:g}) is not less than above ({above:g}): between them all is well",
                below=rule.below,
                above=rule.above,
            )
        elif 2 * (rule.hysteresis or 0.0) >= rule.above - rule.below:
            yield said(
                "hysteresis: {hysteresis:g} leaves nothing between below and above; it must be less",
                hysteresis=rule.hysteresis,
            )
    if rule.equals is not None and len(given) > 1:
        yield said("equals goes with no other comparison; here are {given}", given=", ".join(given))
