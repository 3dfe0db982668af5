"""Which rules each asset has: its type's defaults, the limits of the day, its own limits, the [[alarm]]s."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gateway.alarms.config import COMPARISONS, AlarmConfig, Asset
from gateway.alarms.defaults import DEFAULTS
from gateway.alarms.rules import PER_FIELD, Condition, Rule
from gateway.feed import TYPES
from gateway.feed.limits import Limit, valid

LIMIT_DELAY_S = 600.0  # a dose of chlorine or a gust of sand passes; ten minutes of it is the water
_TANK = "waterLevel"
_BACK = 0.02  # of the permitted range: how far a value must come back into it


def plan(
    assets: Iterable[Asset], configs: Sequence[AlarmConfig], limits: Sequence[Limit], day: int | None
) -> dict[str, list[Rule]]:
    """Return the rules of each asset by domain/asset, on a day since 1970 (None: not known)."""
    return {f"{TYPES[each.type].domain}/{each.id}": rules_of(each, configs, limits, day) for each in assets}


def rules_of(
    asset: Asset, configs: Sequence[AlarmConfig], limits: Sequence[Limit], day: int | None = None
) -> list[Rule]:
    """Return the rules of one asset; what is said of the asset outweighs what is said of its type."""
    rules = {rule.name: rule for rule in DEFAULTS.get(asset.type, ())}
    for row in valid(limits, asset.type, day):
        rule = _limit(row.field, row.low, row.high, row.hysteresis)
        rules[rule.name] = rule
    for field, (low, high) in asset.limits.items():
        for rule in _own(field, low, high):
            rules[rule.name] = rule
    for config in sorted(configs, key=lambda each: each.asset is not None):
        if asset.id == config.asset or asset.type == config.type:
            _change(rules, config)
    return list(rules.values())


def _limit(field: str, low: float | None, high: float | None, hysteresis: float) -> Rule:
    condition = Condition(field, above=high, below=low, hysteresis=hysteresis)
    return Rule("limit", (condition,), delay_s=LIMIT_DELAY_S)


def _own(field: str, low: float, high: float) -> list[Rule]:
    back = _BACK * (high - low)
    if field != _TANK:
        return [_limit(field, low, high, back)]
    return [
        Rule("tankLow", (Condition(field, below=low, hysteresis=back),), delay_s=LIMIT_DELAY_S),
        Rule("tankHigh", (Condition(field, above=high, hysteresis=back),), delay_s=LIMIT_DELAY_S),
    ]


def _change(rules: dict[str, Rule], config: AlarmConfig) -> None:
    names = [name for name, rule in rules.items() if rule.kind == config.kind]
    if config.kind in PER_FIELD and config.field is not None:
        names = [f"{config.kind}-{config.field}"]
    for name in names:
        if config.off:
            rules.pop(name, None)
        elif name in rules:
            rules[name] = _changed(rules[name], config)
    if not config.off and config.field is not None and not any(name in rules for name in names):
        rule = _changed(Rule(config.kind, ()), config)
        rules[rule.name] = rule


def _changed(rule: Rule, config: AlarmConfig) -> Rule:
    field = config.field or rule.conditions[0].field
    compared = {name: value for name in COMPARISONS if (value := getattr(config, name)) is not None}
    given = {
        name: value for name in ("hysteresis", "uncertain") if (value := getattr(config, name)) is not None
    }
    conditions = rule.conditions
    if compared:
        old = next((each for each in conditions if each.field == field), Condition(field))
        new = replace(Condition(field) if "equals" in compared else old, **compared, **given)
        places = [new if each.field == field else each for each in conditions]
        conditions = tuple(places if new in places else [*places, new])
    elif given:
        conditions = tuple(
            replace(each, **given) if config.field in {None, each.field} else each for each in conditions
        )
    return replace(
        rule,
        conditions=conditions,
        severity=config.severity or rule.severity,
        delay_s=rule.delay_s if config.delay is None else float(config.delay),
        readings=config.readings or rule.readings,
        end_readings=config.end_readings or rule.end_readings,
        hours=config.hours or rule.hours,
    )
