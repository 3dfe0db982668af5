"""Because a code that nobody can explain is as good as no reason."""

import ast
import re
from pathlib import Path

import pytest

from sensors import reasons
from sensors.reasons import REASONS, STATUS
from sensors.sample import Quality
from sensors.text import LANGUAGES, translator

ROOT = Path(__file__).parents[2]
SAYERS = {"bad": 1, "doubted": 1, "doubt": 1, "BusError": 0}  # where each has its reason


def said():
    """Yield file and reason of every reason that the sensors' and the node's code gives."""
    for room in ("sensors", "gateway"):
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                at = SAYERS.get(name)
                if at is not None and len(node.args) > at:
                    reason = node.args[at]
                    if isinstance(reason, ast.Constant) and isinstance(reason.value, str):
                        yield file.name, reason.value


def test_every_reason_that_the_code_gives_is_in_the_list():
    found = list(said())
    assert len(found) > 20
    assert [each for each in found if each[1] not in REASONS] == []


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_has_a_code_that_the_feed_can_carry_and_an_opc_ua_status_of_its_severity(code):
    reason = REASONS[code]
    assert re.fullmatch(r"[a-z0-9-]+", code)
    for quality, name in ((Quality.UNCERTAIN, reason.uncertain), (Quality.BAD, reason.bad)):
        if name:
            assert STATUS[name] >> 30 == quality
    assert reason.worst > Quality.GOOD
    assert reason.status(reason.worst)[0] != ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_its_words_in_each_language(language):
    translate = translator(language)
    known = translate("the lid is open")
    assert known == ("nắp đang mở" if language == "vi" else "the lid is open")
    if language == "vi":
        assert [r.code for r in REASONS.values() if translate(r.sentence) == r.sentence] == []


def test_a_strangers_code_stands_for_itself_and_has_the_status_of_its_severity():
    assert reasons.sentence("gremlins") == "gremlins"
    assert reasons.status("gremlins", Quality.BAD) == ("Bad", 0x80000000)
    assert reasons.status("range", Quality.UNCERTAIN) == ("UncertainEngineeringUnitsExceeded", 0x40940000)
    assert reasons.status("", Quality.GOOD) == ("Good", 0)


def rows(page):
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"`[a-z0-9-]+`", cells[0]) and len(cells) == 5:
            yield cells


def test_the_page_on_quality_has_every_reason_as_the_list_has_it():
    """When it fails, this prints the table as it should be."""
    vietnamese = translator("vi")

    def cell(name):
        return f"`{name}` 0x{STATUS[name]:08X}" if name else "-"

    should = [
        [f"`{r.code}`", r.sentence, vietnamese(r.sentence), cell(r.uncertain), cell(r.bad)]
        for r in REASONS.values()
    ]
    found = list(rows(ROOT / "docs" / "quality.md"))
    assert found == should, "\n".join("| " + " | ".join(row) + " |" for row in should)


def test_the_feeds_page_names_every_reason():
    pages = [ROOT / "docs" / "feed" / "README.md"]
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    listed = [line for line in lines if line.startswith("Reasons")]
    assert re.findall(r"`([a-z0-9-]+)`", "".join(listed)) == list(REASONS)
