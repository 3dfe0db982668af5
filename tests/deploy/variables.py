"""The table of variables, made from the roles' defaults: the comment above a variable is its meaning."""

import re
from collections.abc import Iterator
from pathlib import Path

ROLES = Path(__file__).parents[2] / "deploy/ansible/roles"


def rows(role: str) -> Iterator[str]:
    """Yield the row of each variable of a role."""
    comment: list[str] = []
    lines = iter((ROLES / role / "defaults/main.yml").read_text(encoding="utf-8").splitlines())
    pending: tuple[str, str, list[str]] | None = None
    for line in [*lines, "#"]:
        if pending and line.startswith("  - "):
            pending[2].append(line.removeprefix("  - "))
            continue
        if pending:
            name, value, items = pending
            value = f"[{', '.join(items)}]" if items else value
            shown = value.replace("|", "\\|")
            yield f"| `{name}` | `{shown}` | {' '.join(comment)} |"
            comment, pending = [], None
        if line.startswith("#"):
            comment.append(line[1:].strip())
        elif found := re.match(r"(\w+):\s*(.*)", line):
            pending = (found[1], found[2], [])
