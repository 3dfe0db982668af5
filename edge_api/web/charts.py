"""The charts of one asset: each field that a line can show, in words, with a legend, and as a picture."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Response

from edge_api.history import AssetNow, TooManyRows
from edge_api.web import chart, words
from edge_api.web.figures import range_text, units_of, value_text
from edge_api.web.frame import Frame, Look
from edge_api.web.series import Series, series
from edge_api.web.span import SPANS, Span
from sensors.figures import UNITS

__all__ = ["Drawn", "chart_routes", "charts"]

_NS_A_SECOND = 1_000_000_000
_STALE_AFTER_S = 900.0


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chart on the page: where its picture is, what it shows in words, its marks and what they mean."""

    label: str
    address: str
    words: str
    legend: list[tuple[str, str]]


def chart_routes(frame: Frame) -> APIRouter:
    """Return the route of the pictures."""
    router = APIRouter(include_in_schema=False)

    @router.get("/chart.svg")
    def picture(
        look: Annotated[Look, Depends(frame.reader)],
        key: Annotated[str, Query(max_length=300)],
        field: Annotated[str, Query(max_length=64)],
        span: Annotated[str, Query(max_length=10)] = "day",
        narrow: Annotated[bool, Query()] = False,
        dark: Annotated[bool, Query()] = False,
    ) -> Response:
        asset, chosen = frame.asset(key), SPANS.get(span, SPANS["day"])
        stop_ns = frame.edge.now_ns() + 1
        code = units_of(asset).get(field, "")
        share = field in words.SHARES
        drawn = chart.draw(
            _scaled(_series(frame, asset, field, chosen, stop_ns), 100.0 if share else 1.0),
            [each * (100.0 if share else 1.0) for each in asset.limits.get(field, [])[:2]],
            chosen,
            stop_ns / _NS_A_SECOND,
            "%" if share else UNITS.get(code, code),
            chart.Look(narrow, dark, look.lang, look.say),
        )
        headers = {"Content-Security-Policy": chart.CSP, "Cache-Control": "private, max-age=20"}
        return Response(drawn, headers=headers, media_type="image/svg+xml")

    return router


def charts(frame: Frame, asset: AssetNow, span: Span, look: Look) -> list[Drawn]:
    """Return a chart of each field whose values are numbers."""
    return [
        _drawn(frame, asset, field, span, look)
        for field, now in asset.fields.items()
        if isinstance(now.value, (int, float)) and not isinstance(now.value, bool)
    ]


def _drawn(frame: Frame, asset: AssetNow, field: str, span: Span, look: Look) -> Drawn:
    shown = _series(frame, asset, field, span, frame.edge.now_ns() + 1)
    code, say = units_of(asset).get(field, ""), look.say
    if shown.values:
        low, high = (
            value_text(field, float(each), code, look.lang, say)
            for each in (min(shown.values), max(shown.values))
        )
        said = say(_("lowest {low}, highest {high}")).format(low=low, high=high)
    else:
        said = say(_("no readings in this time"))
    legend = []
    if shown.uncertain:
        legend.append(("doubt", say(_("uncertain"))))
    if shown.bad:
        legend.append(("none", say(_("bad, no value"))))
    if limits := asset.limits.get(field, [])[:2]:
        allowed = range_text(field, limits, code, look.lang, say)
        legend.append(("limit", say(_("allowed: {range}")).format(range=allowed)))
    return Drawn(
        label=say(words.FIELDS[field]) if field in words.FIELDS else field,
        address=f"/chart.svg?key={quote(asset.key, safe='')}&field={quote(field, safe='')}"
        f"&span={span.name}&lang={look.lang}",
        words=said,
        legend=[("line", say(_("good"))), *legend] if legend else [],
    )


def _series(frame: Frame, asset: AssetNow, field: str, span: Span, stop_ns: int) -> Series:
    start_ns = stop_ns - span.seconds * _NS_A_SECOND
    ask = frame.edge.history.readings
    try:
        quality, reasons = ask(asset.key, "q", start_ns, stop_ns), ask(asset.key, "qr", start_ns, stop_ns)
    except TooManyRows:  # nearly all of a month was doubtful: then each point is shown to be
        quality, reasons = ask(asset.key, "q", start_ns, stop_ns, span.every_s), []
    return series(
        field,
        ask(asset.key, field, start_ns, stop_ns, span.every_s),
        quality,
        reasons,
        every_s=span.every_s,
        stale_after_s=asset.stale_after_s or _STALE_AFTER_S,
    )


def _scaled(shown: Series, by: float) -> Series:
    return Series(
        [(at, None if value is None else value * by) for at, value in shown.line],
        [(at, value * by) for at, value in shown.uncertain],
        shown.bad,
    )
