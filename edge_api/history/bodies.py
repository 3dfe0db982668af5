"""Bodies of our own edges' lines: kept as they came, opened a place at a time, a series in one step."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache

from isal import igzip

from edge_api.history.kept import LATE, doubts_of, is_late, values_of
from edge_api.history.now import DOUBTS, MOST_FIELDS, NOT_VALUES, tags_text
from edge_api.history.query import Piece
from edge_api.history.tail import Tail
from edge_api.lineprotocol import FeedLines, Kind, Names, parse
from edge_api.lineprotocol.shapes import PATTERNS, READERS
from edge_api.point import Point
from sensors.sample import Value

_BYTES_A_VALUE = 16  # what a value in a column takes: a body counts by its size
_ROW = re.compile(r"^([^ ]+)( .+\n)", re.MULTILINE)  # of a line that is known to be one of ours
_MOST_SHAPES = 256
_NEW = "\n"
_NOT_READ = NOT_VALUES - DOUBTS - {"gw"}

Row = tuple[str, "Body"]
"""What follows a line's prefix, as it is written, and the body that it came in."""


Columns = dict[str, list[Value]]
Read = tuple[list[int], Columns] | None
_last: dict[str, Callable[[str], Read]] = {}
"""What reads lines of a measurement: of the shape that they had of late."""


