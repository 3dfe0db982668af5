"""What can be wrong with a device's wires, and where to look: the findings of `commune node check`.

A driver says what it saw as `Finding("echo-high", "GPIO24")`; `sensors.causes` has the sentences for
people, each in two parts: what is wrong, and what to do next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from sensors.causes import DEVICES
from sensors.causes_machine import MACHINE
from sensors.figures import short
from sensors.header import pin_of
from sensors.sample import Quality
from sensors.text import translator

Fact = str | int | float
CAUSES = DEVICES | MACHINE


@dataclass(frozen=True, init=False)
class Finding:
    """One thing that is wrong: a code, the line, port or file to look at, and facts for the sentence."""

    code: str
    where: str
    facts: Mapping[str, Fact]

    def __init__(self, code: str, where: str = "", /, **facts: Fact) -> None:
        """Raise KeyError for a code that has no sentence, and for a fact that its sentence lacks."""
        missing = CAUSES[code].names - set(facts) - {"where"}
        if missing:
            raise KeyError(f"{code}: the sentence also needs {', '.join(sorted(missing))}")
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "where", where)
        object.__setattr__(self, "facts", MappingProxyType(facts))

    @property
    def severity(self) -> Quality:
        """Whether the device gives no value (BAD), or one that is not to be trusted (UNCERTAIN)."""
        return CAUSES[self.code].severity


@runtime_checkable
class Diagnosing(Protocol):
    """A driver that can say more than a reason code. Only a check calls it, never the schedule."""

    def diagnose(self) -> Sequence[Finding]:
        """Look closer, after `read`, at what is wrong; empty when nothing is. Blocks for a bounded time."""


def say(finding: Finding, lang: str) -> tuple[str, str]:
    """Return what is wrong, and where to look or what to do next, in one of `sensors.text.LANGUAGES`."""
    cause, translate = CAUSES[finding.code], translator(lang)
    facts = {name: _word(value, lang) for name, value in {"where": finding.where, **finding.facts}.items()}
    return translate(cause.wrong).format(**facts), translate(cause.look).format(**facts)


def _(text: str) -> str:
    return text


def _word(value: Fact, lang: str) -> str:
    if not isinstance(value, str):
        return short(value, lang) if isinstance(value, float) else str(value)
    pin = pin_of(value)  # a person on a ladder counts pins on the header; GPIO numbers are not printed on it
    if pin is None:
        return value
    return translator(lang)(_("{line} (pin {pin})")).format(line=value, pin=pin)
