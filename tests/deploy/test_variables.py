"""The variables of the roles: each has a meaning, and the page says what the roles do."""

import re
from pathlib import Path

import pytest

from tests.deploy.variables import ROLES, rows

PAGE = Path(__file__).parents[2] / "docs/deploy/variables.md"
NAMES = sorted(each.name for each in ROLES.iterdir())


@pytest.mark.parametrize("role", NAMES)
def test_the_page_has_each_variable_with_its_default_and_meaning(role: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition(f"## Role `{role}`")[2].partition("\n## ")[0]
    assert [row for row in section.splitlines() if row.startswith("| `")] == list(rows(role))
    assert [row for row in rows(role) if row.endswith("|  |")] == [], "a comment above it says what it means"


def test_a_role_reads_no_variable_of_its_own_that_has_no_default() -> None:
    books = "\n".join(each.read_text(encoding="utf-8") for each in (ROLES.parent / "playbooks").glob("*.yml"))
    for role in NAMES:
        files = [each for each in (ROLES / role).rglob("*") if each.is_file()]
        # what stands in `files` is copied as it is, and reads no variable
        texts = [each.read_text(encoding="utf-8") for each in files if each.parent.name != "files"]
        named = {name for text in texts for name in re.findall(rf"\b{role}_[a-z0-9_]+\b", text)}
        set_in = re.compile(rf"^\s*({role}_[a-z0-9_]+):", re.MULTILINE)
        given = {name for text in [*texts, books] for name in set_in.findall(text)}
        asked = {name for text in texts for name in re.findall(rf"register: ({role}_[a-z0-9_]+)", text)}
        assert named - given - asked == set(), role
