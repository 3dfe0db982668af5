"""Serves the page, its style and the API's description: all from here, nothing from the Internet."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from edge_api.api.access import reading_only
from edge_api.api.view import EdgeView
from edge_api.web.page import PageMaker
from sensors.text import language, translator

_REFRESH_S = 15
_HERE = Path(__file__).parent
_HTML = "text/html; charset=utf-8"


def page_routes(edge: EdgeView) -> APIRouter:
    """Return the routes for people."""
    router = APIRouter(include_in_schema=False)
    style = (_HERE / "static" / "style.css").read_bytes()

    @router.get("/", dependencies=[Depends(reading_only)])
    def page(
        lang: Annotated[str | None, Query()] = None,
        commune: Annotated[str | None, Query()] = None,
        page: Annotated[int, Query()] = 1,
        refresh: Annotated[int, Query(ge=0, le=3600)] = _REFRESH_S,
    ) -> Response:
        code = language(lang)
        translate = translator(code)
        shown = PageMaker(edge, code, translate).page(commune, page)
        html = (
            _templates()
            .get_template("page.html")
            .render(page=shown, lang=code, _=translate, refresh=refresh, commune=commune or "")
        )
        return Response(html, headers={"Cache-Control": "no-store"}, media_type=_HTML)

    @router.get("/docs", dependencies=[Depends(reading_only)])
    def docs(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
        code = language(lang)
        html = (
            _templates()
            .get_template("docs.html")
            .render(api=request.app.openapi(), lang=code, _=translator(code))
        )
        return Response(html, media_type=_HTML)

    @router.get("/static/style.css")
    async def css() -> Response:
        return Response(
            style, headers={"Cache-Control": "max-age=3600"}, media_type="text/css; charset=utf-8"
        )

    return router


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("edge_api.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
