"""One asset: what it says now, how it has been, its alarms, and its readings as a file for a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import StreamingResponse

from edge_api.api.problems import Problem
from edge_api.api.times import rfc3339
from edge_api.history import AssetNow, TooManyRows
from edge_api.web import chart, words
from edge_api.web.alarms import alarm_lines
from edge_api.web.cards import CardMaker
from edge_api.web.desk import DeskAway, ask_desk
from edge_api.web.figures import local_text, value_text
from edge_api.web.frame import Frame, Look
from edge_api.web.series import Series, series
from edge_api.web.span import SPANS, Span
from gateway.feed import TYPES
from gateway.feed.desk import Ask, Calibrated, Target
from sensors.figures import UNITS
from sensors.sample import Value

_NS_A_SECOND = 1_000_000_000
_STALE_AFTER_S = 900.0
_MOST_ALARMS = 1000  # of the book that are looked through for this asset's
_SHOWN_ALARMS = 10
_MOST_ROWS = 200_000


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chart on the page: its field, where its picture is, and what it shows in words."""

    field: str
    label: str
    address: str
    words: str


def asset_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    edge = frame.edge

    @router.get("/asset/{key:path}")
    def asset(
        key: Annotated[str, Path()],
        look: Annotated[Look, Depends(frame.reader)],
        span: Annotated[str, Query(max_length=10)] = "day",
    ) -> Response:
        found = _found(frame, key)
        chosen = SPANS.get(span, SPANS["day"])
        maker = CardMaker(edge.now_ns(), look.lang, look.say)
        mine = [
            each
            for each in edge.alarms.alarms(found.commune or None, None, _MOST_ALARMS)
            if (each.domain, each.asset) == (found.domain, found.id)
        ]
        return frame.show(
            look,
            "asset.html",
            live="asset",
            poll=60,
            view="overview",
            asset=found,
            card=maker.card(found),
            limits={field: _limits(found, field, look) for field in found.limits},
            spans=[(each.name, look.say(each.word)) for each in SPANS.values()],
            span=chosen.name,
            charts=[_drawn(frame, found, field, chosen, look) for field in _numbers(found)],
            lines=alarm_lines(frame, look, mine[:_SHOWN_ALARMS]),
            calibrations=_calibrations(frame, look, found),
        )

    @router.get("/chart.svg")
    def picture(
        look: Annotated[Look, Depends(frame.reader)],
        key: Annotated[str, Query(max_length=300)],
        field: Annotated[str, Query(max_length=64)],
        span: Annotated[str, Query(max_length=10)] = "day",
        narrow: Annotated[bool, Query()] = False,
        dark: Annotated[bool, Query()] = False,
    ) -> Response:
        found = _found(frame, key)
        chosen = SPANS.get(span, SPANS["day"])
        stop_ns = edge.now_ns() + 1
        shown = _series(frame, found, field, chosen, stop_ns)
        scale = 100.0 if field in words.SHARES else 1.0
        drawn = chart.draw(
            _scaled(shown, scale),
            [each * scale for each in found.limits.get(field, [])[:2]],
            chosen,
            stop_ns / _NS_A_SECOND,
            "%" if field in words.SHARES else _unit(found, field),
            chart.Look(narrow, dark, look.lang, look.say),
        )
        headers = {"Content-Security-Policy": chart.CSP, "Cache-Control": "private, max-age=20"}
        return Response(drawn, headers=headers, media_type="image/svg+xml")

    @router.get("/history.csv")
    def table(
        look: Annotated[Look, Depends(frame.reader)],
        key: Annotated[str, Query(max_length=300)],
        span: Annotated[str, Query(max_length=10)] = "day",
    ) -> Response:
        found = _found(frame, key)
        chosen = SPANS.get(span, SPANS["day"])
        try:
            rows = _table(frame, found, chosen, edge.now_ns() + 1)
        except TooManyRows as error:
            raise Problem(400, str(error)) from None
        name = re.sub(r"[^A-Za-z0-9-]", "_", found.id)
        headers = {"Content-Disposition": f'attachment; filename="{name}-{chosen.name}.csv"'}
        return StreamingResponse(_csv(rows, look), headers=headers, media_type="text/csv; charset=utf-8")

    return router


