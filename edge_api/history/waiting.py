"""Readings that are not on disk yet: in columns by asset, or in the bodies in which they came, unopened."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from edge_api.history.bodies import Body, Series
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

    @property
    def values(self) -> int:
        """Return how many values wait."""
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

    def holds(self, places: AbstractSet[str]) -> bool:
        """Whether there are bodies that touch these places."""
        return not places.isdisjoint(self._places)

    def pop(self, places: frozenset[str]) -> list[Body]:
        """Take out the bodies that touch these places, in the order in which they came."""
        if not self.holds(places):
            return []
        popped = [body for body in self.bodies if not places.isdisjoint(body.places)]
        self._let(body for body in self.bodies if places.isdisjoint(body.places))
        return popped

    def bodies_of(self, key: str) -> list[Body]:
        """Return the bodies that may hold readings of an asset."""
        place = place_of(key)
        return [body for body in self.bodies if place in body.places]

    def halve(self) -> None:
        """Let the older half of all go."""
        self._in_tails -= sum(tail.halve() for tail in self.tails.values())
        self._let(self.bodies[(len(self.bodies) + 1) // 2 :])

    def take_back(self, older: "Waiting") -> None:
        """Put in the columns of what came before."""
        for key, tail in older.tails.items():
            newer = self.tails.get(key)
            if newer is not None:
                tail.absorb(newer.columns(), newer.span)
            self.tails[key] = tail
        self._in_tails = sum(tail.values for tail in self.tails.values())

    def _tail(self, key: str) -> Tail:
        tail = self.tails.get(key)
        if tail is None:
            tail = self.tails[key] = Tail()
        return tail

    def _let(self, bodies: Iterable[Body]) -> None:
        self.bodies = list(bodies)
        self._places = Counter(place for body in self.bodies for place in body.places)
        self._in_bodies = sum(body.values for body in self.bodies)
