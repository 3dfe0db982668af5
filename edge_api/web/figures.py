"""Figures and times as people here write them: 1.234,5 and 23/11/2026 12:40 (UTC+7)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from edge_api.history import AssetNow
from edge_api.web import words
from gateway.feed import TYPES
from sensors.figures import DECIMALS, UNITS, number
from sensors.sample import Value
from sensors.text import Translate

LOCAL = timezone(timedelta(hours=7), "UTC+7")

_NS_A_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _(text: str) -> str:
    return text


# An age is told in the largest unit of which there are at least two.
_AGES = (
    (2 * 86_400, 86_400, _("{n} days ago")),
    (2 * 3600, 3600, _("{n} h ago")),
    (2 * 60, 60, _("{n} min ago")),
    (0, 1, _("{n} s ago")),
)
_SPANS = (
    (2 * 86_400, 86_400, _("{n} days")),
    (2 * 3600, 3600, _("{n} h")),
    (2 * 60, 60, _("{n} min")),
    (0, 1, _("{n} s")),
)


def value_text(field: str, value: Value, unit: str, lang: str, translate: Translate) -> str:
    """Write the value of a field with its unit; words of the feed are translated."""
    if isinstance(value, bool):
        return translate(_("yes")) if value else translate(_("no"))
    if isinstance(value, str):
        return translate(words.VALUES[value]) if value in words.VALUES else value
    if field in words.SHARES:
        return f"{number(value * 100, lang, 0)} %"
    decimals = None if isinstance(value, int) else DECIMALS.get(unit)
    return f"{number(value, lang, decimals)} {UNITS.get(unit, unit)}".rstrip()


def units_of(asset: AssetNow) -> dict[str, str]:
    """Return the unit codes of an asset's fields: those of its type, and what its node says of them."""
    kind = TYPES.get(asset.type)
    return (dict(kind.units) if kind else {}) | asset.units


def range_text(field: str, ends: Sequence[float], unit: str, lang: str, translate: Translate) -> str:
    """Write the lowest and highest value of a field, the unit once: 0,00 … 2,00 NTU."""
    texts = [value_text(field, each, unit, lang, translate) for each in ends]
    figure, _, tail = texts[-1].rpartition(" ") if texts else ("", "", "")
    return " … ".join([each.removesuffix(f" {tail}") if figure else each for each in texts[:-1]] + texts[-1:])


def age(seconds: float, translate: Translate) -> str:
    """Say how long ago; what lies in the future (a clock that is ahead) is said as such."""
    if seconds < -1:
        return translate(_("in the future"))
    for least, size, text in _AGES:
        if seconds >= least:
            return translate(text).format(n=int(seconds // size))
    return translate(_AGES[-1][2]).format(n=0)


def span_text(seconds: float, translate: Translate) -> str:
    """Say how long something takes or lasts, in the largest unit of which there are at least two."""
    for least, size, text in _SPANS:
        if seconds >= least:
            return translate(text).format(n=int(seconds // size))
    return translate(_SPANS[-1][2]).format(n=0)


def local_time(ns: int) -> str:
    """Write a time (ns since 1970) as the clock on the wall here shows it."""
    return f"{(_EPOCH + timedelta(seconds=ns // _NS_A_SECOND)).astimezone(LOCAL):%d/%m/%Y %H:%M:%S}"


def local_text(rfc3339: str, translate: Translate) -> str:
    """Write an RFC 3339 time as the clock here shows it; what is not one is said to be unknown."""
    try:
        return f"{datetime.fromisoformat(rfc3339).astimezone(LOCAL):%d/%m/%Y %H:%M:%S}"
    except ValueError:
        return translate(words.VALUES["unknown"])
