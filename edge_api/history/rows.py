"""Makes of what waits in memory the rows that the disk gets, in steps for which the writer does not wait."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence

from edge_api.history.bodies import Body, grouped, series_of
from edge_api.history.disk import pack, pack_asset
from edge_api.history.memory import Memory
from edge_api.history.now import place_of
from edge_api.history.pieces import Chunk, horizons, pack_lines
from edge_api.history.strands import opened, orderly

_AT_ONCE = (
    50_000  # values: what is opened together is in memory several times, and a flood's would be for good
)


class Rows:
    """Rows of all that is on its way to the disk. `lock` is that of the memory."""

    def __init__(self, memory: Memory, lock: threading.Lock) -> None:
        self._memory = memory
        self._lock = lock
        with lock:
            known = {key: asset.stale_after_s for key, asset in memory.assets.items()}
        self._stales: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._assets: defaultdict[str, set[str]] = defaultdict(set)
        for key in known.keys() | memory.newest.lines.keys():
            place = place_of(key)
            self._assets[place].add(key)
            stale_s = known.get(key)
            if stale_s is not None:
                self._stales[place][key] = stale_s
        self._places: set[str] = set()
        tails = memory.going.tails
        self.chunks: list[Chunk] = [(key, *tail.span, pack(tail.columns())) for key, tail in tails.items()]
        self._keys = set(tails)
        for group in grouped(memory.going.bodies):
            for some in _parts(group):
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

    def horizons(self, keep_ns: int) -> dict[str, int]:
        """Return names of which something was written, and which time ends what of them may go."""
        with self._lock:
            now, lines = self._memory.assets, self._memory.newest.lines
            found = {key: now[key].ts_ns - keep_ns for key in self._keys}
            for place in self._places:
                newest = {
                    key: lines[key].ts_ns if key in lines else now[key].ts_ns for key in self._assets[place]
                }
                # What is known and has never said anything has nothing to lose.
                said = {key: ts_ns - keep_ns for key, ts_ns in newest.items() if ts_ns}
                found |= said
                found.update(horizons(place, said))
        return found

    def _lines(self, bodies: Sequence[Body]) -> Iterator[Chunk]:
        memory = self._memory
        strands = opened(bodies, self._stales)
        found = [(strand, memory.newest.of(strand)) for strand in strands]
        with self._lock:
            known = memory.enter(found, seen=all(body.seen for body in bodies))
            for body in bodies:
                body.seen = True
        places = set()
        for strand in known:
            self._assets[strand.place].add(strand.key)
            places.add(strand.place)
        self._places |= places
        return pack_lines(known, {place: len(self._assets[place]) for place in places})

    def _columns(self, bodies: Sequence[Body]) -> Iterator[Chunk]:
        memory = self._memory
        series = list(series_of(bodies))
        with self._lock:
            memory.see(series, bodies)
            known = [(each, memory.stale_after_s(each.key)) for each in series if each.key in memory.assets]
        for each, stale_s in known:
            self._keys.add(each.key)
            yield each.key, *each.span, pack(each.columns(stale_s))


def _parts(bodies: Sequence[Body]) -> Iterator[list[Body]]:
    """Cut bodies of the same places into parts that are opened one after the other."""
    part: list[Body] = []
    values = 0
    for body in bodies:
        if part and values + body.values > _AT_ONCE:
            yield part
            part, values = [], 0
        part.append(body)
        values += body.values
    yield part
