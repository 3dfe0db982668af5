"""Readings of one asset that are not on disk yet, in columns: a float costs 16 bytes, not a hundred."""

from array import array
from collections.abc import Iterable, Mapping

from edge_api.history.now import MOST_FIELDS
from edge_api.history.query import Piece
from sensors.sample import Value

Column = tuple["array[int]", "array[float] | list[Value]"]


class Tail:
    """A column of times and one of values for each field, in the order of arrival."""

    __slots__ = ("_columns", "count", "first_ns", "last_ns")

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}
        self.count = 0
        self.first_ns = self.last_ns = 0

    def add(self, ts_ns: int, values: Iterable[tuple[str, Value]]) -> int:
        """Append one reading; return how many values that is."""
        if not self.count:
            self.first_ns = self.last_ns = ts_ns
        elif ts_ns > self.last_ns:
            self.last_ns = ts_ns
        elif ts_ns < self.first_ns:
            self.first_ns = ts_ns
        self.count += 1
        added = 0
        columns = self._columns
        for key, value in values:
            column = columns.get(key)
            if column is None or (type(value) is not float and type(column[1]) is array):
                column = self._column_for(key, value)
                if column is None:
                    continue
            column[0].append(ts_ns)
            column[1].append(value)  # type: ignore[arg-type]
            added += 1
        return added

    def _column_for(self, key: str, value: Value) -> Column | None:
        """Make the column that can hold this value: a new one, or a mixed one out of one of floats."""
        if key in self._columns:
            times, values = self._columns[key]
            column: Column = (times, list(values))
        elif len(self._columns) < MOST_FIELDS:
            column = (array("q"), array("d") if type(value) is float else [])
        else:
            return None
        self._columns[key] = column
        return column

    def absorb(self, columns: Mapping[str, Piece], span: tuple[int, int, int]) -> int:
        """Append columns that a tail of that `span` would have; return how many values that is."""
        first_ns, last_ns, count = span
        if self.count:
            first_ns, last_ns = min(self.first_ns, first_ns), max(self.last_ns, last_ns)
        count += self.count
        added = 0
        for key, (times, values) in columns.items():
            for ts_ns, value in zip(times, values, strict=True):
                added += self.add(ts_ns, ((key, value),))
        self.count, self.first_ns, self.last_ns = count, first_ns, last_ns
        return added

    def halve(self) -> int:
        """Let the older half of each column go; return how many values that was."""
        gone = 0
        for times, values in self._columns.values():
            spare = len(times) // 2
            del times[:spare], values[:spare]
            gone += spare
        return gone

    @property
    def span(self) -> tuple[int, int, int]:
        """Return the first and the last time, and how many readings there are."""
        return self.first_ns, self.last_ns, self.count

    @property
    def values(self) -> int:
        """Return how many values it holds."""
        return sum(len(times) for times, _ in self._columns.values())

    def columns(self) -> dict[str, Piece]:
        """Return a copy of all columns."""
        return {key: (times.tolist(), list(values)) for key, (times, values) in self._columns.items()}
