"""What a person with an admin token may do: mend the quarantine, carry data on a stick."""

import asyncio
import tempfile
from typing import Annotated, Any, BinaryIO, cast

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from edge_api.api.access import granted
from edge_api.api.problems import Problem
from edge_api.api.view import EdgeView, Refused

_SPOOLED_BYTES = 2_000_000  # an upload larger than this goes through a file, not through memory
_MOST_BYTES = 8_000_000_000
_MOST_LINE = 1_000_000


def admin_only(request: Request) -> None:
    """Let a request through that may manage; a router's dependency."""
    if not granted(request, request.app.state.edge, "admin"):
        raise Problem(401, "A token with scope admin is needed")


def manage_routes(edge: EdgeView) -> APIRouter:
    """Return the routes that change something."""
    router = APIRouter(prefix="/v1", tags=["manage"], dependencies=[Depends(admin_only)])

    @router.post("/quarantine/{number}/replay", status_code=204)
    async def replay(number: int, request: Request) -> Response:
        """Send a quarantined body again; a request body takes its place."""
        fixed = await _small(request)
        await asyncio.to_thread(_quarantined, edge.replay, number, fixed or None)
        return Response(status_code=204)

    @router.delete("/quarantine/{number}", status_code=204)
    def drop(number: int) -> Response:
        """Give a quarantined body up for good."""
        _quarantined(edge.drop, number)
        return Response(status_code=204)

    @router.get("/export", responses={200: {"content": {"application/octet-stream": {}}}})
    def export(
        upstream: Annotated[str | None, Query(description="the first one when left out")] = None,
    ) -> Response:
        """Return what waits for an upstream as signed blocks; nothing is let go of."""
        try:
            blocks = edge.export(upstream)
        except ValueError as error:
            raise Problem(400, str(error)) from None
        return StreamingResponse(blocks, media_type="application/octet-stream")

    @router.post("/import")
    async def take_in(request: Request) -> Response:
        """Commit an export, or let go of what a receipt confirms. The same file may come again."""
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as file:
            size = 0
            async for piece in request.stream():
                size += len(piece)
                if size > _MOST_BYTES:
                    raise Problem(413, "the file is too large")
                file.write(piece)
            file.seek(0)
            try:
                done = await asyncio.to_thread(edge.take_in, cast("BinaryIO", file))
            except Refused as error:
                raise Problem(503, str(error)) from None
        return Response(
            msgspec.json.encode(done), 422 if done.problem else 200, media_type="application/json"
        )

    return router


def _quarantined(act: Any, number: int, *more: Any) -> None:
    try:
        act(number, *more)
    except KeyError:
        raise Problem(404, f"nothing is quarantined under number {number}") from None
    except ValueError as error:
        raise Problem(422, str(error)) from None


async def _small(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_LINE:
            raise Problem(413, "a mended body of more than a megabyte is not one reading")
    return bytes(body)
