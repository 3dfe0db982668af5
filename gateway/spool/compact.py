"""Joins the small segments of a long wait into large ones: fewer rows and bytes, a quicker start and drain.

A commit holds what arrived in a moment, often one reading. A backlog of these is mostly overhead: gzip finds
nothing to fold in 150 bytes. So what has waited for a while is joined, twice at most: dozens of commits
into one, and of those again as many as one request likes.
"""

import logging
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.spool.errors import DamageError
from gateway.spool.outbox import Outbox
from gateway.spool.ranges import RangeSet
from gateway.spool.segment import READINGS, Head, Segment, parse_span, span_text
from gateway.spool.store import Spool

log = logging.getLogger(__name__)

FRESH = 64  # the newest segments stay as they are: they are about to be sent
_SCAN = 2_000


@dataclass(frozen=True, slots=True)
class Tier:
    """Segments under `small` points are joined when `least` stand side by side, up to `most` points."""

    small: int
    least: int
    most: int


TIERS = (Tier(small=60, least=60, most=300), Tier(small=600, least=8, most=2_400))

Join = Callable[[Sequence[bytes]], bytes]


class Compactor:
    """Joins what waits, a bit at each call. `join` makes one body of several, in order."""

    def __init__(self, spool: Spool, outboxes: Sequence[Outbox], join: Join) -> None:
        self._spool = spool
        self._outboxes = outboxes
        self._join = join
        self._at = dict.fromkeys(TIERS, 0)

    def compact(self) -> int:
        """Join what has come since the last call; return how many segments went.

        Nothing that any upstream has confirmed or is being sent is touched: no reading changes its way.
        """
        return sum(self._compact(tier) for tier in TIERS)

    def _compact(self, tier: Tier) -> int:
        spool, gone = self._spool, 0
        while True:
            with spool.lock:
                heads = spool.heads(READINGS, self._at[tier], max(spool.last_id - FRESH, 0), _SCAN)
                runs = _runs(heads, tier, self._outboxes, contiguous=spool.by_seq)
                for run in runs:
                    if len(run) >= tier.least:
                        gone += self._join_run(run)
            if len(heads) < _SCAN:
                # The last run may still grow: the next call begins with it.
                if runs:
                    self._at[tier] = runs[-1][0].id
                return gone
            self._at[tier] = heads[-1].id + 1

    def _join_run(self, run: list[Head]) -> int:
        try:
            body = self._join(list(self._spool.bodies([head.id for head in run])))
        except (OSError, EOFError, zlib.error, DamageError) as error:
            # One body is not whole gzip, or not what was written; whoever sends it will find out which.
            log.warning("segments %d to %d stay as they are: %s", run[0].id, run[-1].id, error)
            return 0
        self._spool.rewrite(run, [_joined(run, body)])
        return len(run) - 1


def _runs(
    heads: Sequence[Head], tier: Tier, outboxes: Sequence[Outbox], *, contiguous: bool
) -> list[list[Head]]:
    """Cut heads into runs that may be joined."""
    runs: list[list[Head]] = []
    run: list[Head] = []
    points = 0
    for head in heads:
        fits = head.points < tier.small and not any(outbox.busy(head.id) for outbox in outboxes)
        if run and (
            not fits or points + head.points > tier.most or not _joins(run[-1], head, contiguous=contiguous)
        ):
            runs.append(run)
            run, points = [], 0
        if fits:
            run.append(head)
            points += head.points
    runs.append(run)
    return [each for each in runs if each]


def _joins(left: Head, right: Head, *, contiguous: bool) -> bool:
    """Whether two may share a body: dated alike, of one boot and, on a node, with no number between."""
    if left.boot != right.boot or (left.first_ns is None) != (right.first_ns is None):
        return False
    return not contiguous or left.id == right.id - right.points


def _joined(run: Sequence[Head], body: bytes) -> Segment:
    span: dict[tuple[str, str], RangeSet] = {}
    for head in run:
        for stream, ranges in parse_span(head.span).items():
            span.setdefault(stream, RangeSet()).update(ranges)
    firsts = [head.first_ns for head in run if head.first_ns is not None]
    lasts = [head.last_ns for head in run if head.last_ns is not None]
    return Segment(
        lane=READINGS,
        points=sum(head.points for head in run),
        span=span_text(span),
        body=body,
        first_ns=min(firsts, default=None),
        last_ns=max(lasts, default=None),
        boot=run[-1].boot,
        id=run[-1].id,
    )
