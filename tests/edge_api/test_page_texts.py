"""What stands on the page as text: each driver's wiring, and no sentence that goes past the catalogue."""

import re
from pathlib import Path

import pytest

from edge_api.web.wiring import wiring_page

TEMPLATES = Path(__file__).parents[2] / "edge_api" / "web" / "templates"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_each_drivers_wiring_is_shown_as_text_and_tables(lang: str) -> None:
    made = wiring_page("hcsr04", lang)
    assert made is not None
    assert "<table>" in made
    assert "GPIO23" in made
    assert "```" not in made
    assert "](" not in made
    assert wiring_page("../../etc/passwd", lang) is None


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.name)
def test_no_template_holds_a_sentence_that_goes_past_the_catalogue(file: Path) -> None:
    text = re.sub(r"{[{%#].*?[}%#]}", " ", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"<pre.*?</pre>", " ", text, flags=re.DOTALL)
    left = re.sub(r"<[^>]*>", " ", text)
    assert re.findall(r"[^\W\d_]{2,}", left) == ([] if file.name != "docs.html" else ["OpenAPI"])
    attributes = re.findall(r'(?:alt|title|placeholder|aria-label|value)="([^"]*)"', text)
    assert [
        each for each in attributes if re.search(r"[^\W\d_]{2,}", each) and each not in {"admin", "start"}
    ] == []
