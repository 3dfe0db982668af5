"""The alarms' routes: what is open, what has been, and a person's word that an alarm was seen."""

import sqlite3
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec import Struct

from edge_api.alarms import Alarm, AlarmUnknown
from edge_api.api.access import reading_only
from edge_api.api.manage import admin_only
from edge_api.api.problems import Problem
from edge_api.api.times import moment_ns, rfc3339
from edge_api.api.view import EdgeView
from sensors.sample import Value

_MOST = 1000
_MOST_BODY = 4000
_encode = msgspec.json.Encoder(enc_hook=int).encode


class Acknowledgement(Struct, frozen=True):
    """Who has seen the alarm and when, with a note."""

    by: str
    ts: str
    note: str


class AlarmBody(Struct, frozen=True, kw_only=True):
    """One alarm; `id` is the same at every level, `event` is the id in the feed's events. Times are UTC."""

    id: str
    event: str
    asset: str
    commune: str
    kind: str
    severity: str
    open: bool
    raised: str | None
    cleared: str | None
    ended: str
    field: str
    value: Value | None
    limit: Value | None
    reason: str
    gw: str
    acknowledged: Acknowledgement | None


class Seen(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an acknowledgement: who, and what there is to say."""

    by: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


def alarm_routes(edge: EdgeView) -> APIRouter:
    """Return the routes; reading them wants a token that may read, acknowledging one that may manage."""
    router = APIRouter(prefix="/v1", tags=["alarms"])
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/AlarmBody"}}}
    rows = {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/AlarmBody"}}}

    @router.get(
        "/alarms",
        dependencies=[Depends(reading_only)],
        responses={200: {"content": {"application/json": rows}}},
    )
    def alarms(
        state: Annotated[Literal["open", "all"], Query(description="open, or all that is known")] = "open",
        commune: Annotated[str | None, Query(description="5-digit unit code")] = None,
        since: Annotated[str | None, Query(description="RFC 3339: last heard of since then")] = None,
        most: Annotated[int, Query(ge=1, le=_MOST, description="how many at most")] = _MOST,
    ) -> Response:
        """List alarms, the newest first."""
        since_ns = moment_ns(since, "since") if since else None
        if state == "all":
            found = edge.alarms.alarms(commune, since_ns, most)
        else:
            found = [
                each
                for each in edge.alarms.open_alarms()
                if commune in {None, each.commune} and (since_ns is None or each.last_ns >= since_ns)
            ][:most]
        return Response(_encode([alarm_body(each) for each in found]), media_type="application/json")

    @router.post(
        "/alarms/{alarm}/ack",
        dependencies=[Depends(admin_only)],
        responses={200: {"content": body}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Seen"}}},
            }
        },
    )
    async def acknowledge(alarm: str, request: Request) -> Response:
        """Say that a person has seen an alarm; a second time changes nothing and answers the first."""
        seen = await _seen(request)
        try:
            found = edge.alarms.acknowledge(alarm, _line(seen.by), _line(seen.note))
        except AlarmUnknown:
            raise Problem(404, "no alarm of that id is in the book") from None
        except (OSError, sqlite3.Error) as error:
            raise Problem(503, f"the disk does not take it: {error}") from None
        return Response(_encode(alarm_body(found)), media_type="application/json")

    return router


def alarm_body(alarm: Alarm) -> AlarmBody:
    """Say what is known of an alarm as the API does."""
    seen = None
    if alarm.acked_ns is not None:
        seen = Acknowledgement(alarm.acked_by, rfc3339(alarm.acked_ns), alarm.note)
    return AlarmBody(
        id=alarm.key,
        event=alarm.id,
        asset=f"{alarm.province}/{alarm.commune}/{alarm.domain}/{alarm.asset}",
        commune=alarm.commune,
        kind=alarm.kind,
        severity=alarm.severity,
        open=alarm.open,
        raised=None if alarm.raised_ns is None else rfc3339(alarm.raised_ns),
        cleared=None if alarm.cleared_ns is None else rfc3339(alarm.cleared_ns),
        ended=alarm.ended,
        field=alarm.field,
        value=alarm.value,
        limit=alarm.limit,
        reason=alarm.reason,
        gw=alarm.gw,
        acknowledged=seen,
    )


async def _seen(request: Request) -> Seen:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > _MOST_BODY:
            raise Problem(413, "an acknowledgement is a name and a note, no more")
    try:
        seen = msgspec.json.decode(bytes(data), type=Seen)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Problem(400, f'write {{"by": "who", "note": "what was seen"}}: {error}') from None
    if not _line(seen.by):
        raise Problem(400, "by: who has seen it? The name is empty")
    return seen


def _line(text: str) -> str:
    """Return a text on one line, without what no screen shows."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
