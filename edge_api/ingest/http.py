"""What InfluxDB's clients ask before they write, and how OpenAPI describes a write, which WriteDoor takes."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response

from edge_api.api.view import EdgeView
from edge_api.ingest.write import WRITE


def influx_routes(edge: EdgeView) -> APIRouter:
    """Return the routes that InfluxDB's clients know."""
    router = APIRouter(tags=["InfluxDB"])

    @router.post(WRITE, status_code=204, openapi_extra=_WRITE_BODY, responses=_WRITE_ANSWERS)
    async def write(
        precision: Annotated[Literal["ns", "us", "ms", "s"], Query(description="of the times")] = "ns",  # noqa: ARG001
        org: Annotated[str, Query(description="taken as it comes")] = "",  # noqa: ARG001
        bucket: Annotated[str, Query(description="taken as it comes")] = "",  # noqa: ARG001
        content_encoding: Annotated[str, Header()] = "",  # noqa: ARG001
        x_commune_lane: Annotated[str, Header(description="events, live or backlog")] = "live",  # noqa: ARG001
    ) -> Response:
        """Take a batch of line protocol. 204 means: all of it is on this edge's disk."""
        raise RuntimeError("WriteDoor stands before this application, and has answered")

    @router.head("/ping", status_code=204, include_in_schema=False)
    @router.get("/ping", status_code=204)
    async def ping() -> Response:
        """Say that there is someone, and which version."""
        version = f"commune-{edge.info().version}"
        return Response(
            status_code=204, headers={"X-Influxdb-Version": version, "X-Influxdb-Build": "commune"}
        )

    @router.get("/health")
    async def health() -> Response:
        """Say whether this edge can take custody of data."""
        info = edge.info()
        body = {
            "name": "commune",
            "message": info.problem or "ready to take readings",
            "checks": [],
            "status": "fail" if info.problem else "pass",
            "version": info.version,
            "commit": "",
        }
        return Response(
            json.dumps(body, ensure_ascii=False), 503 if info.problem else 200, media_type="application/json"
        )

    return router


_ERROR = {"content": {"application/json": {"example": {"code": "invalid", "message": "why"}}}}
_WRITE_ANSWERS: dict[int | str, dict[str, object]] = {
    204: {"description": "All of the batch is on disk"},
    400: {"description": "A line is wrong; nothing of the batch is taken", **_ERROR},
    401: {"description": "The token is missing or wrong", **_ERROR},
    403: {"description": "The token writes for another commune", **_ERROR},
    413: {"description": "Send less at once", **_ERROR},
    422: {"description": "A reading is of a commune that this edge does not serve", **_ERROR},
    415: {"description": "Neither gzip nor plain", **_ERROR},
    429: {"description": "The spool is full; ask again after Retry-After seconds", **_ERROR},
    503: {"description": "The disk does not take it now; ask again after Retry-After seconds", **_ERROR},
}
_WRITE_BODY = {
    "requestBody": {
        "required": True,
        "description": "Line protocol, plain or with Content-Encoding: gzip (members may be joined)",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
