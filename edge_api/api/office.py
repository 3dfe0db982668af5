"""How the HTTP side asks the office, and the page that it prints: the monthly report of a commune."""

import sqlite3
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Response

from edge_api.api.access import reading_only
from edge_api.api.problems import Problem
from edge_api.api.view import EdgeView
from edge_api.province.days import read_month
from edge_api.province.office import Office, known
from sensors.text import language

T = TypeVar("T")


def report_routes(edge: EdgeView) -> APIRouter:
    """Return the route of the report; it wants a token that may read."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(reading_only)])

    @router.get("/report")
    def report(
        commune: Annotated[str, Query()],
        month: Annotated[str, Query()],
        lang: Annotated[str | None, Query()] = None,
    ) -> Response:
        place = known(commune)
        if place is None:
            raise Problem(404, f"commune: {commune[:20]!r} is none of those that are known")
        try:
            days = read_month(month, "month")
        except ValueError as error:
            raise Problem(400, str(error)) from None
        from edge_api.province import report as printed  # noqa: PLC0415 - charts cost memory, asked for monthly

        html = ask_office(
            edge, lambda office: printed.page(office, place, days, edge.now_ns(), language(lang))
        )
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": printed.policy(html)}
        return Response(html, media_type="text/html; charset=utf-8", headers=headers)

    return router


def ask_office(edge: EdgeView, question: Callable[[Office], T]) -> T:
    """Return the office's answer; raise Problem 404 without one, 503 when its file cannot be read."""
    office = edge.office
    if office is None:
        raise Problem(404, "this edge counts for no programme: its edge.toml has no table [province]")
    try:
        return question(office)
    except sqlite3.Error as error:
        raise Problem(503, f"the province's file cannot be read now: {error}") from None
