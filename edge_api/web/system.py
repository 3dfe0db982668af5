"""The machines behind the page: nodes and their clocks, this edge, certificates, and who did what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from edge_api.web import words
from edge_api.web.cards import CardMaker
from edge_api.web.figures import local_text, local_time
from edge_api.web.frame import Frame, Look
from sensors.figures import number

_SOON_DAYS = 30
_MB, _GB = 1e6, 1e9


def _(text: str) -> str:
    return text


def system_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    edge = frame.edge

    @router.get("/system")
    def system(look: Annotated[Look, Depends(frame.reader)]) -> Response:
        maker = CardMaker(edge.now_ns(), look.lang, look.say)
        nodes = [maker.card(each) for each in edge.history.latest() if each.domain == "gateway"]
        return frame.show(
            look,
            "system.html",
            live="cards",
            poll=15,
            view="system",
            cards=nodes,
            facts=_facts(frame, look),
            certificates=_certificates(frame, look),
            # What people did is for those who may do it too.
            actions=[
                (
                    local_time(each.ts_ns),
                    each.who,
                    look.say(words.ACTIONS[each.what]) if each.what in words.ACTIONS else each.what,
                    each.on,
                )
                for each in frame.actions.newest()
            ]
            if look.admin
            else None,
        )

    return router


def _facts(frame: Frame, look: Look) -> list[tuple[str, str]]:
    info, counts, say = frame.edge.info(), frame.edge.counters(), look.say
    level = say(words.LEVELS[info.level]) if info.level in words.LEVELS else info.level

    def size(value: int) -> str:
        if value < _GB:
            return f"{number(value / _MB, look.lang, 1)} MB"
        return f"{number(value / _GB, look.lang, 1)} GB"

    return [
        (say(_("Level")), f"{level} {info.province}/{info.commune}".rstrip("/")),
        (say(_("Version")), info.version),
        (say(_("Free disk")), size(counts.disk_free_bytes)),
        (say(_("Spool")), f"{size(counts.spool_used_bytes)} / {size(counts.spool_limit_bytes)}"),
        (say(_("Received since the start")), number(counts.received, look.lang)),
        (say(_("Kept since the start")), number(counts.committed, look.lang)),
        (say(_("Came twice")), number(counts.duplicates, look.lang)),
        (say(_("Thinned out")), number(counts.thinned, look.lang)),
    ]


def _certificates(frame: Frame, look: Look) -> list[tuple[str, str, str]]:
    """Return each certificate, when it ends, and how urgent that is."""
    rows = []
    for each in frame.edge.certificates():
        if each.problem or each.days_left is None:
            rows.append((each.what, each.problem or "", "bad" if each.problem else "good"))
            continue
        days = number(max(each.days_left, 0), look.lang, 0)
        left = look.say(_("{n} days left")).format(n=days)
        tone = "good" if each.days_left >= _SOON_DAYS else "warn" if each.days_left > 0 else "bad"
        rows.append((each.what, f"{local_text(each.expires or '', look.say)} ({left})", tone))
    return rows
