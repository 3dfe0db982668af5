"""The page on alarms tells the rules that there are: each default as it is, and each row of the limits."""

from pathlib import Path

import pytest

from gateway.alarms.defaults import DEFAULTS
from gateway.feed.limits import shipped

PAGE = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|")
]
RULES = [(type_name, rule) for type_name, rules in DEFAULTS.items() for rule in rules]


@pytest.mark.parametrize(("type_name", "rule"), RULES, ids=lambda it: getattr(it, "kind", it))
def test_a_default_rule_is_in_the_table_as_it_is(type_name, rule):
    wanted = "every type" if rule.kind == "sensorFault" else f"`{type_name}`"
    rows = [row for row in ROWS if row[0] == wanted and f"`{rule.kind}`" in row[1]]
    (row,) = [row for row in rows if len(rows) == 1 or row[2].startswith(f"`{rule.conditions[0].field}`")]
    _, _, words, lasting, severity = row
    assert severity == rule.severity
    needs = [f"{rule.delay_s / 60:g} min"] if rule.delay_s else []
    needs += [f"{rule.readings} readings"] if rule.readings > 1 else []
    assert lasting == (" and ".join(needs) or "at once")
    for each in [*rule.conditions, *([rule.when] if rule.when else [])]:
        if rule.kind == "sensorFault":
            continue
        assert f"`{each.field}`" in words
        for limit in (each.above, each.at_least, each.below, each.rises):
            assert limit is None or f"{limit:g}" in words
        assert each.equals in {None, True} or str(each.equals) in words
        if each.hysteresis and each is not rule.when:
            back = (
                each.below + each.hysteresis
                if each.below
                else (each.above or each.at_least or 0.0) - each.hysteresis
            )
            assert f"until {back:g}" in words


def test_every_limit_of_the_shipped_table_is_in_the_page_and_no_other():
    told = {tuple(row) for row in ROWS if len(row) == 5 and row[3][:2] == "20"}
    rows = {(f"`{r.field}`", _text(r.low), _text(r.high), str(r.since), r.source) for r in shipped()}
    assert told == rows


def _text(value):
    return "" if value is None else str(value)
