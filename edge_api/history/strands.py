"""Lines of bodies by their series, unread: what needs no more than to be parted is not taken apart."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from sys import intern

from msgspec import Struct

from edge_api.history.bodies import Body
from edge_api.history.kept import LATE_S, is_late
from edge_api.history.now import MOST_FIELDS
from edge_api.lineprotocol import Names, parse
from edge_api.lineprotocol.shapes import PATTERNS
from edge_api.point import Point

ROW = re.compile(rb"^([^ ]+)( .*\n)", re.MULTILINE)
LEVEL = 1
"""Of isal: in a flush its 2, the default, took 94 microseconds a piece instead of 29, for the same size."""
STAMP = slice(-20, -1)
"""Where a line of an orderly body has its time."""
_stamp = itemgetter(STAMP)
_A_DAY_NS = 86_400 * 1_000_000_000
_EARLIEST_NS = 10**18  # from here on times have 19 digits each, and compare as texts
_NEVER = 2**63
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


class Strands:
    """Lines by the prefixes of their series, none of them before `first_ns` or after `last_ns`."""

    __slots__ = ("first_ns", "last_ns", "late", "rests")

    def __init__(self, *, late: bool) -> None:
        self.late = late
        self.rests: defaultdict[bytes, Rests] = defaultdict(list)
        self.first_ns, self.last_ns = _NEVER, 0

    def reach(self, body: Body) -> None:
        """Let them hold lines of a body."""
        self.first_ns = min(self.first_ns, body.first_ns)
        self.last_ns = max(self.last_ns, body.last_ns)


class Known(Struct, gc=False):
    """A series; `rest` is its asset's newest line, b"" where the state of the asset says all that is known.

    `seen` is whether its asset's newest values know of the line, `names` the fields that history keeps of it.
    """

    prefix: bytes
    measurement: bytes
    place: str
    key: str
    rest: bytes = b""
    seen: bool = True
    names: Names | None = None

    @property
    def ts_ns(self) -> int:
        """Return the time of the newest line."""
        return int(self.rest[STAMP])

    @property
    def point(self) -> Point:
        """Read the newest line."""
        (point,) = self.points([self.rest])
        return point

    def points(self, rests: Rests) -> list[Point]:
        """Read lines of the series."""
        return parse(b"".join([self.prefix + rest for rest in rests]))


def known_of(prefix: bytes) -> Known:
    """Return the series of a prefix; nothing more is known of it."""
    measurement, place, key = names_in(prefix)
    return Known(prefix, measurement, intern(place), key)


def names_in(prefix: bytes) -> tuple[bytes, str, str]:
    """Return the measurement of a prefix, its place and the key of its asset."""
    measurement, asset, commune, domain, province = prefix.split(b",")
    place = f"{province[9:].decode()}/{commune[8:].decode()}"  # after `province=`, and so on
    return measurement, place, f"{place}/{domain[7:].decode()}/{asset[6:].decode()}"


def opened(bodies: Iterable[Body], stales: Stales) -> tuple[Strands, Strands]:
    """Open orderly bodies, and return their lines: those that came in time, and those that came late."""
    fresh, late = Strands(late=False), Strands(late=True)
    for body in bodies:
        told = [LATE_S, *(s for place in body.places for s in stales.get(place, {}).values())]
        some = is_late(body.first_ns, body.came_ns, min(told))
        every = some and is_late(body.last_ns, body.came_ns, max(told))
        rows = ROW.findall(body.data())
        if not some or every:
            its = late if every else fresh
            its.reach(body)
            rests = its.rests
            for prefix, rest in rows:
                rests[prefix].append(rest)
            continue
        for each in (fresh, late):
            each.reach(body)
        for prefix, rest in rows:
            (late if _is_late(prefix, rest, body, stales) else fresh).rests[prefix].append(rest)
    return fresh, late


def joined(strands: tuple[Strands, Strands]) -> Mapping[bytes, Rests]:
    """Return all lines. Of one time what was late came last: it is stale for as long."""
    fresh, late = strands
    if not late.rests:
        return fresh.rests
    return {
        prefix: fresh.rests.get(prefix, []) + late.rests.get(prefix, [])
        for prefix in fresh.rests.keys() | late.rests.keys()
    }


def newest(rests: Rests) -> bytes:
    """Return the newest line; of one time the one that came last."""
    return rests[0] if len(rests) == 1 else max(rests[::-1], key=_stamp)


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


def _is_late(prefix: bytes, rest: bytes, body: Body, stales: Stales) -> bool:
    _, place, key = _names(prefix)
    return is_late(int(rest[STAMP]), body.came_ns, stales.get(place, {}).get(key))


_names = lru_cache(maxsize=4096)(names_in)


@lru_cache(maxsize=256)
def _shape(names: tuple[str, ...], kinds: tuple[type, ...]) -> Callable[[bytes], re.Match[bytes] | None]:
    """Return what matches lines with these fields."""
    patterns = [PATTERNS[kind].replace("(", "(?:", 1) for kind in kinds]
    fields = ",".join(f"{re.escape(name)}={each}" for name, each in zip(names, patterns, strict=True))
    return re.compile(f"(?: {fields} [0-9]+\n)+".encode()).fullmatch
