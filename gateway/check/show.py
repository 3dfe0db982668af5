"""Draws a check in a terminal as narrow as a phone: marks, sentences, and how far it has come."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator

import click

from gateway.check.words import QUALITY, sentences
from gateway.feed.desk import Answer, Checked, Done, Looking
from sensors.text import translator

WIDEST = 100
_COLOURS = {"✓": "green", "✗": "red", "!": "yellow", "→": "cyan"}
_BAR = 20


def _(text: str) -> str:
    return text


def drawn(answers: Iterable[Answer], lang: str) -> Iterator[str]:
    """Yield the lines of a check as its answers come; show on standard error how far it is."""
    translate = translator(lang)
    count = {"good": 0, "uncertain": 0, "bad": 0}
    for answer in answers:
        if isinstance(answer, Looking):
            _progress(answer)
        elif isinstance(answer, Checked):
            _progress(None)
            count[answer.quality] += 1
            yield from lines(answer, lang)
        elif isinstance(answer, Done):
            _progress(None)
            yield " · ".join(f"{count[word]} {translate(QUALITY[word])}" for word in count)


def lines(answer: Checked, lang: str) -> Iterator[str]:
    """Yield what is said of one device, folded to the terminal's width."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    for mark, text in sentences(answer, lang):
        inner = "  " if mark in "→ " else ""
        folded = textwrap.wrap(
            text, max(20, width - 2 - len(inner)), break_long_words=False, break_on_hyphens=False
        )
        for number, line in enumerate(folded or [""]):
            shown = click.style(mark, fg=_COLOURS.get(mark), bold=True) if number == 0 else " "
            yield f"{inner}{shown} {line}"


def _progress(looking: Looking | None) -> None:
    if not sys.stderr.isatty():
        return
    text = ""
    if looking is not None:
        full = _BAR * looking.number // looking.count
        text = f"[{'#' * full}{'.' * (_BAR - full)}] {looking.number}/{looking.count} {looking.device}"
    click.echo(f"\r\x1b[K{text}", nl=False, err=True)
