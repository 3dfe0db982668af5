"""A label for an asset: its name, and a QR code that leads a phone to its page here."""

import io
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from edge_api.web import chart
from edge_api.web.frame import Frame, Look


def label_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/install/label")
    def label(
        request: Request,
        look: Annotated[Look, Depends(frame.reader)],
        key: Annotated[str, Query(max_length=300)],
    ) -> Response:
        host = request.headers.get("host", "")[:200]
        return frame.show(look, "label.html", view="install", asset=frame.asset(key), host=host)

    @router.get("/install/label.svg")
    def code(
        request: Request,
        _look: Annotated[Look, Depends(frame.reader)],
        key: Annotated[str, Query(max_length=300)],
    ) -> Response:
        import segno  # noqa: PLC0415 - a megabyte, for a label now and then

        address = str(request.base_url.replace(path=f"/asset/{key}", query=""))
        out = io.BytesIO()
        segno.make(address, error="m", micro=False).save(out, kind="svg", scale=6, border=2, light="#fff")
        headers = {"Content-Security-Policy": chart.CSP}
        return Response(out.getvalue(), headers=headers, media_type="image/svg+xml")

    return router
