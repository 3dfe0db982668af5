"""Reads from the spool what it holds and others do not know: at a start, and what came beside the writer."""

import logging
from collections.abc import Iterator, Sequence
from heapq import merge

from isal import igzip

from edge_api.lineprotocol import feed_lines, parse
from edge_api.lines import DAMAGED
from edge_api.point import Point
from gateway.spool import DamageError, Spool
from gateway.spool.segment import Head

log = logging.getLogger(__name__)

_PIECE = 200  # segments looked up at a time


def unread(
    spool: Spool, lanes: Sequence[int], after: int, last: int | None = None
) -> Iterator[tuple[int, Sequence[Point], bytes]]:
    """Yield id, points and body of each segment of these lanes above `after`, to `last`, as committed.

    One that cannot be read is logged and passed over. Raises sqlite3.Error when the file does not answer.
    """
    last = spool.last_id if last is None else last
    heads = [_heads(spool, lane, after + 1, last) for lane in lanes]
    for head in merge(*heads, key=lambda head: head.id):
        try:
            body = spool.body(head.id)
            data = igzip.decompress(body)
            points = feed_lines(data) or parse(data)
        except (KeyError, ValueError, DamageError, *DAMAGED) as error:
            log.warning("segment %d cannot be read again: %s", head.id, error)
            continue
        yield head.id, points, body


def newest(spool: Spool, after: int, most: int) -> int:
    """Return the id, `after` or a later one, above which segments hold no more than `most` points."""
    below = spool.last_id + 1
    while rows := spool.query(
        "SELECT id, points FROM segment WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ?",
        (after, below, _PIECE),
    ):
        for below, points in rows:
            most -= points
            if most < 0:
                return int(below)
    return after


def _heads(spool: Spool, lane: int, first: int, last: int) -> Iterator[Head]:
    while heads := spool.heads(lane, first, last, _PIECE):
        yield from heads
        first = heads[-1].id + 1
