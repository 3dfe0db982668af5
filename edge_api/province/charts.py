"""The report's charts: SVG inside the page, in black on white too; nothing runs and nothing is fetched."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from edge_api.province.days import date_of, day_text
from edge_api.province.office import Completeness
from sensors.figures import number
from sensors.text import Translate

if TYPE_CHECKING:
    from pygal.style import Style

_SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)
_SIZE = {"width": 700, "height": 140}


def completeness(rows: Sequence[Completeness], days: range, _: Translate, lang: str) -> Markup:
    """Draw each day's readings: arrived good, arrived doubtful, missing; stacked."""
    from pygal import StackedBar  # noqa: PLC0415 - half a second, asked for monthly

    by_day = {row.day: row for row in rows}
    found = [by_day.get(day_text(day)) for day in days]
    chart = StackedBar(**_options(days, lang, legend=True, colors=("#1b7837", "#fdb863", "#b2182b")))
    chart.add(
        _("Arrived, good"),
        [None if row is None else row.present - row.uncertain - row.bad for row in found],
    )
    chart.add(_("Arrived, doubtful"), [None if row is None else row.uncertain + row.bad for row in found])
    chart.add(_("Missing"), [None if row is None else row.missing for row in found])
    return _svg(chart)


def daily(values: Mapping[int, float | None], days: range, lang: str) -> Markup:
    """Draw one figure a day; a day without one stays empty, it is not zero."""
    from pygal import Bar  # noqa: PLC0415

    chart = Bar(**_options(days, lang, legend=False, colors=("#2166ac",)))
    chart.add("", [values.get(day) for day in days])
    return _svg(chart)


def _options(days: range, lang: str, *, legend: bool, colors: tuple[str, ...]) -> dict[str, Any]:
    return {
        **_SIZE,
        "x_labels": [str(date_of(day).day) for day in days],
        "show_legend": legend,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 3,
        "margin": 4,
        "spacing": 8,
        "min_scale": 2,
        "max_scale": 6,
        "include_x_axis": True,
        "print_values": False,
        "show_y_guides": True,
        "js": (),
        "style": _style(colors),
        "value_formatter": lambda value: number(value, lang, 1 if 0 < abs(value) < 10 else 0),
        "no_data_text": "",
    }


def _style(colors: tuple[str, ...]) -> "Style":
    from pygal.style import Style  # noqa: PLC0415

    return Style(
        background="transparent",
        plot_background="transparent",
        foreground="#222",
        foreground_strong="#000",
        foreground_subtle="#999",
        opacity=".9",
        colors=colors,
        font_family="sans-serif",
        label_font_size=11,
        legend_font_size=11,
        major_label_font_size=11,
    )


def _svg(chart: Any) -> Markup:
    # The SVG is pygal's own writing: its XML writer escapes texts. Its script for tooltips is left out.
    svg = _SCRIPT.sub("", chart.render(is_unicode=True, disable_xml_declaration=True))
    return Markup(svg)  # noqa: S704
