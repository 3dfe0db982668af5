"""What an edge says of itself: relays, gaps, quarantine, counts. Reads only."""

from collections.abc import Callable, Sequence
from datetime import datetime

from edge_api.api import view
from edge_api.custody import RELEASED
from edge_api.intake import Counts
from edge_api.relay import Relay
from gateway.feed import from_ns
from gateway.spool import EVENTS, READINGS, RangeSet, Spool, Stream
from gateway.spool.room import Room
from gateway.spool.segment import Span, parse_span

Wall = Callable[[], int]
_MOST_ROWS = 1000


def of_relays(relays: Sequence[Relay], now_ns: int, autonomy_hours: float | None = None) -> view.RelayStatus:
    """Return how each upstream stands."""
    return view.RelayStatus([_of_relay(relay, now_ns, autonomy_hours) for relay in relays])


def _of_relay(relay: Relay, now_ns: int, autonomy_hours: float | None) -> view.UpstreamStatus:
    outbox = relay.outbox
    events, readings, live = outbox.waiting[EVENTS], outbox.waiting[READINGS], outbox.live()
    oldest = outbox.oldest()
    return view.UpstreamStatus(
        name=relay.name,
        state=relay.state.value,
        lanes=view.Lanes(
            events=view.Lane(events.points, events.bytes),
            live=view.Lane(live.points, live.bytes),
            backlog=view.Lane(max(readings.points - live.points, 0), max(readings.bytes - live.bytes, 0)),
        ),
        oldest_age_s=max(now_ns - oldest.first_ns, 0) / 1e9 if oldest and oldest.first_ns else None,
        autonomy_hours=autonomy_hours,
        last_success=_text(relay.last_success),
        last_error=relay.last_error,
        last_trouble=relay.last_trouble,
        last_error_at=_text(relay.last_error_at),
        delivered=relay.delivered,
        quarantined=relay.quarantined,
    )


def _text(at: datetime | None) -> str | None:
    return from_ns(int(at.timestamp() * 1e9)) if at else None


def quarantine(spool: Spool) -> list[view.QuarantinedLine]:
    """Return what was refused, newest first."""
    rows = spool.query(
        "SELECT id, source, place, body, reason, at_ns FROM quarantine ORDER BY id DESC LIMIT ?",
        (_MOST_ROWS,),
    )
    return [
        view.QuarantinedLine(
            id=number,
            upstream=f"{source} {place}".strip(),
            line=body.decode("utf-8", "backslashreplace"),
            reason=reason,
            since=from_ns(at_ns) if at_ns else "",
        )
        for number, source, place, body, reason, at_ns in rows
    ]


def counters(
    spool: Spool, relays: Sequence[Relay], counts: Counts, disk_free: int, room: Room | None = None
) -> view.Counters:
    """Return totals, and per node what it has taken, what is here, and what every upstream has confirmed."""
    with spool.lock:
        streams = [(stream, seen.copy()) for stream, seen in spool.streams.items()]
        lost, quarantined = _lost(spool), _quarantined(spool)
        waiting = [relay.outbox.whose() for relay in relays]
        points = max((sum(w.points for w in r.outbox.waiting.values()) for r in relays), default=0)
        size = max((sum(w.bytes for w in r.outbox.waiting.values()) for r in relays), default=0)
    nodes = []
    for stream, seen in streams:
        given_up, released = lost.get(stream, (0, 0))
        committed = max(len(seen) - given_up - released, 0)
        here = _union(stream, waiting)
        aside = len(quarantined.get(stream, RangeSet()))
        unknown = sum(last - first + 1 for first, last in seen.missing(1, seen.last or 0))
        nodes.append(
            view.NodeCounts(
                gw=stream[0],
                ep=stream[1],
                taken=seen.last or 0,
                committed=committed,
                delivered=None if here is None else max(committed - here - aside, 0),
                quarantined=aside,
                missing=unknown + given_up,
            )
        )
    return view.Counters(
        nodes=nodes,
        received=counts.received,
        committed=counts.committed,
        duplicates=counts.duplicates,
        refused=counts.refused,
        commits=counts.commits,
        spool_points=points,
        spool_bytes=size,
        disk_free_bytes=disk_free,
        spool_used_bytes=room.quota.used if room else 0,
        spool_limit_bytes=room.quota.limit if room else 0,
        thinned=room.thinned if room else 0,
    )


def _lost(spool: Spool) -> dict[Stream, tuple[int, int]]:
    """Return, by stream, how many will never come, and how many an earlier edge has taken."""
    rows = spool.query(
        "SELECT gw, ep, sum((reason <> ?) * (last - first + 1)), sum((reason = ?) * (last - first + 1))"
        " FROM gap GROUP BY gw, ep",
        (RELEASED, RELEASED),
    )
    return {(gw, ep): (given_up, released) for gw, ep, given_up, released in rows}


def _quarantined(spool: Spool) -> Span:
    """Return the numbers that are in quarantine: they are here, and nobody above has all of them."""
    found: Span = {}
    for (text,) in spool.query("SELECT span FROM quarantine WHERE span <> ''"):
        for stream, ranges in parse_span(text).items():
            found.setdefault(stream, RangeSet()).update(ranges)
    return found


def _union(stream: Stream, waiting: Sequence[Span | None]) -> int | None:
    """Return how many of a stream wait for any upstream; None when that is not known, or there is none."""
    together = RangeSet()
    for each in waiting:
        if each is None:
            return None
        together.update(each.get(stream, ()))
    return len(together) if waiting else None
