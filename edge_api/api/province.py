"""The programme's routes: what is there and what is silent, what arrived, and what it comes to."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from msgspec import Struct

from edge_api.api.access import reading_only
from edge_api.api.office import ask_office
from edge_api.api.problems import Problem
from edge_api.api.times import rfc3339
from edge_api.api.view import EdgeView
from edge_api.province.assetday import Asset
from edge_api.province.days import day_of, day_text, period
from edge_api.province.figures import Figure
from edge_api.province.indicators import NAMES
from edge_api.province.office import Completeness, Office, Period
from sensors.text import language

T = TypeVar("T")
_encode = msgspec.json.encode
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Commune = Annotated[str | None, Query(description="5-digit unit code; all communes when left out")]
From = Annotated[str | None, Query(alias="from", description="such as 2026-11-01; 30 days before `to`")]
To = Annotated[str | None, Query(description="such as 2026-11-30, included; today when left out")]
Format = Annotated[Literal["json", "csv", "xlsx"], Query(alias="format", description="json, csv or xlsx")]
Language = Annotated[str | None, Query(description="vi or en, for tables")]


class Registered(Struct, frozen=True, kw_only=True, rename="camel"):
    """An asset that has ever been heard of; seconds, null where no meta has told."""

    key: str
    commune: str
    type: str
    name: str
    gw: str
    interval: float | None
    stale_after: float | None
    since: str
    last: str
    silent_for: float | None


class Daily(Struct, frozen=True):
    """One indicator on one day."""

    day: str
    figures: list[Figure]


SCHEMAS: tuple[type, ...] = (Registered, Completeness, Period, Daily)


def province_routes(edge: EdgeView) -> APIRouter:
    """Return the routes; they want a token that may read, and answer 404 at an edge without [province]."""
    router = APIRouter(prefix="/v1", tags=["province"], dependencies=[Depends(reading_only)])

    def ask(question: Callable[[Office], T]) -> T:
        return ask_office(edge, question)

    @router.get("/registry", responses=_many(Registered))
    def registry(
        commune: Commune = None,
        silent: Annotated[bool, Query(description="only those whose last reading no longer counts")] = False,
    ) -> Response:
        """List the assets that have ever been heard of, and for how long each has been silent."""
        now_ns = edge.now_ns()

        def question(office: Office) -> list[Registered]:
            silence = {each.key: seconds for each, seconds in office.silent(now_ns, commune)}
            found = [
                _registered(each, silence.get(each.key))
                for each in office.assets(commune)
                if not silent or each.key in silence
            ]
            return sorted(found, key=lambda each: -(each.silent_for or 0)) if silent else found

        return _json(ask(question))

    @router.get("/completeness", responses=_many(Completeness))
    def completeness(commune: Commune = None, first: From = None, to: To = None) -> Response:
        """Say what arrived of what was expected, for each commune and day; a day is one at UTC+7."""
        days = _days(edge, first, to)
        return _json(ask(lambda office: office.completeness(commune, days)))

    @router.get(
        "/indicators",
        responses={
            200: {
                "content": {
                    "application/json": {"schema": _ref(Period)},
                    "text/csv": {"schema": {"type": "string"}},
                    _XLSX: {"schema": {"type": "string", "format": "binary"}},
                }
            }
        },
    )
    def indicators(
        commune: Commune = None,
        first: From = None,
        to: To = None,
        name: Annotated[str | None, Query(description="one indicator; all when left out")] = None,
        form: Format = "json",
        lang: Language = None,
    ) -> Response:
        """Return the figures of a period, each with the coverage it rests on; as JSON or as a table."""
        days, only = _days(edge, first, to), _name(name)
        found = ask(lambda office: office.period(commune, days, edge.now_ns(), only))
        if form == "json":
            return _json(found)
        from edge_api.province import export  # noqa: PLC0415 - a table is asked for now and then

        file = f"indicators-{commune or 'all'}-{day_text(days.start)}.{form}"
        body = (export.csv if form == "csv" else export.xlsx)(found, language(lang))
        kind = "text/csv; charset=utf-8" if form == "csv" else _XLSX
        return Response(
            body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{file}"'}
        )

    @router.get("/indicators/daily", responses=_many(Daily))
    def daily(
        name: Annotated[str, Query(description="one indicator")],
        commune: Commune = None,
        first: From = None,
        to: To = None,
    ) -> Response:
        """Return one indicator for each day that has been counted."""
        days, only = _days(edge, first, to), _name(name) or name
        rows = ask(lambda office: office.daily(commune, days, edge.now_ns(), only))
        return _json([Daily(day_text(day), figures) for day, figures in rows])

    return router


def _days(edge: EdgeView, first: str | None, last: str | None) -> range:
    try:
        return period(first, last, day_of(edge.now_ns()))
    except ValueError as error:
        raise Problem(400, str(error)) from None


def _name(name: str | None) -> str | None:
    if name is not None and name not in NAMES:
        raise Problem(400, f"name: {name[:40]!r} is none of {', '.join(NAMES)}")
    return name


def _registered(asset: Asset, silent_s: float | None) -> Registered:
    return Registered(
        key=asset.key,
        commune=asset.commune,
        type=asset.type,
        name=asset.name,
        gw=asset.gw,
        interval=asset.interval_s,
        stale_after=asset.stale_s,
        since=rfc3339(asset.since_ns),
        last=rfc3339(asset.last_ns),
        silent_for=silent_s,
    )


def _json(body: object) -> Response:
    return Response(_encode(body), media_type="application/json")


def _many(kind: type) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "array", "items": _ref(kind)}
    return {200: {"content": {"application/json": {"schema": schema}}}}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
