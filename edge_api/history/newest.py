"""The newest line of each asset whose readings came in bodies: kept as it came, read when somebody asks."""

from collections.abc import Iterable, Iterator

from isal import igzip
from msgspec import Struct

from edge_api.history.now import place_of, tags_text
from edge_api.history.strands import LEVEL, ROW, STAMP, Strand, alike, newest
from edge_api.lineprotocol import parse
from edge_api.lines import DAMAGED
from edge_api.point import Point


class Line(Struct, gc=False):
    """An asset's newest line; `seen` is whether its newest values know of it."""

    measurement: str
    rest: bytes
    seen: bool

    @property
    def point(self) -> Point:
        """Read it; the point has no tags."""
        (point,) = parse(self.measurement.encode() + self.rest)
        return point

    @property
    def ts_ns(self) -> int:
        """Return its time."""
        return int(self.rest[STAMP])


class Newest:
    """By asset; with what is known of an asset by other ways they say all that is to be known of its present.

    Changed by who flushes only, but for what is `seen`.
    """

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.changed: set[str] = set()
        """Places of which not all is on disk."""

    def load(self, packed: bytes) -> None:
        """Take in what `states` had of a place; raise ValueError when it is damaged."""
        try:
            rows = ROW.findall(igzip.decompress(packed))
        except DAMAGED as error:
            raise ValueError(str(error)) from error
        for prefix, rest in rows:
            strand = Strand(prefix)
            self.lines[strand.key] = Line(strand.measurement, rest, seen=False)

    def of(self, strand: Strand) -> bytes | None:
        """Return the line that says all of a series and of the one of before; None where none does."""
        old = self.lines.get(strand.key)
        rests = strand.rests
        if old is not None:
            if old.measurement != strand.measurement:
                return None
            rests = [old.rest, *rests]
        return newest(rests) if alike(rests) else None

    def put(self, strand: Strand, rest: bytes, *, seen: bool) -> None:
        """Keep a line that `of` has returned."""
        old = self.lines.get(strand.key)
        if old is None or rest is not old.rest:
            self.lines[strand.key] = Line(strand.measurement, rest, seen)
            self.changed.add(strand.place)

    def unseen(self) -> list[str]:
        """Return the assets of which the newest values do not know their line."""
        return [key for key, line in self.lines.items() if not line.seen]

    def drop(self, key: str) -> None:
        """Let a line go that an asset's own state knows of."""
        if self.lines.pop(key, None) is not None:
            self.changed.add(place_of(key))

    def states(self, places: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield what the disk gets: places, and all of their lines."""
        by_place: dict[str, list[bytes]] = {place: [] for place in places}
        for key, line in self.lines.items():
            its = by_place.get(place_of(key))
            if its is not None:
                its += [line.measurement.encode(), tags_text(key), line.rest]
        for place, text in by_place.items():
            yield place, igzip.compress(b"".join(text), LEVEL)
