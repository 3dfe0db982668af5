"""The spans of time that a history can be looked at: an hour, a day, a week, a month."""

from dataclasses import dataclass

__all__ = ["SPANS", "Span"]


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Span:
    """`seconds` of history in points of `every_s`, with a mark on the time axis each `tick_s`."""

    name: str
    word: str
    seconds: int
    every_s: int
    tick_s: int
    tick_text: str  # strftime


SPANS = {
    each.name: each
    for each in (
        Span("hour", _("Hour"), 3600, 20, 600, "%H:%M"),
        Span("day", _("Day"), 86_400, 300, 4 * 3600, "%H:%M"),
        Span("week", _("Week"), 7 * 86_400, 3600, 86_400, "%d/%m"),
        Span("month", _("Month"), 30 * 86_400, 3 * 3600, 5 * 86_400, "%d/%m"),
    )
}
