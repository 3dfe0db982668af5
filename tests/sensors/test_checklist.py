"""Because a grade that nobody holds a driver to is an advertisement."""

import inspect
import re
from pathlib import Path

import pytest

from sensors import registry
from sensors.drivers.grades import grades
from sensors.drivers.registers import load_map, shipped
from sensors.findings import Diagnosing
from sensors.settings import convert
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.faults import Faults
from tests.sensors.benches import BENCHES

WIRING = Path(__file__).parents[2] / "docs" / "wiring"
NO_CHIP = {"contact", "pulse-flow", "modbus-probe"}  # a contact, a reed, a map: no chip, no sheet
CITES = re.compile(r"sheet|manual|ABI|IEC|documentation|tables", re.IGNORECASE)


def test_every_driver_has_its_marks_and_no_other():
    assert sorted(grades()) == registry.drivers()


@pytest.mark.parametrize("name", sorted(set(registry.drivers()) - NO_CHIP))
def test_a_driver_says_where_its_facts_are_from(name):
    module = inspect.getmodule(registry.driver(name))
    assert CITES.search(module.__doc__)


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.__name__)
def test_a_driver_has_what_its_marks_say(bench):
    marks = grades()[bench.driver]
    io = SimIO(VirtualClock())
    try:
        wired = bench(io)
        kind = registry.driver(bench.driver)
        driver = kind(convert(dict(bench.config), kind.Config), io)
        assert isinstance(driver, Diagnosing) is (marks.diagnose is True)
        if marks.faults is True:
            assert any(isinstance(getattr(part, "faults", None), Faults) for part in vars(wired).values())
    finally:
        io.close()
    if marks.grade == "demo":
        assert grades()[marks.instead].grade == "field"


@pytest.mark.parametrize("name", registry.drivers())
@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_driver_has_its_wiring_page_in_both_languages_with_its_grade(name, language):
    page = (WIRING / f"{name}.md" if language == "en" else WIRING / "vi" / f"{name}.md").read_text("utf-8")
    assert f"`{name}`" in page.partition("\n")[0]
    assert page.count("| Raspberry Pi |") == 1, "a wiring table"
    assert "```\n" in page, "a drawing"
    assert "```toml\n# node.toml\n" in page, "an example that loads"
    word = "Grade" if language == "en" else "Hạng"
    assert f"**{word}: {grades()[name].grade}.**" in page
    lines = page.split("```")
    assert sum(line.startswith("| `") for line in lines[-1].splitlines()), "faults, and where to look"


def test_both_languages_show_the_same_settings():
    def examples(page):
        blocks = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        return [re.sub(r" *#.*", "", block) for block in blocks]

    for page in WIRING.glob("vi/*.md"):
        assert examples(page) == examples(WIRING / page.name), page.name


def rows():
    for name in registry.drivers():
        marks = grades()[name]
        instead = f"[{marks.instead}]({marks.instead}.md)" if marks.instead else ""
        yield f"| [{name}]({name}.md) | {marks.grade} | {marks.tier} | {instead} |"


def test_the_page_of_grades_is_that_of_the_checklist():
    """When it fails, this prints the table as it should be."""
    page = (WIRING / "grades.md").read_text("utf-8")
    found = [line for line in page.splitlines() if line.startswith("| [")]
    assert found == list(rows()), "\n".join(rows())


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_map_loads_and_says_where_it_is_from(name):
    table = load_map(name)
    assert len(table.source) > 30
    assert table.registers
    assert f"`{name}`" in (WIRING / "modbus-probe.md").read_text("utf-8")
