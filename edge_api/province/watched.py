"""One asset's readings of one day as they are counted: what each value covers, and which are good."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from edge_api.history.kept import LATE
from sensors.sample import Value

Columns = Mapping[str, Sequence[tuple[int, Value]]]
EVER = 2**62
"""A time in ns that comes after all others."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A value and the span in which it counts: to the next reading, and never longer than `staleAfter`."""

    value: Value
    from_ns: int
    to_ns: int
    good: bool

    @property
    def seconds(self) -> float:
        """Return how long it counts."""
        return (self.to_ns - self.from_ns) / 1e9


class Watched:
    """Readings from `staleAfter` before a day to `staleAfter` after it, and the day itself, in ns UTC.

    `end_ns` is the day's end, or now while the day runs; `begins_ns` is when the asset came into service.
    `part` looks at some of the readings; each still counts to the next one, whichever part that is in.
    """

    def __init__(
        self, columns: Columns, start_ns: int, end_ns: int, stale_ns: int, since_ns: int = 0
    ) -> None:
        self.columns = columns
        self.begins_ns = max(start_ns, since_ns)
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.stale_ns = stale_ns
        self._first_ns, self._last_ns = 0, EVER

    def part(self, first_ns: int, last_ns: int = EVER) -> "Watched":
        """Return the same day, of which only readings with first <= time < last are looked at."""
        found = copy(self)
        found._first_ns, found._last_ns = first_ns, last_ns  # noqa: SLF001 - it is one of us
        return found

    @cached_property
    def times(self) -> list[int]:
        """All times of readings, with those around the day and outside the part."""
        return sorted({ts for name, rows in self.columns.items() if name != LATE for ts, _ in rows})

    def seen(self) -> list[int]:
        """Return the times of the part, with those around the day."""
        return self.times[bisect_left(self.times, self._first_ns) : bisect_left(self.times, self._last_ns)]

    def own(self) -> list[int]:
        """Return the times of the part that lie in the day."""
        first_ns, last_ns = max(self.start_ns, self._first_ns), min(self.end_ns, self._last_ns)
        return self.times[bisect_left(self.times, first_ns) : bisect_left(self.times, last_ns)]

    @cached_property
    def words(self) -> dict[int, str]:
        """The quality of readings that are not good."""
        return {ts: str(word) for ts, word in self.columns.get("q", ())}

    def late(self) -> int:
        """Return how many of the part's own readings came late."""
        return sum(
            self.start_ns <= ts < self.end_ns and self._first_ns <= ts < self._last_ns
            for ts, _ in self.columns.get(LATE, ())
        )

    def good(self, ts_ns: int, field: str) -> bool:
        """Whether a field of a reading is good: of a doubtful reading only the fields named are doubtful."""
        if ts_ns not in self.words:
            return True
        named = self._named.get(ts_ns, frozenset())
        return bool(named) and field not in named

    @cached_property
    def _named(self) -> dict[int, frozenset[str]]:
        return {
            ts: frozenset(pair.partition(":")[0] for pair in str(pairs).split())
            for ts, pairs in self.columns.get("qr", ())
        }

    def values(self, field: str) -> Iterator[tuple[int, float, bool]]:
        """Yield the part's own numbers of a field: time, value, whether it is good."""
        first_ns, last_ns = max(self.start_ns, self._first_ns), min(self.end_ns, self._last_ns)
        for ts, value in self.columns.get(field, ()):
            if first_ns <= ts < last_ns and _is_number(value):
                yield ts, float(value), self.good(ts, field)

    def numbers(self, field: str) -> Iterator[Hold]:
        """Yield what `holds` does, numbers only: a stranger may write a word into any field."""
        return (hold for hold in self.holds(field) if _is_number(hold.value))

    def holds(self, field: str) -> Iterator[Hold]:
        """Yield each value of a field with the span of the day that it covers, in order."""
        times = self.times
        for ts, value in self.columns.get(field, ()):
            if not self._first_ns <= ts < self._last_ns:
                continue
            number = bisect_right(times, ts)
            until = min(ts + self.stale_ns, self.end_ns)
            if number < len(times):
                until = min(until, times[number])
            begin = max(ts, self.start_ns)
            if until > begin:
                yield Hold(value, begin, until, self.good(ts, field))

    def covered_ns(self) -> int:
        """Return how much of the day the part's readings cover, whatever they say."""
        total = 0
        times = self.times
        for number in range(bisect_left(times, self._first_ns), bisect_left(times, self._last_ns)):
            ts = times[number]
            until = min(ts + self.stale_ns, self.end_ns)
            if number + 1 < len(times):
                until = min(until, times[number + 1])
            total += max(0, until - max(ts, self.start_ns))
        return total


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and isfinite(value)