def _found(frame: Frame, key: str) -> AssetNow:
    found = frame.edge.history.asset(key) if key.count("/") == 3 else None
    if found is None:
        raise Problem(404, f"no asset {key!r} has been heard of")
    return found


def _calibrations(frame: Frame, look: Look, asset: AssetNow) -> list[tuple[Calibrated, str]] | None:
    """Return how an asset's values were made true, the newest first; None where no node can be asked."""
    if frame.desk is None:
        return None
    try:
        targets = list(ask_desk(frame.desk, Ask(do="targets")))
        made = list(ask_desk(frame.desk, Ask(do="calibrations", lang="en" if look.lang == "en" else "vi")))
    except DeskAway:
        return None
    mine = {each.of for each in targets if isinstance(each, Target) and asset.id in each.name.split(".")}
    found = [each for each in made if isinstance(each, Calibrated) and each.of in mine | {asset.id}]
    return [(each, local_text(each.at, look.say)) for each in reversed(found)]


def _numbers(asset: AssetNow) -> list[str]:
    """Return the fields that a line can show."""
    return [
        field
        for field, now in asset.fields.items()
        if isinstance(now.value, (int, float)) and not isinstance(now.value, bool)
    ]


def _unit(asset: AssetNow, field: str) -> str:
    kind = TYPES.get(asset.type)
    code = ((dict(kind.units) if kind else {}) | asset.units).get(field, "")
    return UNITS.get(code, code)


def _limits(asset: AssetNow, field: str, look: Look) -> str:
    kind = TYPES.get(asset.type)
    code = ((dict(kind.units) if kind else {}) | asset.units).get(field, "")
    ends = [value_text(field, each, code, look.lang, look.say) for each in asset.limits[field][:2]]
    return " … ".join(ends)


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


def _drawn(frame: Frame, asset: AssetNow, field: str, span: Span, look: Look) -> Drawn:
    shown = _series(frame, asset, field, span, frame.edge.now_ns() + 1)
    label = look.say(words.FIELDS[field]) if field in words.FIELDS else field
    kind = TYPES.get(asset.type)
    code = ((dict(kind.units) if kind else {}) | asset.units).get(field, "")
    if shown.values:
        low, high = (
            value_text(field, float(each), code, look.lang, look.say)
            for each in (min(shown.values), max(shown.values))
        )
        said = look.say(_("lowest {low}, highest {high}")).format(low=low, high=high)
    else:
        said = look.say(_("no readings in this time"))
    address = f"/chart.svg?key={quote(asset.key, safe='')}&field={quote(field, safe='')}&span={span.name}"
    return Drawn(field, label, f"{address}&lang={look.lang}", said)


def _table(frame: Frame, asset: AssetNow, span: Span, stop_ns: int) -> list[list[str]]:
    """Return a heading and one row a reading; numbers and times as programs write them."""
    start_ns = stop_ns - span.seconds * _NS_A_SECOND
    fields = [*asset.fields, "q", "qr"]
    cells: dict[int, dict[str, Value]] = {}
    for field in fields:
        for row in frame.edge.history.readings(asset.key, field, start_ns, stop_ns, most=_MOST_ROWS):
            cells.setdefault(row.ts_ns, {})[field] = row.value
    unsaid = {"q": "good"}
    return [["ts", *fields]] + [
        [rfc3339(ts_ns), *(_cell(cells[ts_ns].get(field, unsaid.get(field, ""))) for field in fields)]
        for ts_ns in sorted(cells)
    ]


def _cell(value: Value) -> str:
    """Write one cell; a text that a spreadsheet would take for a formula stays text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value[:1] in "=+-@\t\r":
        return f"'{value}" if value else ""
    return str(value)


def _csv(rows: list[list[str]], look: Look) -> Iterator[str]:
    """Write rows; a Vietnamese Excel parts columns by semicolons, for its comma is a decimal mark."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if look.lang == "vi" else ",")
    yield "\ufeff"
    for row in rows:
        writer.writerow(row)
        yield out.getvalue()
        out.seek(0)
        out.truncate()
