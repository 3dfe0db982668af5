"""The way upward: what waits, since when, for how long there is room, what is missing, what was refused."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from edge_api.api.problems import Problem
from edge_api.api.view import Gap, UpstreamStatus
from edge_api.web import words
from edge_api.web.figures import age, local_text, span_text
from edge_api.web.forms import posted
from edge_api.web.frame import Frame, Look
from sensors.figures import number

_MOST_GAPS = 100
_MOST_QUARANTINED = 50
_POLL_S = 3


def _(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Failure:
    """The last error of a link, in words: what it was, what to do now, when, and as it came.

    `todo` is empty once the link works again: then nothing is to be done.
    """

    what: str
    todo: str
    when: str
    raw: str


@dataclass(frozen=True, slots=True)
class Link:
    """One upstream on the page. `share` is how much of a backlog has gone, 0 to 1; None when none drains."""

    name: str
    state: str
    tone: str
    waiting: list[tuple[str, str]]
    oldest: str
    autonomy: str
    last_success: str
    error: Failure | None
    share: float | None
    left: str
    ends: str


@dataclass(frozen=True, slots=True)
class Missing:
    """One gap on the page."""

    node: str
    numbers: str
    time: str
    why: str


def link_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    edge = frame.edge

    @router.get("/link")
    def link(look: Annotated[Look, Depends(frame.reader)]) -> Response:
        gaps = list(edge.gaps())
        quarantine = list(edge.quarantine())
        return frame.show(
            look,
            "link.html",
            poll=_POLL_S,
            view="link",
            links=[_link(each, look) for each in edge.relay_status().upstreams],
            nodes=_nodes(frame, look),
            gaps=[_gap(each, look) for each in gaps[:_MOST_GAPS]],
            gaps_more=len(gaps) - _MOST_GAPS,
            quarantine=[
                (each, _name(each.upstream, look), local_text(each.since, look.say))
                for each in quarantine[:_MOST_QUARANTINED]
            ],
            quarantine_more=len(quarantine) - _MOST_QUARANTINED,
        )

    @router.post("/link/quarantine/{number_}/replay")
    async def replay(number_: int, request: Request, look: Annotated[Look, Depends(frame.admin)]) -> Response:
        form = await posted(request, look)
        mended = form.get("line", "").replace("\r\n", "\n").strip()
        before = {each.id: each.line.strip() for each in edge.quarantine()}
        fixed = mended.encode() if mended and mended != before.get(number_) else None
        return await _do(look, "replay", number_, lambda: edge.replay(number_, fixed))

    @router.post("/link/quarantine/{number_}/drop")
    async def drop(number_: int, request: Request, look: Annotated[Look, Depends(frame.admin)]) -> Response:
        await posted(request, look)
        return await _do(look, "drop", number_, lambda: edge.drop(number_))

    async def _do(look: Look, what: str, number_: int, act: Callable[[], Any]) -> Response:
        try:
            await asyncio.to_thread(act)
            await asyncio.to_thread(frame.note, look, what, str(number_))
        except KeyError:
            raise Problem(404, f"nothing is quarantined under number {number_}") from None
        except ValueError as error:
            raise Problem(422, str(error)) from None
        except (OSError, sqlite3.Error) as error:
            raise Problem(503, f"the disk does not take it: {error}") from None
        return Response(status_code=303, headers={"Location": "/link#quarantine"})

    return router


def _link(upstream: UpstreamStatus, look: Look) -> Link:
    say = look.say
    lanes = upstream.lanes
    rows = (("events", lanes.events), ("live", lanes.live), ("backlog", lanes.backlog))
    hours, oldest, success = upstream.autonomy_hours, upstream.oldest_age_s, upstream.last_success
    drain = upstream.drain
    ends = ""
    if drain is not None:
        ends = (
            say(_("done in about {span}")).format(span=span_text(drain.seconds_left, say))
            if drain.seconds_left is not None
            else say(_("the speed is being measured"))
            if upstream.state == "sending"
            else say(_("it will be sent when the link is back"))
        )
    return Link(
        name=_name(upstream.name, look),
        state=look.say(words.LINK[upstream.state]) if upstream.state in words.LINK else upstream.state,
        tone={"idle": "good", "sending": "good", "holding": "bad"}.get(upstream.state, "warn"),
        waiting=[(say(words.LANES[name]), number(lane.points, look.lang)) for name, lane in rows],
        oldest=age(oldest, say) if oldest is not None else "",
        autonomy=span_text(hours * 3600, say) if hours is not None else "",
        last_success=local_text(success, say) if success else say(_("not yet")),
        error=_failure(upstream, look),
        share=None if drain is None else round(1 - drain.waiting / drain.most, 3),
        left="" if drain is None else number(drain.waiting, look.lang),
        ends=ends,
    )


def _name(upstream: str, look: Look) -> str:
    return look.say(words.LEVELS[upstream]) if upstream in words.LEVELS else upstream


def _failure(upstream: UpstreamStatus, look: Look) -> Failure | None:
    if not upstream.last_error:
        return None
    what, todo = words.TROUBLES.get(upstream.last_trouble or "", words.TROUBLES["unexpected"])
    stuck = upstream.state in ("retrying", "holding")
    return Failure(
        what=look.say(what),
        todo=look.say(todo) if stuck else "",
        when=local_text(upstream.last_error_at, look.say) if upstream.last_error_at else "",
        raw=upstream.last_error,
    )


def _nodes(frame: Frame, look: Look) -> list[tuple[str, ...]]:
    return [
        (
            node.gw,
            number(node.taken, look.lang),
            number(node.committed, look.lang),
            "—" if node.delivered is None else number(node.delivered, look.lang),
            number(node.quarantined, look.lang),
            number(node.missing, look.lang),
        )
        for node in frame.edge.counters().nodes
    ]


def _gap(gap: Gap, look: Look) -> Missing:
    last = "?" if gap.last is None else number(gap.last, look.lang)
    numbers = "" if gap.first is None else f"{number(gap.first, look.lang)} … {last}"
    times = [local_text(each, look.say) for each in (gap.after, gap.before) if each]
    return Missing(
        node=gap.gw,
        numbers=numbers,
        time=" … ".join(times) or (local_text(gap.since, look.say) if gap.since else ""),
        why=look.say(words.GAPS[gap.reason]) if gap.reason in words.GAPS else gap.reason,
    )
