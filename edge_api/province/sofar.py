"""How far a running day of an asset has been counted, so that only what came since is counted. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from edge_api.province.counting import OPENING, Counted, Outage, count
from edge_api.province.measures import MEASURES, Facts, Measures
from edge_api.province.watched import Watched

SETTLED_NS = 900 * 1_000_000_000
"""What is younger than this is counted again next time: links deliver a little out of order."""
_encode = msgspec.msgpack.encode


class SoFar(Struct, array_like=True):
    """What the readings of a day come to, up to one of them; `every_ns` is their rhythm, None for none."""

    every_ns: int | None = None
    readings: int = 0
    counted: Counted = msgspec.field(default_factory=Counted)
    late: int = 0
    uncertain: int = 0
    bad: int = 0
    covered_ns: int = 0
    sums: dict[str, float] = {}
    lists: dict[str, list[float]] = {}
    carry: dict[str, float] = {}

    def add(self, part: Watched, kind: str, facts: Facts, outages: Sequence[Outage]) -> None:
        """Add the readings of the part of the day that follows."""
        own = part.own()
        self.readings += len(own)
        if self.every_ns is None:
            self.counted.present = self.readings
        else:
            count(part, self.counted, self.every_ns, outages)
        words = [part.words[ts] for ts in own if ts in part.words]
        self.late += part.late()
        self.uncertain += words.count("uncertain")
        self.bad += words.count("bad")
        self.covered_ns += part.covered_ns()
        measure = MEASURES.get(kind)
        if measure is not None:
            found = Measures(defaultdict(float, self.sums), defaultdict(list, self.lists), self.carry)
            measure(part, found, facts)
            self.sums, self.lists, self.carry = dict(found.sums), dict(found.lists), found.carry


_so_far = msgspec.msgpack.Decoder(SoFar)


class Mark(Struct, frozen=True, array_like=True):
    """All readings of a day before `at_ns` are in `packed`, counted under `terms`."""

    day: int
    at_ns: int
    terms: bytes
    packed: bytes

    def so_far(self) -> SoFar:
        """Return a copy that may be added to."""
        return _so_far.decode(self.packed)


def mark(day: int, at_ns: int, terms: bytes, so_far: SoFar) -> Mark:
    """Keep what a day comes to before one of its readings."""
    return Mark(day, at_ns, terms, _encode(so_far))


def terms(told: object, outages: Sequence[Outage], before_ns: int) -> bytes:
    """Return a digest of all that a count up to a moment rests on beside the readings."""
    return blake2b(
        _encode([told, [each for each in outages if each[0] < before_ns]]), digest_size=16
    ).digest()


def next_mark_ns(watched: Watched, *, settled: bool, after_ns: int) -> int | None:
    """Return the reading up to which a running day need not be counted again; None where there is none."""
    seen = watched.times
    before_ns = watched.end_ns - SETTLED_NS
    # the rhythm rests on the day's first readings, and must not change any more
    first_ns = 0 if settled else seen[OPENING - 1] + 1 if len(seen) >= OPENING else before_ns + 1
    own = watched.part(max(first_ns, after_ns + 1), before_ns + 1).own()
    return own[-1] if own else None
