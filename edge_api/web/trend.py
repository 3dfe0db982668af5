"""How complete a commune's last days were: a row of bars, and the same in words for whoever sees none."""

from collections.abc import Mapping

from markupsafe import Markup

from edge_api.province.days import date_of
from sensors.figures import number
from sensors.text import Translate

__all__ = ["DAYS", "FEW", "trend"]

DAYS = 14
FEW = 0.98
"""Of the expected readings: what is below wants a look."""

_HEIGHT = 20  # of a bar of all; its width is 3, and the next begins a quarter further
_STEP = 4
_LEAST = 1  # a day on which nothing came is a stub, one that was not counted nothing


def _(text: str) -> str:
    return text


def trend(shares: Mapping[int, float], today: int, lang: str, say: Translate) -> Markup:
    """Draw what share of the expected readings came on the days up to `today` (since 1970, here).

    Shares are 0 to 1; a day that is not among them was not counted. Empty when none was.
    """
    days = range(today - DAYS + 1, today + 1)
    counted = {day: shares[day] for day in days if day in shares}
    if not counted:
        return Markup()
    bars = {
        tone: "".join(_bar(day - days.start, share) for day, share in counted.items() if (share < FEW) == few)
        for tone, few in (("good", False), ("warn", True))
    }
    paths = Markup().join(
        Markup('<path class="{}" d="{}"/>').format(tone, path) for tone, path in bars.items() if path
    )
    return Markup('<svg class="trend" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        DAYS * _STEP, _HEIGHT, _words(counted, lang, say), paths
    )


def _bar(at: int, share: float) -> str:
    height = max(_LEAST, round(min(share, 1.0) * _HEIGHT))
    return f"M{at * _STEP + 2} {_HEIGHT}v-{height}"


def _words(counted: Mapping[int, float], lang: str, say: Translate) -> str:
    least = min(counted, key=lambda day: (counted[day], -day))
    return say(_("{n} days counted, {few} of them incomplete; least on {day}: {share} %")).format(
        n=len(counted),
        few=sum(share < FEW for share in counted.values()),
        day=f"{date_of(least):%d/%m}",
        share=number(counted[least] * 100, lang, 1),
    )
