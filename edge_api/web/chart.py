"""Draws the history of one field as an SVG on the server: readings, doubts, gaps, and limits."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edge_api.web.figures import LOCAL
from edge_api.web.series import Series
from edge_api.web.span import Span
from sensors.figures import number
from sensors.text import Translate

__all__ = ["CSP", "Look", "draw"]

CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For the picture alone: it brings its style along, and may nothing else."""

_MOST_TICKS = 8
_SCRIPT = re.compile(rb"<script.*?</script>", re.DOTALL)  # for charts that move; ours do not


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart is shown: on a phone or wider, on a light ground or a dark one, in which language."""

    narrow: bool
    dark: bool
    lang: str
    say: Translate


def draw(shown: Series, limits: Sequence[float], span: Span, stop_s: float, unit: str, look: Look) -> bytes:
    """Return an SVG. `limits` are the lowest and highest value that are as they should be."""
    import pygal  # noqa: PLC0415 - a few megabytes, and most pages have no chart
    from pygal.style import Style  # noqa: PLC0415

    ink, soft, grid, ground = (
        ("#eef1ee", "#b4bdb5", "#3d463f", "#1b201d")
        if look.dark
        else ("#141816", "#49514a", "#d9ded8", "#ffffff")
    )
    good, doubt, bad = ("#7bdba0", "#f5bf6b", "#ffa59d") if look.dark else ("#14603a", "#b26a00", "#a81c14")
    text = 13 if look.narrow else 14
    style = Style(
        background=ground,
        plot_background=ground,
        foreground=soft,
        foreground_strong=ink,
        foreground_subtle=grid,
        stroke_width="2.2",
        opacity="1",
        opacity_hover="1",
        transition="0s",
        font_family='system-ui, "Noto Sans", "DejaVu Sans", sans-serif',
        label_font_size=text,
        major_label_font_size=text,
        title_font_size=text,
        no_data_font_size=20,
        guide_stroke_color=grid,
        major_guide_stroke_color=grid,
        guide_stroke_dasharray="2,4",
        major_guide_stroke_dasharray="2,4",
    )
    low, high = _room(shown, limits)
    decimals = max(0, min(3, 1 - math.floor(math.log10(high - low))))  # as fine as the axis
    chart = pygal.XY(
        style=style,
        js=[],
        width=380 if look.narrow else 620,
        height=270 if look.narrow else 280,
        explicit_size=True,
        show_legend=False,  # the page's own is never cut off
        allow_interruptions=True,
        show_dots=False,
        range=(low, high),
        xrange=(stop_s - span.seconds, stop_s),
        max_scale=6,
        y_title=unit or None,
        show_minor_y_labels=True,
        margin=6,
        margin_right=16,
        no_data_text=look.say(_("no readings in this time")),
        value_formatter=lambda value: number(float(value), look.lang, decimals),
        x_value_formatter=lambda at: f"{datetime.fromtimestamp(at, UTC).astimezone(LOCAL):{span.tick_text}}",
        print_values=False,
        include_x_axis=False,
        disable_xml_declaration=False,
    )
    chart.x_labels = _ticks(stop_s, span, few=look.narrow)
    _add(chart, shown.line, good)
    if shown.uncertain:
        _add(chart, shown.uncertain, doubt, dots=3)
    if shown.bad:
        _add(chart, [(at, low) for at in shown.bad], bad, dots=3)
    if limits:
        ends: list[tuple[float, float | None]] = []
        for value in limits:
            ends += [(stop_s - span.seconds, value), (stop_s, value), (stop_s, None)]
        _add(chart, ends, bad, dashed=True)
    drawn: bytes = chart.render()
    return _SCRIPT.sub(b"", drawn)


def _add(
    chart: Any,
    points: Sequence[tuple[float, float | None]],
    colour: str,
    *,
    dashed: bool = False,
    dots: int = 0,
) -> None:
    stroke = {"dasharray": "7, 5"} if dashed else {}
    values = [{"value": (at, value), "color": colour} if dots else (at, value) for at, value in points]
    chart.config.style.colors = (*_colours(chart), colour)
    chart.add(None, values, stroke=not dots, show_dots=bool(dots), dots_size=dots or 1, stroke_style=stroke)


def _colours(chart: Any) -> tuple[str, ...]:
    return tuple(chart.config.style.colors[: len(chart.raw_series)])


def _room(shown: Series, limits: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and highest value of the axis: all that was measured, and the limits, with air."""
    values = [*shown.values, *limits] or [0.0, 1.0]
    low, high = min(values), max(values)
    air = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    return (0.0 if 0.0 <= low < air else low - air), high + air


def _ticks(stop_s: float, span: Span, *, few: bool) -> list[float]:
    """Return whole local hours or days inside the span."""
    step = span.tick_s * 2 if few else span.tick_s
    offset = LOCAL.utcoffset(None).total_seconds()
    first = math.ceil((stop_s - span.seconds + offset) / step) * step - offset
    return [first + n * step for n in range(_MOST_TICKS + 1) if first + n * step <= stop_s]
