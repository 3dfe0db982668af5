"""What a spool holds: a segment is the bytes of one group commit, ready to be sent, and what is in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from gateway.spool.ranges import RangeSet

EVENTS = 0
READINGS = 1

Stream = tuple[str, str]
"""(gw, ep): a node and the spool it counts in."""

Span = dict[Stream, RangeSet]
"""The sequence numbers in a segment, by stream."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One row: `body` is what will be sent, untouched. Times are ns UTC, None while undated.

    `boot` names the boot whose monotonic clock stamped an undated segment. `id` orders segments within a
    spool; the spool gives one when it is 0.
    """

    lane: int
    points: int
    span: str
    body: bytes
    first_ns: int | None = None
    last_ns: int | None = None
    boot: str | None = None
    id: int = 0


class Head(NamedTuple):
    """A segment without its body."""

    id: int
    lane: int
    points: int
    size: int
    first_ns: int | None
    last_ns: int | None
    boot: str | None
    span: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Readings `first`..`last` of a stream that will never come, and why.

    A stretch of time without readings has no numbers: it lies after `after_ns` and before `before_ns` (UTC).
    """

    stream: Stream
    first: int
    last: int
    reason: str
    after_ns: int | None = None
    before_ns: int | None = None

    @classmethod
    def of_time(cls, stream: Stream, reason: str, after_ns: int | None, before_ns: int | None) -> "Gap":
        """Return a gap of which only the time is known: no number was given in it."""
        return cls(stream, 0, -1, reason, after_ns, before_ns)

    @property
    def numbers(self) -> RangeSet:
        """Return the numbers that are missing; none of a stretch of time."""
        return RangeSet([(self.first, self.last)] if self.first <= self.last else ())


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that no one would take: kept whole, with the reason, to be looked at and replayed.

    `source` is `mqtt`, `http` or `upstream NAME`; `place` the topic or the address.
    """

    source: str
    place: str
    reason: str
    body: bytes
    span: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """Proof that segments are on disk: the only thing that an acknowledgement accepts."""

    first_id: int
    last_id: int


def span_text(span: Span) -> str:
    """Write a span: "gw-01/7f3a9c:1-20,25;gw-02/0b11aa:3"."""
    return ";".join(f"{gw}/{ep}:{ranges}" for (gw, ep), ranges in span.items())


def parse_span(text: str) -> Span:
    """Read what `span_text` writes."""
    span: Span = {}
    for part in text.split(";"):
        if part:
            stream, _, ranges = part.partition(":")
            gw, _, ep = stream.partition("/")
            span[gw, ep] = RangeSet.parse(ranges)
    return span


def first_number(span: str) -> int | None:
    """Return the first number of a span of one stream, None when it is empty."""
    text = span.rpartition(":")[2].partition(",")[0].partition("-")[0]
    return int(text) if text else None


def span_of(identities: Iterable[tuple[str, str, int]]) -> str:
    """Write the span of (gw, ep, seq) identities."""
    span: Span = {}
    for gw, ep, seq in identities:
        ranges = span.get((gw, ep))
        if ranges is None:
            ranges = span[gw, ep] = RangeSet()
        ranges.add(seq, seq)
    return span_text(span)
