"""Draws a check in a terminal as narrow as a phone: marks, sentences, and how far it has come."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import click

from gateway.check.words import QUALITY, sentences
from gateway.feed.desk import Answer, Checked, Done, Looking
from sensors.text import translator

WIDEST = 100
_COLOURS = {"✓": "green", "✗": "red", "!": "yellow", "→": "cyan"}
_WORST_FIRST = ("bad", "uncertain", "good")
_BAR = 20


def _(text: str) -> str:
    return text


def drawn(answers: Iterable[Answer], lang: str) -> Iterator[str]:
    """Yield the lines of a check as its answers come; show on standard error how far it is."""
    for block in _blocks(answers, lang):
        yield from block.lines


def fitting(answers: Iterable[Answer], lang: str) -> list[str]:
    """Return the lines of a whole check that fit the terminal: the worst devices first where not all do."""
    blocks = list(_blocks(answers, lang))
    rows = shutil.get_terminal_size().lines - 1
    if sum(len(block.lines) for block in blocks) <= rows:
        return [line for block in blocks for line in block.lines]
    *devices, end = blocks
    said = translator(lang)(_("… and {count} devices more: --device NAME shows one alone."))
    rows -= len(end.lines) + len(folded(said.format(count=len(devices))).splitlines())
    found: list[str] = []
    left = 0
    for block in sorted(devices, key=lambda each: _WORST_FIRST.index(each.quality)):
        if left or len(found) + len(block.lines) > rows:
            left += 1
        else:
            found += block.lines
    return [*found, *folded(said.format(count=left)).splitlines(), *end.lines]


class _Block(NamedTuple):
    """The lines of one device, or the count at the end."""

    quality: str
    lines: list[str]


def _blocks(answers: Iterable[Answer], lang: str) -> Iterator[_Block]:
    translate = translator(lang)
    count = {"good": 0, "uncertain": 0, "bad": 0}
    for answer in answers:
        if isinstance(answer, Looking):
            _progress(answer)
        elif isinstance(answer, Checked):
            _progress(None)
            count[answer.quality] += 1
            yield _Block(answer.quality, list(lines(answer, lang)))
        elif isinstance(answer, Done):
            _progress(None)
            words = " · ".join(f"{count[word]} {translate(QUALITY[word])}" for word in count)
            yield _Block("", [words])


def folded(text: str, indent: str = "") -> str:
    """Fold a text to the terminal's width, its further lines indented."""
    width = min(shutil.get_terminal_size().columns, WIDEST) - 1
    return textwrap.fill(text, max(20, width), subsequent_indent=indent, break_on_hyphens=False)


def lines(answer: Checked, lang: str) -> Iterator[str]:
    """Yield what is said of one device, folded to the terminal's width."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    for mark, text in sentences(answer, lang):
        inner = "  " if mark in "→ " else ""
        rows = textwrap.wrap(text, max(20, width - 2 - len(inner)), break_on_hyphens=False)
        for number, line in enumerate(rows or [""]):
            shown = click.style(mark, fg=_COLOURS.get(mark), bold=True) if number == 0 else " "
            yield f"{inner}{shown} {line}"


def _progress(looking: Looking | None) -> None:
    if not sys.stderr.isatty():
        return
    text = ""
    if looking is not None:
        full = _BAR * looking.number // looking.count
        text = f"[{'#' * full}{'.' * (_BAR - full)}] {looking.number}/{looking.count} {looking.device}"
    drawn_over(text)


def drawn_over(text: str) -> None:
    """Draw a text over the last one on standard error; of one too long the front is left off.

    A line that wraps could not be drawn over.
    """
    room = shutil.get_terminal_size().columns - 1
    shown = text if len(text) <= room else f"…{text[1 - room :]}"
    click.echo(f"\r\x1b[K{shown}", nl=False, err=True)
