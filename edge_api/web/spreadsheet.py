"""An asset's readings as a file for a spreadsheet: parted as programs here do, without formulas."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from edge_api.api.problems import Problem
from edge_api.api.times import rfc3339
from edge_api.history import AssetNow, TooManyRows
from edge_api.web.figures import LOCAL
from edge_api.web.frame import Frame, Look
from edge_api.web.span import SPANS, Span
from sensors.sample import Value

_NS_A_SECOND = 1_000_000_000
_MOST_ROWS = 200_000


def _(text: str) -> str:
    return text


def spreadsheet_routes(frame: Frame) -> APIRouter:
    """Return the route."""
    router = APIRouter(include_in_schema=False)

    @router.get("/history.csv")
    def table(
        look: Annotated[Look, Depends(frame.reader)],
        key: Annotated[str, Query(max_length=300)],
        span: Annotated[str, Query(max_length=10)] = "day",
    ) -> Response:
        found, chosen = frame.asset(key), SPANS.get(span, SPANS["day"])
        try:
            rows = _table(frame, look, found, chosen)
        except TooManyRows as error:
            raise Problem(400, str(error)) from None
        name = re.sub(r"[^A-Za-z0-9-]", "_", found.id)
        headers = {"Content-Disposition": f'attachment; filename="{name}-{chosen.name}.csv"'}
        return StreamingResponse(_csv(rows, look), headers=headers, media_type="text/csv; charset=utf-8")

    return router


def _table(frame: Frame, look: Look, asset: AssetNow, span: Span) -> list[list[str]]:
    """Return a heading and one row a reading: the time here, the time in UTC, and values with their marks."""
    stop_ns = frame.edge.now_ns() + 1
    start_ns = stop_ns - span.seconds * _NS_A_SECOND
    fields = [*asset.fields, "q", "qr"]
    cells: dict[int, dict[str, Value]] = {}
    for field in fields:
        for row in frame.edge.history.readings(asset.key, field, start_ns, stop_ns, most=_MOST_ROWS):
            cells.setdefault(row.ts_ns, {})[field] = row.value
    unsaid = {"q": "good"}
    return [[look.say(_("Time (UTC+7)")), "ts", *fields]] + [
        [
            f"{datetime.fromtimestamp(ts_ns // _NS_A_SECOND, LOCAL):%Y-%m-%d %H:%M:%S}",
            rfc3339(ts_ns),
            *(_cell(cells[ts_ns].get(field, unsaid.get(field, "")), look.lang) for field in fields),
        ]
        for ts_ns in sorted(cells)
    ]


def _cell(value: Value, lang: str) -> str:
    """Write one cell; a text that a spreadsheet would take for a formula stays text.

    Where a comma is the decimal mark, a spreadsheet takes 1.234 for a thousand and more.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and lang == "vi":
        return str(value).replace(".", ",")
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
