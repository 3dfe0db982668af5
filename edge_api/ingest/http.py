"""The InfluxDB 2 write API as this edge answers it: Influx clients, Telegraf and other edges can feed it."""

import asyncio
import json
import math
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.requests import ClientDisconnect

from edge_api.api.access import granted, token_of
from edge_api.api.view import EdgeView, Paced, Refused, SpoolFull, WriteBatch
from edge_api.bodies import communes_of
from edge_api.ingest.body import BodyError, TooLarge, read_batch
from edge_api.lineprotocol import LineError

_AT_ONCE_BYTES = 32_768  # a larger body is read beside the event loop: it takes more than some milliseconds
_READERS = 1  # large bodies read at the same time: each takes some 20 MB meanwhile

_UNCOMPRESSED = {"", "identity"}
_GZIPPED = {"gzip", "x-gzip"}


@dataclass(frozen=True, slots=True)
class WriteLimits:
    """The largest bodies taken at once, in bytes as sent and unpacked; a sender halves its batch on a 413."""

    sent_bytes: int = 2_000_000
    unpacked_bytes: int = 4_000_000


class InfluxError(Exception):
    """A refusal in InfluxDB's words."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        line: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, str | int] = {"code": code, "message": message}
        if line is not None:
            self.body["line"] = line
        self.retry_after_s = retry_after_s

    def response(self) -> Response:
        """Return the answer to send."""
        headers = {"X-Platform-Error-Code": str(self.body["code"])}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after_s)))
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Token realm="commune"'
        body = json.dumps(self.body, ensure_ascii=False)
        return Response(body, self.status, headers, "application/json; charset=utf-8")


def influx_routes(edge: EdgeView, limits: WriteLimits) -> APIRouter:
    """Return the routes that InfluxDB's clients know."""
    router = APIRouter(tags=["InfluxDB"])
    readers = asyncio.Semaphore(_READERS)

    @router.post("/api/v2/write", status_code=204, openapi_extra=_WRITE_BODY, responses=_WRITE_ANSWERS)
    async def write(
        request: Request,
        precision: Annotated[Literal["ns", "us", "ms", "s"], Query(description="of the times")] = "ns",
        org: Annotated[str, Query(description="taken as it comes")] = "",  # noqa: ARG001
        bucket: Annotated[str, Query(description="taken as it comes")] = "",  # noqa: ARG001
        content_encoding: Annotated[str, Header()] = "",
        x_commune_lane: Annotated[str, Header(description="events, live or backlog")] = "live",
    ) -> Response:
        """Take a batch of line protocol. 204 means: all of it is on this edge's disk."""
        if not granted(request, edge, "ingest"):
            raise InfluxError(401, "unauthorized", "unauthorized access")
        encoding = content_encoding.strip().lower()
        if encoding not in _UNCOMPRESSED | _GZIPPED:
            raise InfluxError(415, "invalid", f"content encoding {encoding!r} is not gzip or identity")
        size = int(request.headers.get("content-length") or 0)
        wait_s = edge.grant_s(size, backlog=x_commune_lane == "backlog")
        if wait_s:
            raise _in_influx_words(
                Paced("backlogs are taken more slowly now; live readings are welcome", wait_s)
            )
        most = limits.sent_bytes if encoding in _GZIPPED else limits.unpacked_bytes
        try:
            body = await _receive(request, most)
            if len(body) <= _AT_ONCE_BYTES:
                batch = _read(body, encoding, precision, edge, limits)
            else:
                async with readers:
                    batch = await asyncio.to_thread(_read, body, encoding, precision, edge, limits)
            del body
            _check_place(batch, request, edge)
            # Shielded: a sender that hangs up must not take back what is being committed.
            await asyncio.shield(asyncio.wrap_future(edge.submit(batch)))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except (LineError, BodyError, TooLarge, Refused) as error:
            raise _in_influx_words(error) from None
        return Response(status_code=204)

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


def _check_place(batch: WriteBatch, request: Request, edge: EdgeView) -> None:
    """Refuse readings under the code of a commune that the sender does not speak for.

    The whole token is wrong, or else one line is: a child holds everything on a 403, and on a 422 gives up a
    line. A commune's edge checks what it takes in, so above it only a wrong token can be the cause.
    """
    info = edge.info()
    here = info.commune if info.level == "commune" else ""
    held = edge.holder(token_of(request.headers.get("authorization", "")))
    bound = held.commune if held else ""
    if not (here or bound):
        return
    for commune in communes_of(batch.points):
        if commune and bound and commune != bound:
            raise InfluxError(403, "forbidden", f"commune {commune}: this token writes for {bound} only")
        if commune and here and commune != here:
            raise InfluxError(422, "unprocessable entity", f"commune {commune}: this edge serves {here} only")


def _in_influx_words(error: Exception) -> InfluxError:
    message = str(error)
    if isinstance(error, LineError):
        return InfluxError(400, "invalid", message, line=error.line_number)
    if isinstance(error, TooLarge):
        return InfluxError(413, "request too large", message)
    if isinstance(error, (SpoolFull, Paced)):
        return InfluxError(429, "too many requests", message, retry_after_s=error.retry_after_s)
    if isinstance(error, Refused):
        return InfluxError(503, "unavailable", message, retry_after_s=error.retry_after_s)
    return InfluxError(400, "invalid", message)


async def _receive(request: Request, most_bytes: int) -> bytes:
    """Read the body as it comes; raise TooLarge as soon as it is known to be."""
    refusal = f"the body is larger than {most_bytes} bytes; send less at once"
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > most_bytes):
        raise TooLarge(refusal)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise TooLarge(refusal)
    return bytes(body)


def _read(body: bytes, encoding: str, precision: str, edge: EdgeView, limits: WriteLimits) -> WriteBatch:
    return read_batch(
        body,
        gzipped=encoding in _GZIPPED,
        precision=precision,
        now_ns=edge.now_ns(),
        most_bytes=limits.unpacked_bytes,
    )


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
