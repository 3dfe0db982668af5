"""Lines of bodies by their series, unread: what needs no more than to be parted is not taken apart."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from sys import intern

from edge_api.history.bodies import Body
from edge_api.history.kept import LATE_S, is_late
from edge_api.history.now import MOST_FIELDS
from edge_api.lineprotocol import parse
from edge_api.lineprotocol.shapes import PATTERNS
from edge_api.point import Point

ROW = re.compile(rb"^([^ ]+)( .*\n)", re.MULTILINE)
LEVEL = 1
"""Of isal: in a flush its 2, the default, took 94 microseconds a piece instead of 29, for the same size."""
STAMP = slice(-20, -1)
"""Where a line of an orderly body has its time."""
_A_DAY_NS = 86_400 * 1_000_000_000
_EARLIEST_NS = 10**18  # from here on times have 19 digits each, and compare as texts
_IN_NUMBERS = b"0123456789.-"
_ZEROS = bytes.maketrans(b"0123456789", b"0" * 10)
_IN_NAMES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

Rests = list[bytes]
"""Lines of one series from the space after their prefix on, with their newlines, in the order of arrival."""
Stales = Mapping[str, Mapping[str, float]]
"""After how many seconds a reading is stale: by place, and by key where somebody has told."""


def orderly(bodies: Sequence[Body]) -> bool:
    """Whether bodies came one after the other, none of them with times from before 2001 or of tomorrow.

    Others go to disk a series at a time: beside one time far ahead nothing would ever be old.
    """
    came = [body.came_ns for body in bodies]
    return came == sorted(came) and all(
        body.first_ns >= _EARLIEST_NS and body.last_ns - body.came_ns <= _A_DAY_NS for body in bodies
    )


class Strand:
    """The lines of one series in some bodies: those that came in time, and those that came late."""

    __slots__ = ("fresh", "key", "late", "measurement", "place", "prefix")

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        measurement, asset, commune, domain, province = prefix.decode().split(",")
        self.measurement = intern(measurement)
        self.place = f"{province[9:]}/{commune[8:]}"  # after `province=`, and so on
        self.key = f"{self.place}/{domain[7:]}/{asset[6:]}"
        self.fresh: Rests = []
        self.late: Rests = []

    @property
    def rests(self) -> Rests:
        """Return all of its lines. Of one time what was late came last: it is stale for as long."""
        return self.fresh + self.late if self.late else self.fresh

    @property
    def points(self) -> list[Point]:
        """Read its lines."""
        return parse(b"".join([self.prefix + rest for rest in self.rests]))


def opened(bodies: Iterable[Body], stales: Stales) -> list[Strand]:
    """Open orderly bodies, and return their series."""
    found: dict[bytes, Strand] = {}
    for body in bodies:
        told = [LATE_S, *(s for place in body.places for s in stales.get(place, {}).values())]
        some = is_late(body.first_ns, body.came_ns, min(told))
        every = some and is_late(body.last_ns, body.came_ns, max(told))
        for prefix, rest in ROW.findall(body.data()):
            strand = found.get(prefix)
            if strand is None:
                strand = found[prefix] = Strand(prefix)
            if some and (every or _is_late(strand, rest, body, stales)):
                strand.late.append(rest)
            else:
                strand.fresh.append(rest)
    return list(found.values())


def newest(rests: Rests) -> bytes:
    """Return the newest line; of one time the one that came last."""
    stamps = [rest[STAMP] for rest in rests]
    last = max(stamps)
    return rests[-1] if stamps[-1] == last else rests[len(rests) - 1 - stamps[::-1].index(last)]


def alike(rests: Rests) -> bool:
    """Whether lines have the same fields; False too where that would be dear to tell."""
    if rests[0].count(b"=") > MOST_FIELDS:
        return False
    text = b"".join(rests)
    if text.translate(None, _IN_NUMBERS) == rests[0].translate(None, _IN_NUMBERS) * len(rests):
        # They differ in digits. Those are of values, unless the name of a field has some.
        bare = text.translate(_ZEROS, _IN_NAMES)
        if bare.count(b"=") == bare.count(b",=") + bare.count(b" ="):
            return True
    fields = parse(b"m" + rests[0])[0].fields
    return _shape(tuple(fields), tuple(map(type, fields.values())))(text) is not None


def _is_late(strand: Strand, rest: bytes, body: Body, stales: Stales) -> bool:
    return is_late(int(rest[STAMP]), body.came_ns, stales.get(strand.place, {}).get(strand.key))


@lru_cache(maxsize=256)
def _shape(names: tuple[str, ...], kinds: tuple[type, ...]) -> Callable[[bytes], re.Match[bytes] | None]:
    """Return what matches lines with these fields."""
    patterns = [PATTERNS[kind].replace("(", "(?:", 1) for kind in kinds]
    fields = ",".join(f"{re.escape(name)}={each}" for name, each in zip(names, patterns, strict=True))
    return re.compile(f"(?: {fields} [0-9]+\n)+".encode()).fullmatch
