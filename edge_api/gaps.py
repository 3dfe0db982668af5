"""What is known to be missing here, and why: holes in the numbers, and stretches of time without readings."""

from collections.abc import Iterable
from itertools import pairwise

from edge_api.api import view
from edge_api.custody import RELEASED
from gateway.feed import from_ns, to_ns
from gateway.spool import DAMAGE, RangeSet, Spool
from gateway.spool.segment import parse_span

UNKNOWN = "unknown"
"""Reason of a gap that nothing here explains yet; the readings may still come."""
QUARANTINED = "quarantined"
"""Reason of readings that are here, but will not go on before a person has looked at them."""
REPLACED = "replaced"
"""Reason of the end of one spool of a node where another begins: a new card, or a new Pi of that name."""

_MOST_ROWS = 1000
_ROWS = (
    "SELECT gw, ep, first, last, reason, at_ns, after_ns, before_ns FROM gap WHERE reason <> ?"
    " ORDER BY id DESC LIMIT ?"
)


def gaps(spool: Spool) -> list[view.Gap]:
    """Return what is missing: the explained with its reason, the rest as `unknown`."""
    return [*_written(spool), *_quarantined(spool), *_replaced(spool), *_holes(spool)]


def outages(known: Iterable[view.Gap]) -> dict[str, list[tuple[int, int, str]]]:
    """Return, by node, the stretches of time without readings: from, to (ns) and reason."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for gap in known:
        if gap.after and gap.before:
            found.setdefault(gap.gw, []).append((to_ns(gap.after), to_ns(gap.before), gap.reason))
    return found


def _written(spool: Spool) -> list[view.Gap]:
    return [
        view.Gap(
            gw=gw,
            ep=ep,
            first=first if first <= last else None,
            last=last if first <= last else None,
            since=_time(at_ns) or "",
            reason=reason,
            after=_time(after_ns),
            before=_time(before_ns),
        )
        for gw, ep, first, last, reason, at_ns, after_ns, before_ns in spool.query(
            _ROWS, (RELEASED, _MOST_ROWS)
        )
    ]


def _quarantined(spool: Spool) -> list[view.Gap]:
    rows = spool.query(
        "SELECT span, at_ns FROM quarantine WHERE span <> '' ORDER BY id DESC LIMIT ?", (_MOST_ROWS,)
    )
    return [
        view.Gap(gw=gw, ep=ep, first=first, last=last, since=_time(at_ns) or "", reason=QUARANTINED)
        for text, at_ns in rows
        for (gw, ep), ranges in parse_span(text).items()
        for first, last in ranges
    ]


def _replaced(spool: Spool) -> list[view.Gap]:
    """Return, where a node began a new spool, how far the old one was seen: of its end nobody knows more."""
    with spool.lock:
        times = sorted((first_ns, last_ns, stream) for stream, (first_ns, last_ns) in spool.times.items())
        ends = {stream: seen.last for stream, seen in spool.streams.items()}
    by_node: dict[str, list[tuple[int, int, str]]] = {}
    for first_ns, last_ns, (gw, ep) in times:
        by_node.setdefault(gw, []).append((first_ns, last_ns, ep))
    return [
        view.Gap(
            gw=gw,
            ep=old,
            first=(ends.get((gw, old)) or 0) + 1,
            last=None,
            since="",
            reason=REPLACED,
            after=_time(min(ended_ns, began_ns)),
            before=_time(began_ns),
        )
        for gw, spools in by_node.items()
        for (_, ended_ns, old), (began_ns, _, _) in pairwise(spools)
    ]


def _holes(spool: Spool) -> list[view.Gap]:
    with spool.lock:
        streams = [(stream, seen.copy()) for stream, seen in spool.streams.items()]
        lost = {stream: ranges.copy() for stream, ranges in spool.lost.items()}
    found = []
    for (gw, ep), seen in streams:
        damaged = lost.get((gw, ep), RangeSet())
        holes = RangeSet(seen.missing(1, max(seen.last or 0, damaged.last or 0)))
        unknown = RangeSet(each for first, last in holes for each in damaged.missing(first, last))
        gone = RangeSet(each for first, last in holes for each in unknown.missing(first, last))
        found += [
            view.Gap(gw=gw, ep=ep, first=first, last=last, since="", reason=reason)
            for reason, ranges in ((DAMAGE, gone), (UNKNOWN, unknown))
            for first, last in ranges
        ]
    return found


def _time(at_ns: int | None) -> str | None:
    return from_ns(at_ns) if at_ns else None
