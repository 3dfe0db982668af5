"""Puts the page's views together, its style and script, and the API's description: nothing from elsewhere."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from edge_api.api.view import EdgeView
from edge_api.web.accounts import Accounts
from edge_api.web.actions import Actions
from edge_api.web.alarms import alarm_view_routes
from edge_api.web.asset import asset_routes
from edge_api.web.calibrate import calibrate_routes
from edge_api.web.charts import chart_routes
from edge_api.web.frame import HTML, Frame, Look, templates
from edge_api.web.install import install_routes
from edge_api.web.label import label_routes
from edge_api.web.link import link_routes
from edge_api.web.login import login_routes
from edge_api.web.overview import overview_routes
from edge_api.web.sessions import Sessions
from edge_api.web.settings import DeskSocket, Page
from edge_api.web.spreadsheet import spreadsheet_routes
from edge_api.web.system import system_routes

_SESSION_S = 12 * 3600.0
_STATIC = Path(__file__).parent / "static"
_KINDS = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def page_frame(edge: EdgeView, page: Page | None = None, desk: DeskSocket | None = None) -> Frame:
    """Return what the views of an edge share; without settings nobody can log in."""
    return Frame(
        edge,
        Sessions(float(page.session) if page else _SESSION_S),
        Actions(page.actions if page else None),
        Accounts(page.accounts if page else None),
        desk.socket if desk else None,
    )


def page_routes(frame: Frame) -> APIRouter:
    """Return the routes for people."""
    router = APIRouter(include_in_schema=False)
    for views in (
        overview_routes(frame),
        asset_routes(frame),
        chart_routes(frame),
        spreadsheet_routes(frame),
        alarm_view_routes(frame),
        link_routes(frame),
        install_routes(frame),
        calibrate_routes(frame),
        label_routes(frame),
        system_routes(frame),
        login_routes(frame),
    ):
        router.include_router(views)
    files = {name: (_STATIC / name).read_bytes() for name in _KINDS}

    @router.get("/docs")
    def docs(request: Request, look: Annotated[Look, Depends(frame.reader)]) -> Response:
        html = (
            templates()
            .get_template("docs.html")
            .render(api=request.app.openapi(), lang=look.lang, _=look.say)
        )
        return Response(html, media_type=HTML)

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in files:
            return Response(status_code=404)
        return Response(files[name], headers={"Cache-Control": "max-age=3600"}, media_type=_KINDS[name])

    return router
