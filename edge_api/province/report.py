"""The programme's monthly report of a commune: one printable page, every figure with its coverage."""

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from edge_api.province import charts
from edge_api.province.days import date_of, day_of
from edge_api.province.figures import Figure
from edge_api.province.indicators import INDICATORS
from edge_api.province.office import Completeness, Office
from edge_api.province.wording import name_and_plant, unit_of
from edge_api.web.words import GAPS
from gateway.feed.communes import Commune
from sensors.figures import number
from sensors.text import Translate, translator

LITTLE = 0.8
"""Coverage below which a report marks a figure: a fifth of the time is missing."""
_MOST_SILENT = 12
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_CHAPTERS = (
    (
        "Waste",
        (
            "collection-rate",
            "weighed",
            "generated",
            "emptied-on-time",
            "overflow-hours",
            "response-p50",
            "response-p90",
        ),
    ),
    (
        "Water",
        ("outside-ph", "outside-turbidity", "outside-chlorine", "night-flow", "leakage", "supply-hours"),
    ),
    (
        "Lighting",
        (
            "lit-in-darkness",
            "lit-hours",
            "burning-by-day",
            "energy",
            "energy-saved",
            "repair-p50",
            "repair-p90",
        ),
    ),
)
_CHARTS = {"Waste": "overflow-hours", "Water": "night-flow", "Lighting": "lit-in-darkness"}


@dataclass(frozen=True, slots=True)
class Line:
    """A figure as it is printed. `bar` is the coverage in whole percent, `little` whether that is low."""

    name: str
    value: str
    unit: str
    doubtful: str
    coverage: str
    bar: int
    little: bool
    target: str
    formula: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One of the three fields of the programme; `plants` are those of the whole province."""

    title: str
    lines: list[Line]
    plants: list[Line]
    chart: Markup | None
    caption: str


def page(office: Office, place: Commune, days: range, now_ns: int, lang: str) -> str:
    """Return the report of a commune and month as HTML that needs nothing else; raise sqlite3.Error."""
    _ = translator(lang)
    past = range(days.start, min(days.stop, day_of(now_ns) + 1))
    period = office.period(place.code, days, now_ns)
    by_name = {each.name: each for each in period.figures}
    completeness = office.completeness(place.code, days)
    silent = [] if days.stop <= day_of(now_ns) else office.silent(now_ns, place.code)
    return (
        _templates()
        .get_template("report.html")
        .render(
            _=_,
            lang=lang,
            place=place,
            month=date_of(days.start).strftime("%m/%Y"),
            first=date_of(days.start).strftime("%d/%m/%Y"),
            last=date_of(days.stop - 1).strftime("%d/%m/%Y"),
            made=date_of(day_of(now_ns)).strftime("%d/%m/%Y"),
            running=days.stop > day_of(now_ns),
            whole=_line(by_name["completeness"], _, lang) if "completeness" in by_name else None,
            counts=_counts(completeness, _, lang),
            arrivals=charts.completeness(completeness, past, _, lang),
            chapters=[
                _chapter(title, office, place, by_name, past, now_ns, _, lang) for title in dict(_CHAPTERS)
            ],
            silent=[(each.name or each.key.split("/")[-1], number(s / 3600, lang, 1)) for each, s in silent],
            most_silent=_MOST_SILENT,
            people=office.config.population.get(place.code),
            kg=number(office.config.kg_per_person, lang),
            number=lambda value: number(value, lang),
        )
    )


def policy(html: str) -> str:
    """Return the Content-Security-Policy of a report: its own styles, by their digests, and nothing else."""
    digests = sorted({b64encode(sha256(text.encode()).digest()).decode() for text in _STYLE.findall(html)})
    styles = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _chapter(
    title: str,
    office: Office,
    place: Commune,
    by_name: dict[str, Figure],
    days: range,
    now_ns: int,
    _: Translate,
    lang: str,
) -> Chapter:
    lines = [_line(by_name[name], _, lang) for name in dict(_CHAPTERS)[title] if name in by_name]
    name = _CHARTS[title]
    chart = None
    if name in by_name:
        rows = office.daily(place.code, days, now_ns, name)
        values = {day: figures[0].value for day, figures in rows if figures}
        chart = charts.daily(values, days, lang)
    unit = unit_of(by_name[name], _) if name in by_name else ""
    caption = f"{name_and_plant(by_name[name], _)}, {unit}" if name in by_name else ""
    plants = _plants(office, days, now_ns, _, lang) if title == "Waste" else []
    return Chapter(_(title), lines, plants, chart, caption)


def _plants(office: Office, days: range, now_ns: int, _: Translate, lang: str) -> list[Line]:
    """Return what each plant took and how full that makes it, north first."""
    if not office.config.plants:
        return []
    figures = [each for each in office.period(None, days, now_ns).figures if each.of]
    return [_line(each, _, lang) for each in sorted(figures, key=lambda each: (each.side, each.of))]


def _line(figure: Figure, _: Translate, lang: str) -> Line:
    def text(value: float | None, decimals: int = 1) -> str:
        return "" if value is None else number(value, lang, decimals)

    formula = next(each.formula for each in INDICATORS if each.name == figure.name)
    share = figure.coverage or 0.0
    return Line(
        name=name_and_plant(figure, _),
        value=text(figure.value) or _("not measured"),
        unit="" if figure.value is None else unit_of(figure, _),
        doubtful=text(figure.doubtful or None),
        coverage="0 %" if figure.coverage is None else f"{text(100 * share)} %",
        bar=round(100 * share),
        little=share < LITTLE,
        target=text(figure.target, 0),
        formula=formula,
    )


def _counts(rows: list[Completeness], _: Translate, lang: str) -> list[tuple[str, str]]:
    """Return what the month's readings were, in words and numbers; the missing ones by reason."""
    reasons: dict[str, int] = {}
    for row in rows:
        for reason, many in row.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + many

    def count(name: str) -> str:
        return number(sum(getattr(row, name) for row in rows), lang)

    found = [
        (_("Expected"), count("expected")),
        (_("Arrived"), count("present")),
        (_("of these late"), count("late")),
        (_("of these uncertain"), count("uncertain")),
        (_("of these without a value"), count("bad")),
        (_("Missing"), count("missing")),
    ]
    return found + [
        (f"- {_(GAPS[reason]) if reason in GAPS else reason}", number(many, lang))
        for reason, many in sorted(reasons.items(), key=lambda pair: -pair[1])
    ]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("edge_api.province"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
