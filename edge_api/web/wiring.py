"""The wiring pages of the documents as HTML: headings, tables, drawings. Whatever they hold stays text."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup, escape

__all__ = ["wiring_page"]

_HERE = Path(__file__).parent
_FOLDERS = (_HERE / "wiring", _HERE.parents[1] / "docs" / "wiring")  # as installed, and in a checkout
_NAME = re.compile(r"[a-z0-9-]{1,64}")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


@lru_cache(maxsize=64)
def wiring_page(driver: str, lang: str) -> Markup | None:
    """Return how a device of this driver is wired; None when there is no page of it."""
    if not _NAME.fullmatch(driver):
        return None
    for folder in _FOLDERS:
        file = (folder / "vi" if lang == "vi" else folder) / f"{driver}.md"
        if file.is_file():
            return Markup("\n").join(_blocks(file.read_text(encoding="utf-8").splitlines()))
    return None


def _blocks(lines: list[str]) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if line.startswith("```"):
            while end < len(lines) and not lines[end].startswith("```"):
                end += 1
            if not line[3:].strip():  # a drawing; settings are the technician's at home, not at the pole
                drawing = "\n".join(lines[at + 1 : end])
                yield Markup('<pre tabindex="0"><code>{}</code></pre>').format(drawing)
            end += 1
        elif line.startswith("|"):
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            yield _table([_cells(each) for each in lines[at:end]])
        elif line.startswith("## "):
            yield Markup("<h3>{}</h3>").format(_inline(line[3:]))
        elif line.strip() and not line.startswith(("# ", "[")):
            while end < len(lines) and lines[end].strip() and not lines[end].startswith(("|", "```", "#")):
                end += 1
            yield Markup("<p>{}</p>").format(_inline(" ".join(lines[at:end])))
        at = end


def _cells(row: str) -> list[str]:
    return [each.strip() for each in row.strip().strip("|").split("|")]


def _table(rows: list[list[str]]) -> Markup:
    head, *body = [row for row in rows if not all(re.fullmatch(r":?-+:?", each) for each in row)]
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(_inline(each)) for each in head)
    lines = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup("<td>{}</td>").format(_inline(each)) for each in row)
        )
        for row in body
    )
    table = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(heads, lines)
    return Markup('<div class="scroll" tabindex="0">{}</div>').format(table)


def _inline(text: str) -> Markup:
    """Return bold and code marked, links as their words, and everything else escaped."""
    safe = str(escape(_LINK.sub(r"\1", text)))
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", safe))  # noqa: S704 - escaped just now
