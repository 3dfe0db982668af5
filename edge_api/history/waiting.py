"""Readings that are not on disk yet: in columns by asset, or in the bodies in which they came, unopened."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from edge_api.history.bodies import Body, Series, grouped, places_of
from edge_api.history.now import place_of
from edge_api.history.tail import Tail
from sensors.sample import Value


class Waiting:
    """What waits in memory. Bodies of a place are newer than what is in columns of its assets."""

    def __init__(self) -> None:
        self.tails: dict[str, Tail] = {}
        self.bodies: list[Body] = []
        self._places: Counter[str] = Counter()  # in how many bodies each is: there may be thousands of them
        self._in_tails = self._in_bodies = 0
        self.unopened = 0
        """How many readings wait in bodies."""

    @property
    def values(self) -> int:
        """Return how many values in columns would take as much memory as what waits."""
        return self._in_tails + self._in_bodies

    def add(self, key: str, ts_ns: int, values: Iterable[tuple[str, Value]]) -> None:
        """Put a reading into its asset's columns."""
        self._in_tails += self._tail(key).add(ts_ns, values)

    def enter(self, series: Series, stale_after_s: float | None) -> None:
        """Put a series of an opened body into its asset's columns."""
        self._in_tails += self._tail(series.key).absorb(series.columns(stale_after_s), series.span)

    def keep(self, body: Body) -> None:
        """Keep a body as it came."""
        self.bodies.append(body)
        self._places.update(body.places)
        self._in_bodies += body.values
        self.unopened += body.count

    def holds(self, places: AbstractSet[str]) -> bool:
        """Whether there are bodies that touch these places."""
        return not places.isdisjoint(self._places)

    def pop(self, places: frozenset[str]) -> list[Body]:
        """Take out the bodies that touch these places, and those from whose places they cannot be parted.

        They are in the order in which they came; of no place are others left.
        """
        if not self.holds(places):
            return []
        groups = [group for group in grouped(self.bodies) if not places.isdisjoint(places_of(group))]
        gone = places_of(body for group in groups for body in group)
        popped = [body for body in self.bodies if not gone.isdisjoint(body.places)]
        self._let(body for body in self.bodies if gone.isdisjoint(body.places))
        return popped

    def bodies_of(self, key: str) -> list[Body]:
        """Return the bodies that may hold readings of an asset."""
        place = place_of(key)
        return [body for body in self.bodies if place in body.places]

    def halve(self) -> list[Body]:
        """Let the older half of all go; return the bodies among it."""
        self._in_tails -= sum(tail.halve() for tail in self.tails.values())
        half = (len(self.bodies) + 1) // 2
        gone = self.bodies[:half]
        self._let(self.bodies[half:])
        return gone

    def take_back(self, older: "Waiting") -> None:
        """Put in what came before, none of it in bodies of a place that has columns here."""
        for key, tail in older.tails.items():
            newer = self.tails.get(key)
            if newer is not None:
                tail.absorb(newer.columns(), newer.span)
            self.tails[key] = tail
        self._in_tails = sum(tail.values for tail in self.tails.values())
        self._let([*older.bodies, *self.bodies])

    def _tail(self, key: str) -> Tail:
        tail = self.tails.get(key)
        if tail is None:
            tail = self.tails[key] = Tail()
        return tail

    def _let(self, bodies: Iterable[Body]) -> None:
        self.bodies = list(bodies)
        self._places = Counter(place for body in self.bodies for place in body.places)
        self._in_bodies = sum(body.values for body in self.bodies)
        self.unopened = sum(body.count for body in self.bodies)
