"""Joins the small segments of a long wait into large ones: fewer rows and bytes, a quicker start and drain.

A commit holds what arrived in a moment, often one reading. A backlog of these is mostly overhead: gzip finds
nothing to fold in 150 bytes. So what has waited for a while is joined, and again, as soon as no more fits: a
reading is written three times at most, and what is not joined yet is a few kilobytes, however long the wait.
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

FRESH = 64  # of what came since the last call the newest stay as they are: they are about to be sent
_SCAN = 3_000  # segments; more than any run can hold
_ROUND = 360  # calls, an hour of them: then what came in it is looked at again, for what was on its way


@dataclass(frozen=True, slots=True)
class Tier:
    """Segments under `small` points are joined, if `least` stand side by side, once no more fits into `most`.

    `small` is about half of `most`: what has been joined is not small any more.
    """

    small: int
    least: int
    most: int


# Commits of fewer than 20, 41 and 600 readings are joined three times, twice and once. When each holds one,
# what is not joined yet takes some 10 kB more than it will; with two tiers 18.
TIERS = (Tier(20, 8, 40), Tier(41, 7, 300), Tier(600, 8, 2_400))

Join = Callable[[Sequence[bytes]], bytes]


class Compactor:
    """Joins what waits, a bit at each call. `join` makes one body of several, in order."""

    def __init__(self, spool: Spool, outboxes: Sequence[Outbox], join: Join) -> None:
        self._spool = spool
        self._outboxes = outboxes
        self._join = join
        self._at = dict.fromkeys(TIERS, 0)
        self._at_last_round = self._at.copy()
        self._last_id = spool.last_id
        self._calls = 0

    def compact(self) -> int:
        """Join what had come by the last call, and in a flood more of it; return how many segments went.

        Nothing that any upstream has confirmed or is being sent is touched: no reading changes its way.
        """
        self._calls += 1
        if self._calls % _ROUND == 0:
            self._at, self._at_last_round = self._at_last_round, self._at.copy()
        last_id = self._spool.last_id
        end, self._last_id, gone = max(self._last_id, last_id - FRESH), last_id, 0
        for tier in TIERS:
            gone += self._compact(tier, end)
            end = min(end, self._at[tier] - 1)  # what one tier may still join is not yet of the next
        return gone

    def _compact(self, tier: Tier, end: int) -> int:
        spool, gone, more = self._spool, 0, True
        while more:
            with spool.lock:
                heads = spool.heads(READINGS, self._at[tier], end, _SCAN)
                more = len(heads) == _SCAN
                following = heads[-1].id + 1 if more else end + 1
                while heads and self._is_on_its_way(heads[-1]):
                    following = heads.pop().id  # an upstream that does not answer: it will be back
                runs = _runs(heads, tier, self._outboxes, contiguous=spool.by_seq)
                if runs and runs[-1][-1] is heads[-1]:
                    following = runs.pop()[0].id  # this one may still grow
                for run in runs:
                    if len(run) >= tier.least:
                        gone += self._join_run(run)
            more = more and following > self._at[tier]
            self._at[tier] = max(following, self._at[tier])
        return gone

    def _is_on_its_way(self, head: Head) -> bool:
        return any(it.busy(head.id) and head.id not in it.delivered for it in self._outboxes)

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
