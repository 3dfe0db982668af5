"""The alarms: what is open and what has been, and the word of a person that it was seen."""

import asyncio
import sqlite3
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from edge_api.alarms import Alarm, AlarmUnknown
from edge_api.api.problems import Problem
from edge_api.history import AssetNow
from edge_api.web import words
from edge_api.web.figures import age, local_time, units_of, value_text
from edge_api.web.forms import line, posted
from edge_api.web.frame import Frame, Look

_MOST_PAST = 200
_MOST_NOTE = 500
_NS_A_SECOND = 1_000_000_000


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One alarm on the page."""

    alarm: Alarm
    title: str
    where: str
    asset_key: str
    severity: str
    tone: str
    raised: str
    age: str
    cleared: str
    measured: str
    ended: str
    seen: str


def alarm_lines(frame: Frame, look: Look, alarms: list[Alarm]) -> list[AlarmLine]:
    """Say alarms as the page does."""
    now_ns = frame.edge.now_ns()
    names = {each.key: each for each in frame.edge.history.latest()} if alarms else {}
    return [_line(alarm, look, names, now_ns) for alarm in alarms]


def alarm_view_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/alarms")
    def alarms(
        look: Annotated[Look, Depends(frame.reader)],
        state: Annotated[Literal["open", "all"], Query()] = "open",
        commune: Annotated[str, Query(max_length=40)] = "",
    ) -> Response:
        book = frame.edge.alarms
        if state == "all":
            found = book.alarms(commune or None, None, _MOST_PAST)
        else:
            found = [each for each in book.open_alarms() if commune in {"", each.commune}]
        # What nobody has seen comes first; both halves are sorted by time already.
        found.sort(key=lambda each: not (each.open and each.acked_ns is None))
        return frame.show(
            look,
            "alarms.html",
            live="alarms",
            poll=30,
            view="alarms",
            state=state,
            commune=commune,
            lines=alarm_lines(frame, look, found),
        )

    @router.post("/alarms/{key}/seen")
    async def seen(key: str, request: Request, look: Annotated[Look, Depends(frame.admin)]) -> Response:
        form = await posted(request, look)
        note = line(form.get("note", ""))[:_MOST_NOTE]
        by = look.session.name if look.session else ""
        try:
            alarm = await asyncio.to_thread(frame.edge.alarms.acknowledge, key, by, note)
            await asyncio.to_thread(frame.note, look, "acknowledge", f"{alarm.asset} {alarm.kind} {note}")
        except AlarmUnknown:
            raise Problem(404, "no alarm of that id is in the book") from None
        except (OSError, sqlite3.Error) as error:
            raise Problem(503, f"the disk does not take it: {error}") from None
        back = "/alarms?state=all" if form.get("state") == "all" else "/alarms"
        return Response(status_code=303, headers={"Location": back})

    return router


def _line(alarm: Alarm, look: Look, names: dict[str, AssetNow], now_ns: int) -> AlarmLine:
    say = look.say
    key = f"{alarm.province}/{alarm.commune}/{alarm.domain}/{alarm.asset}"
    asset = names.get(key)
    seen = ""
    if alarm.acked_ns is not None:
        seen = say(_("Seen by {who}, {when}")).format(who=alarm.acked_by, when=local_time(alarm.acked_ns))
    past = not alarm.open
    return AlarmLine(
        alarm=alarm,
        title=_word(look, words.ALERTS, alarm.kind),
        where=(asset.name if asset else "") or alarm.asset,
        asset_key=key if asset else "",
        severity=_word(look, words.SEVERITIES, alarm.severity),
        tone="past" if past else "bad" if alarm.severity == "critical" else "warn",
        raised=local_time(alarm.raised_ns) if alarm.raised_ns else "",
        age=age((now_ns - alarm.raised_ns) / _NS_A_SECOND, say) if alarm.raised_ns else "",
        cleared=local_time(alarm.cleared_ns) if alarm.cleared_ns else "",
        measured=_measured(alarm, asset, look),
        ended=_word(look, words.ENDINGS, alarm.ended) if past else "",
        seen=seen,
    )


def _measured(alarm: Alarm, asset: AssetNow | None, look: Look) -> str:
    """Say which value broke which limit."""
    unit = units_of(asset).get(alarm.field, "") if asset else ""
    parts = []
    if alarm.field:
        parts.append(_word(look, words.FIELDS, alarm.field))
    if alarm.value is not None:
        parts.append(value_text(alarm.field, alarm.value, unit, look.lang, look.say))
    text = " ".join(parts)
    if alarm.limit is not None:
        limit = value_text(alarm.field, alarm.limit, unit, look.lang, look.say)
        text += " " + look.say(_("(the limit is {limit})")).format(limit=limit)
    return text.strip()


def _word(look: Look, table: dict[str, str], key: str) -> str:
    return look.say(table[key]) if key in table else key