class Body:
    """One body. `seen` is whether the newest values know of it; `places` are province/commune."""

    __slots__ = ("_packed", "came_ns", "count", "first_ns", "kinds", "last_ns", "places", "seen", "values")

    def __init__(self, lines: FeedLines, packed: bytes, came_ns: int) -> None:
        self._packed = packed
        self.came_ns = came_ns
        self.first_ns, self.last_ns = lines.first_ns, lines.last_ns
        self.places = _names(tuple(lines.places))
        self.kinds = None if None in lines.kinds else _kept(lines.kinds)
        self.count = len(lines)
        self.values = -(-len(packed) // _BYTES_A_VALUE)
        self.seen = False

    def data(self) -> bytes:
        """Return its lines."""
        data: bytes = igzip.decompress(self._packed)
        return data

    def text(self, key: str | None = None) -> str:
        """Return its lines, of one asset only when its key is given."""
        data = self.data()
        if key is None:
            return data.decode()
        mark = tags_text(key) + b" "
        found = []
        at = data.find(mark)
        while at >= 0:
            begin, end = data.rfind(b"\n", 0, at) + 1, data.index(b"\n", at) + 1
            if data.find(b" ", begin, at) < 0:  # else it is in a text of another's line
                found.append(data[begin:end])
            at = data.find(mark, end)
        return b"".join(found).decode()


class Lines:
    """Some lines of one series, in the order in which they came; `text` is of them without its prefix."""

    def __init__(self, prefix: str, text: str) -> None:
        self.measurement, *pairs = prefix.split(",")
        self.tags = dict(pair.split("=") for pair in pairs)
        self._prefix, self._text = prefix, text
        self._read = _columns(self.measurement, text)

    @property
    def mixed(self) -> bool:
        """Whether they are not all of one shape: doubts come and go."""
        return self._read is None

    @cached_property
    def points(self) -> list[Point]:
        """Read them one by one."""
        rests = self._text.split("\n")[:-1]
        return parse("".join([f"{self._prefix}{rest}\n" for rest in rests]).encode())

    @property
    def times(self) -> list[int]:
        """Return their times."""
        return [point.ts_ns for point in self.points] if self._read is None else self._read[0]

    def kept(self, late: Sequence[bool]) -> dict[str, Piece]:
        """Return what history keeps of them, as a Tail's columns; `late` says of each whether it was."""
        if self._read is None:
            tail = Tail()
            for point, its in zip(self.points, late, strict=True):
                tail.add(point.ts_ns, values_of(point) + doubts_of(point, late=its))
            return tail.columns()
        times, columns = self._read
        found: dict[str, Piece] = {
            name: (times, values) for name, values in columns.items() if name not in NOT_VALUES
        }
        quality = columns.get("q")
        if quality is None or quality.count("good") < len(quality):
            at = [at for at in range(len(times)) if quality is None or quality[at] != "good"]
            for name in DOUBTS & columns.keys():
                found[name] = [times[each] for each in at], [columns[name][each] for each in at]
        those = [ts for ts, its in zip(times, late, strict=True) if its]
        if those:
            found[LATE] = those, [True] * len(those)
        return found


class Series(Lines):
    """The readings of one series in some bodies, in the order in which they came."""

    def __init__(self, prefix: str, rows: Sequence[Row]) -> None:
        rests, bodies = zip(*rows, strict=True)
        super().__init__(prefix, "".join(rests))
        self.key = "/".join(self.tags[tag] for tag in ("province", "commune", "domain", "asset"))
        self._bodies: tuple[Body, ...] = bodies

    @property
    def span(self) -> tuple[int, int, int]:
        """Return the first and the last time, and how many readings there are."""
        times = self.times
        return min(times), max(times), len(times)

    def unseen(self) -> list[Point]:
        """Return what the newest values must see of it: of lines of one shape the newest."""
        anew = [at for at, body in enumerate(self._bodies) if not body.seen]
        if self._read is None:
            return [self.points[at] for at in anew]
        if not anew:
            return []
        times, columns = self._read
        newest = max(anew, key=lambda at: (times[at], at))
        fields = {name: values[newest] for name, values in columns.items()}
        return [Point(self.measurement, self.tags, times[newest], fields)]

    def columns(self, stale_after_s: float | None) -> dict[str, Piece]:
        """Return what history keeps of it, as a Tail's columns."""
        came = zip(self.times, self._bodies, strict=True)
        return self.kept([is_late(ts, body.came_ns, stale_after_s) for ts, body in came])


def series_of(bodies: Iterable[Body], key: str | None = None) -> Iterator[Series]:
    """Yield the series of some bodies, of one asset only when its key is given."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for body in bodies:
        for prefix, rest in _ROW.findall(body.text(key)):
            rows[prefix].append((rest, body))
    for prefix, its in rows.items():
        yield Series(prefix, its)


def places_of(bodies: Iterable[Body]) -> frozenset[str]:
    """Return the places of bodies."""
    nowhere: frozenset[str] = frozenset()
    return nowhere.union(*{body.places for body in bodies})


def kinds_of(bodies: Iterable[Body]) -> dict[bytes, Names]:
    """Return which fields of theirs history keeps: of each measurement whose lines all have the same ones."""
    found: dict[bytes, Names | None] = {}
    for kinds in {body.kinds for body in bodies}:
        if kinds is None:
            return {}
        for measurement, names in kinds:
            if found.setdefault(measurement, names) != names:
                found[measurement] = None
    return {measurement: names for measurement, names in found.items() if names and len(names) <= MOST_FIELDS}


def grouped(bodies: Sequence[Body]) -> list[list[Body]]:
    """Part bodies so that no place is in two groups; each group is in the order in which they came."""
    groups: list[tuple[frozenset[str], list[int]]] = []
    of_places: defaultdict[frozenset[str], list[int]] = defaultdict(list)
    for number, body in enumerate(bodies):
        of_places[body.places].append(number)
    for places, numbers in of_places.items():
        touched = [group for group in groups if not places.isdisjoint(group[0])]
        groups = [group for group in groups if places.isdisjoint(group[0])]
        both = [*numbers, *(number for _, its in touched for number in its)]
        groups.append((places.union(*(others for others, _ in touched)), both))
    return [[bodies[number] for number in sorted(numbers)] for _, numbers in groups]


@lru_cache(maxsize=1024)
def _names(places: tuple[tuple[str, str], ...]) -> frozenset[str]:
    return frozenset(f"{province}/{commune}" for province, commune in places)


@lru_cache(maxsize=1024)
def _kept(kinds: frozenset[Kind]) -> frozenset[Kind]:
    """Return them, the same each time, with the names only that history keeps."""
    return frozenset((measurement, names and _names_kept(names)) for measurement, names in kinds)


@lru_cache(maxsize=1024)
def _names_kept(names: Names) -> Names:
    return tuple(name for name in names if name not in NOT_VALUES)


def _columns(measurement: str, text: str) -> Read:
    """Read the times and fields of lines that are all of one shape; None where they are not."""
    read = _last[measurement](text) if measurement in _last else None
    if read is None:
        first = parse(f"{measurement}{text[: text.index(_NEW) + 1]}".encode())[0].fields
        if len(first) > MOST_FIELDS:
            return None
        shape = _shape(tuple(first), tuple(map(type, first.values())))
        read = shape(text)
        if read is not None and (measurement in _last or len(_last) < _MOST_SHAPES):
            _last[measurement] = shape
    return read


@lru_cache(maxsize=_MOST_SHAPES)
def _shape(names: tuple[str, ...], kinds: tuple[type, ...]) -> Callable[[str], Read]:
    """Return what reads lines if they are all of one shape."""
    parts, read = [], []
    for name, kind in zip(names, kinds, strict=True):
        pattern = PATTERNS[kind]
        if name in _NOT_READ:
            pattern = pattern.replace("(", "(?:", 1)
        else:
            read.append((name, READERS.get(kind)))
        parts.append(f"{re.escape(name)}={pattern}")
    # One group more than is read: of a single one it would make texts instead of tuples.
    rows = re.compile(f"^ {','.join(parts)} ([0-9]+)(\n)", re.MULTILINE).findall

    def columns(text: str) -> Read:
        found = rows(text)
        if len(found) != text.count("\n"):
            return None
        *texts, stamps, _ = zip(*found, strict=True)
        return list(map(int, stamps)), {
            name: list(its if reader is None else map(reader, its))
            for (name, reader), its in zip(read, texts, strict=True)
        }

    return columns
