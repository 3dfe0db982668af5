"""The page of indicators says of each what the code does: name, unit, formula, source."""

from pathlib import Path

from edge_api.province.indicators import INDICATORS
from edge_api.province.wording import NAMES_OF, UNITS_OF

PAGE = Path(__file__).parents[2] / "docs" / "indicators.md"


def test_the_page_lists_each_indicator_as_the_code_has_it() -> None:
    chapter, _, _ = PAGE.read_text(encoding="utf-8").partition("\n## ")
    listed = [line for line in chapter.splitlines() if line.startswith("| `")]
    assert listed == [f"| `{it.name}` | {it.unit} | {it.formula} | {it.source} |" for it in INDICATORS]


def test_each_indicator_has_a_name_in_words() -> None:
    assert set(NAMES_OF) == {it.name for it in INDICATORS}
    assert {it.unit for it in INDICATORS} - set(UNITS_OF) <= {"%", "m³/h", "kWh"}
