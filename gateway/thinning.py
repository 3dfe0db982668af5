"""A node whose card is full gives up readings, and says so: the edge must not wait for what is gone."""

import gzip
from collections.abc import Callable, Sequence

from gateway.feed import FeedError, decode_event
from gateway.journal import records
from gateway.spool import EVENTS, DamageError, Gap, Outbox, Segment
from gateway.spool.segment import Head, first_number, parse_span
from gateway.spool.thinning import Item

_LEVEL = 1
_SCAN = 500


class NodeCodec:
    """A node's segments: a reading's number is its place, so an empty line stands where one was."""

    def __init__(self, tell: Callable[[Sequence[Gap]], list[Segment]]) -> None:
        self._tell = tell

    def read(self, head: Head, body: bytes) -> list[Item]:
        """Return the records; intervals are of each boot's own clock, which nobody sets."""
        (stream,) = parse_span(head.span)
        return [
            Item(
                key=f"{head.boot} {record.path}",
                at_ns=record.mono_ns,
                event=record.path.endswith("/event"),
                line=b"%s\t%d\t%g\t%s"
                % (record.path.encode(), record.mono_ns, record.stale_after_s, record.body),
                stream=stream,
                seq=record.seq,
            )
            for record in records(body, head.id)
        ]

    def write(self, head: Head, kept: Sequence[Item]) -> Segment:
        """Return the segment with the other lines emptied; it covers the same numbers."""
        first = first_number(head.span)
        if first is None:
            raise ValueError(f"segment {head.id} does not say which numbers it covers")
        lines = [b""] * (head.id - first + 1)
        for item in kept:
            lines[item.seq - first] = item.line
        body = gzip.compress(b"\n".join(lines), _LEVEL, mtime=0)
        times = head.first_ns, head.last_ns, head.boot
        return Segment(head.lane, len(kept), head.span, body, *times, head.id)

    def tell(self, gaps: Sequence[Gap]) -> list[Segment]:
        """Return one segment with a gap event for each."""
        return self._tell(gaps)


def lowest_told(outbox: Outbox) -> int | None:
    """Return the lowest number of a gap that the edge has not heard of: it must hear of it from there."""
    lowest = next((first for first, _ in outbox.spool.untold), None)
    for low, high in list(outbox.delivered.missing(0, outbox.spool.last_id)):
        at = low
        while heads := outbox.spool.heads(EVENTS, at, high, _SCAN):
            at = heads[-1].id + 1
            for head in heads:
                try:
                    found = records(outbox.spool.body(head.id), head.id)
                except (ValueError, DamageError):
                    continue  # set aside, or will be when it is to be sent; its own numbers are a gap then
                for record in found:
                    try:
                        event = decode_event(record.body)
                    except FeedError:
                        continue  # the same
                    if event.type == "gap" and isinstance(event.first, int):
                        lowest = event.first if lowest is None else min(lowest, event.first)
    return lowest
