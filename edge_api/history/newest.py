"""The series that came in bodies, and the newest line of each: kept as it came, read when somebody asks."""

from collections.abc import Iterable, Iterator, Mapping

from isal import igzip

from edge_api.history.now import NOT_VALUES
from edge_api.history.pieces import Parted, parted
from edge_api.history.strands import LEVEL, ROW, STAMP, Known, Rests, alike, known_of, newest
from edge_api.lineprotocol import Names
from edge_api.lines import DAMAGED

Found = tuple[Known, Rests, bytes | None, Names | None]
"""A series, its lines in some bodies, the one that says all of them, and which fields all have."""


class Place:
    """The series of one commune; `assets` is how many different assets they are of."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.series: list[Known] = []
        self.assets = 0
        self._parted = Parted(name, 0, {})
        self._of = (0, 0)

    def parted(self, others: int) -> Parted:
        """Return them as pieces hold them; so many more assets are known of the place."""
        of = len(self.series), self.assets + others
        if of != self._of:
            self._parted, self._of = parted(self.name, self.series, self.assets + others), of
        return self._parted


class Newest:
    """By asset; with what is known of an asset by other ways they say all that is to be known of its present.

    Changed by who flushes only, but for what is `seen`.
    """

    def __init__(self) -> None:
        self.lines: dict[str, Known] = {}
        """By the key of their asset: of an asset that has changed its type the one with the line."""
        self.places: dict[str, Place] = {}
        self.changed: set[str] = set()
        """Places of which not all is on disk."""
        self._series: dict[bytes, Known] = {}

    def load(self, packed: bytes) -> None:
        """Take in what `states` had of a place; raise ValueError when it is damaged."""
        try:
            rows = ROW.findall(igzip.decompress(packed))
        except DAMAGED as error:
            raise ValueError(str(error)) from error
        for prefix, rest in rows:
            known = known_of(prefix)
            known.rest, known.seen = rest, False
            self.learn(known)

    def of(self, rests: Mapping[bytes, Rests], kinds: Mapping[bytes, Names]) -> Iterator[Found]:
        """Yield series with the line that says all of each and of the one of before; None where none does.

        `kinds` are the fields of measurements whose lines all have the same ones.
        """
        for prefix, its in rests.items():
            known = self._series.get(prefix) or known_of(prefix)
            names = kinds.get(known.measurement)
            rest: bytes | None = None
            if known.rest:
                if names is None:
                    both = [known.rest, *its]
                    rest = newest(both) if alike(both) else None
                elif names == known.names or names == _names(known):
                    rest = newest(its)
                    rest = rest if rest[STAMP] >= known.rest[STAMP] else known.rest
            else:
                other = self.lines.get(known.key)
                if (other is None or not other.rest) and (names is not None or alike(its)):
                    rest = newest(its)
            yield known, its, rest, names

    def learn(self, known: Known) -> None:
        """Note a series of an asset that is known."""
        other = self.lines.get(known.key)
        if known.prefix not in self._series:
            self._series[known.prefix] = known
            place = self.places.get(known.place)
            if place is None:
                place = self.places[known.place] = Place(known.place)
            place.series.append(known)
            place.assets += other is None
        if other is None or not other.rest:
            self.lines[known.key] = known

    def unseen(self) -> list[str]:
        """Return the assets of which the newest values do not know their line."""
        return [key for key, known in self.lines.items() if not known.seen]

    def drop(self, key: str) -> None:
        """Let a line go that an asset's own state knows of."""
        known = self.lines.get(key)
        if known is not None and known.rest:
            known.rest, known.seen, known.names = b"", True, None
            self.changed.add(known.place)

    def states(self, places: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield what the disk gets: places, and all of their lines."""
        for name in places:
            text: list[bytes] = []
            for known in self.places[name].series:
                if known.rest:
                    text += (known.prefix, known.rest)
            yield name, igzip.compress(b"".join(text), LEVEL)


def _names(known: Known) -> Names:
    """Return the fields that history keeps of a newest line; they are not known since the last start."""
    if known.names is None:
        known.names = tuple(name for name in known.point.fields if name not in NOT_VALUES)
    return known.names
