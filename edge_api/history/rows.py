"""Makes of what waits in memory the rows that the disk gets, in steps for which the writer does not wait."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from edge_api.history.bodies import Body, grouped, kinds_of, places_of, series_of
from edge_api.history.disk import pack, pack_asset
from edge_api.history.memory import Memory
from edge_api.history.now import place_of
from edge_api.history.pieces import Chunk, horizons, pack_lines
from edge_api.history.strands import joined, opened, orderly

_AT_ONCE = 10_000
"""Readings: what is opened together is in memory several times, and a flood's would be for good."""
_AN_ASSET = 20  # or so many of each, where there are many assets: each time costs something for each of them


class Rows:
    """Rows of all that is on its way to the disk. `lock` is that of the memory."""

    def __init__(self, memory: Memory, lock: threading.Lock) -> None:
        self._memory = memory
        self._lock = lock
        self._stales: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._others: defaultdict[str, set[str]] = defaultdict(set)
        """Assets by place, which the newest lines do not know or of which they do not say all."""
        with lock:
            lines = memory.newest.lines
            for key, asset in memory.assets.items():
                line = lines.get(key)
                if asset.stale_after_s is not None:
                    self._stales[place_of(key)][key] = asset.stale_after_s
                if line is None or not line.rest:
                    self._others[place_of(key)].add(key)
        self._places: set[str] = set()
        tails = memory.going.tails
        self.chunks: list[Chunk] = [(key, *tail.span, pack(tail.columns())) for key, tail in tails.items()]
        self._keys = set(tails)
        for group in grouped(memory.going.bodies):
            for some in _parts(group, self._most(group)):
                self.chunks += self._lines(some) if orderly(some) else self._columns(some)
        with lock:
            self._changed, memory.changed = memory.changed | self._keys, set()
            self.states = [(key, pack_asset(memory.known(key))) for key in self._changed]
            for key in self._changed:
                memory.newest.drop(key)
        self._places_changed, memory.newest.changed = memory.newest.changed, set()
        self.states += memory.newest.states(self._places_changed)

    def take_back(self) -> None:
        """Note what the disk has not taken as to be written; the owner holds the lock."""
        self._memory.changed |= self._changed
        self._memory.newest.changed |= self._places_changed

    def horizons(self, keep_ns: int) -> Callable[[str], int | None]:
        """Return what tells of names of which something was written which time ends what of them may go."""
        now, newest = self._memory.assets, self._memory.newest
        for key in self._changed:
            self._others[place_of(key)].add(key)
        others: dict[str, dict[str, int]] = {place: {} for place in self._places}
        with self._lock:
            found = {key: now[key].ts_ns for key in self._keys}
            for place, its in others.items():
                for key in self._others[place]:
                    line = newest.lines.get(key)
                    # What is known and has never said anything has nothing to lose.
                    if (line is None or not line.rest) and now[key].ts_ns:
                        its[key] = now[key].ts_ns
                found |= its
        for place, its in others.items():
            found.update(horizons(newest.places[place].parted(self._more(place)), its))

        def horizon(name: str) -> int | None:
            line = newest.lines.get(name)
            if line is not None and line.rest and line.place in self._places:
                return line.ts_ns - keep_ns
            return found[name] - keep_ns if name in found else None

        return horizon

    def _more(self, place: str) -> int:
        """Return of how many assets of a place no series is known."""
        return sum(key not in self._memory.newest.lines for key in self._others[place])

    def _most(self, bodies: Sequence[Body]) -> int:
        """Return how many readings of bodies are to be opened together."""
        known = self._memory.newest.places
        assets = sum(known[place].assets for place in places_of(bodies) & known.keys())
        return max(_AT_ONCE, _AN_ASSET * assets)

    def _lines(self, bodies: Sequence[Body]) -> Iterator[Chunk]:
        memory = self._memory
        strands = opened(bodies, self._stales)
        found = list(memory.newest.of(joined(strands), kinds_of(bodies)))
        with self._lock:
            memory.enter(found, seen=all(body.seen for body in bodies))
            for body in bodies:
                body.seen = True
        places = memory.newest.places
        for place in places_of(bodies) & places.keys():
            self._places.add(place)
            whole = places[place].parted(self._more(place))
            for each in strands:
                yield from pack_lines(whole, each)

    def _columns(self, bodies: Sequence[Body]) -> Iterator[Chunk]:
        memory = self._memory
        series = list(series_of(bodies))
        with self._lock:
            memory.see(series, bodies)
            known = [(each, memory.stale_after_s(each.key)) for each in series if each.key in memory.assets]
        for each, stale_s in known:
            self._keys.add(each.key)
            yield each.key, *each.span, pack(each.columns(stale_s))


def _parts(bodies: Sequence[Body], most: int) -> Iterator[list[Body]]:
    """Cut bodies of the same places into parts that are opened one after the other."""
    part: list[Body] = []
    count = 0
    for body in bodies:
        if part and count + body.count > most:
            yield part
            part, count = [], 0
        part.append(body)
        count += body.count
    yield part
