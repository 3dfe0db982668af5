"""The reading API under /v1: thin routes from questions to History and EdgeView."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from edge_api.api.access import reading_only
from edge_api.api.alarms import AlarmBody, Seen
from edge_api.api.answers import AlertBody, Asset, Reading, asset_body
from edge_api.api.guard import address_of, is_local
from edge_api.api.problems import Problem
from edge_api.api.stream import Streams, TooManyClients
from edge_api.api.times import moment_ns, rfc3339, span_s
from edge_api.api.view import Certificate, EdgeView, Gap, QuarantinedLine, RelayStatus
from edge_api.history import AmbiguousAsset, AssetNow, TooManyRows

SCHEMAS: tuple[type, ...] = (
    Asset,
    AlertBody,
    AlarmBody,
    Seen,
    Reading,
    RelayStatus,
    Gap,
    QuarantinedLine,
    Certificate,
)

_NS_A_SECOND = 1_000_000_000
_DEFAULT_SPAN_NS = 24 * 3600 * _NS_A_SECOND
_encode = msgspec.json.Encoder(enc_hook=int).encode


def reading_routes(edge: EdgeView) -> APIRouter:
    """Return the routes about assets and their readings; they want a token that may read."""
    router = APIRouter(prefix="/v1", tags=["reading"], dependencies=[Depends(reading_only)])

    @router.get("/assets", responses=_many(Asset))
    def assets(
        domain: Annotated[str | None, Query(description="waste, water, lighting or gateway")] = None,
        commune: Annotated[str | None, Query(description="5-digit unit code")] = None,
    ) -> Response:
        """List the assets as they are now."""
        found = edge.history.latest()
        return _json(
            [
                asset_body(each)
                for each in found
                if domain in {None, each.domain} and commune in {None, each.commune}
            ]
        )

    @router.get("/assets/{asset:path}", responses=_one(Asset))
    def asset(
        asset: Annotated[str, Path(description="an id, or province/commune/domain/id where ids repeat")],
    ) -> Response:
        """Show one asset as it is now."""
        return _json(asset_body(_found(edge, asset)))

    @router.get("/readings", responses=_many(Reading))
    def readings(  # a question has these parts
        asset: Annotated[str, Query(description="an id, or province/commune/domain/id where ids repeat")],
        field: Annotated[str, Query(description="such as fillingLevel")],
        start: Annotated[str | None, Query(description="RFC 3339; a day before stop if left out")] = None,
        stop: Annotated[str | None, Query(description="RFC 3339, not included; now if left out")] = None,
        every: Annotated[
            str | None, Query(description="a span such as 5min: means instead of values")
        ] = None,
    ) -> Response:
        """Return recent values of one field, sorted by time; with `every` means of numbers, last of words."""
        found = _found(edge, asset)
        # Now is included: a reading of this very moment belongs to the answer.
        stop_ns = moment_ns(stop, "stop") if stop else edge.now_ns() + 1
        start_ns = moment_ns(start, "start") if start else stop_ns - _DEFAULT_SPAN_NS
        if start_ns >= stop_ns:
            raise Problem(400, "start is not before stop")
        every_s = span_s(every, "every") if every else None
        try:
            rows = edge.history.readings(found.key, field, start_ns, stop_ns, every_s)
        except TooManyRows as error:
            raise Problem(400, str(error)) from None
        return _json([Reading(rfc3339(row.ts_ns), row.value, row.count) for row in rows])

    return router


def state_routes(edge: EdgeView, streams: Streams) -> APIRouter:
    """Return the routes about the edge itself, and the stream."""
    router = APIRouter(prefix="/v1", tags=["state"], dependencies=[Depends(reading_only)])

    @router.get("/relay", responses=_one(RelayStatus))
    def relay() -> Response:
        """Say what waits for each upstream, and how the link stands."""
        return _json(edge.relay_status())

    @router.get("/security", responses=_many(Certificate))
    def security() -> Response:
        """Say when each certificate and revocation list ends."""
        return _json(list(edge.certificates()))

    @router.get("/gaps", responses=_many(Gap))
    def gaps() -> Response:
        """List the readings that are known to be missing."""
        return _json(list(edge.gaps()))

    @router.get("/quarantine", responses=_many(QuarantinedLine))
    def quarantine() -> Response:
        """List the lines that an upstream refused for good."""
        return _json(list(edge.quarantine()))

    @router.get("/stream", responses={200: {"content": {"text/event-stream": {}}}})
    async def stream(request: Request) -> Response:
        """Follow new readings as server-sent events: `reading` and `alert`."""
        try:
            events = streams.join("" if is_local(request.scope) else address_of(request.scope))
        except TooManyClients as error:
            raise Problem(503, str(error)) from None
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    return router


def _found(edge: EdgeView, name: str) -> AssetNow:
    try:
        found = edge.history.asset(name)
    except AmbiguousAsset as error:
        raise Problem(409, str(error)) from None
    if found is None:
        raise Problem(404, f"no asset {name!r} has been heard of")
    return found


def _json(body: object) -> Response:
    return Response(_encode(body), media_type="application/json")


def _one(kind: type) -> dict[int | str, dict[str, Any]]:
    return _answers({"$ref": f"#/components/schemas/{kind.__name__}"})


def _many(kind: type) -> dict[int | str, dict[str, Any]]:
    return _answers({"type": "array", "items": {"$ref": f"#/components/schemas/{kind.__name__}"}})


def _answers(schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    problem = {"description": "A problem", "content": {"application/problem+json": {}}}
    return {200: {"content": {"application/json": {"schema": schema}}}, "4XX": problem}
