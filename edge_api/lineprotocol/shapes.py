"""Machines write lines of the same shape for ever: a pattern that is made once reads each in one step."""

import re
from collections.abc import Callable, Sequence
from functools import partial

from edge_api.lineprotocol.writing import Unsigned
from sensors.sample import Value

Parts = tuple[str, dict[str, Value], str]
"""What a pattern finds in a line: its prefix (measurement and tags), its fields, the digits of its time."""

_ENOUGH = 8  # lines of one shape before it gets a pattern: that costs as much as reading a hundred
_KEPT, _KEPT_EACH = 64, 4  # patterns in all, and for one measurement
_COUNTED = 256  # shapes that are watched
_LONGEST = 40  # fields

_PREFIX, _TIME = r"([^ \t\0#\\][^ \\]*) ", " ([0-9]{1,19})"
PATTERNS: dict[type, str] = {
    float: r"(-?[0-9]{1,15}(?:\.[0-9]{1,17})?)",
    int: "(-?[0-9]{1,18})i",
    str: r'"([^"\\]*)"',
    bool: "(true|false)",
}
READERS: dict[type, Callable[[str], Value]] = {float: float, int: int, bool: "true".__eq__}


class Shapes:
    """Knows the shapes of late. It reads a line as every other way of reading it does, or not at all."""

    def __init__(self) -> None:
        self._known: dict[str, list[Callable[[str], Parts | None]]] = {}
        self._seen: dict[tuple[object, ...], int] = {}
        self._made = 0

    def read(self, line: str) -> Parts | None:
        """Return the parts of a line of a known shape."""
        for shape in self._known.get(line[: line.find(",")], ()):
            found = shape(line)
            if found is not None:
                return found
        return None

    def learn(self, line: str, fields: dict[str, Value]) -> None:
        """Look at a line that had to be read in another way; make a pattern of what comes again and again."""
        kinds = [Unsigned if isinstance(value, Unsigned) else type(value) for value in fields.values()]
        if self._made >= _KEPT or len(fields) > _LONGEST or not PATTERNS.keys() >= set(kinds):
            return
        measurement = line[: line.find(",")]
        shape = (measurement, *fields, *kinds)
        if shape not in self._seen and len(self._seen) >= _COUNTED:
            self._seen.clear()
        self._seen[shape] = self._seen.get(shape, 0) + 1
        known = self._known.get(measurement, [])
        if self._seen[shape] == _ENOUGH and len(known) < _KEPT_EACH:
            self._made += 1
            self._known[measurement] = [*known, partial(_read, *_compiled(list(fields), kinds))]


def _compiled(
    keys: list[str], kinds: Sequence[type]
) -> tuple[Callable[[str], re.Match[str] | None], list[str], list[tuple[int, Callable[[str], Value]]]]:
    body = ",".join(f"{re.escape(key)}={PATTERNS[kind]}" for key, kind in zip(keys, kinds, strict=True))
    readers = [(at, READERS[kind]) for at, kind in enumerate(kinds) if kind in READERS]
    return re.compile(f"{_PREFIX}{body}{_TIME}").fullmatch, keys, readers


def _read(
    match: Callable[[str], re.Match[str] | None],
    keys: list[str],
    readers: list[tuple[int, Callable[[str], Value]]],
    line: str,
) -> Parts | None:
    found = match(line)
    if found is None:
        return None
    prefix, *values, stamp = found.groups()
    for at, reader in readers:
        values[at] = reader(values[at])
    return prefix, dict(zip(keys, values, strict=True)), stamp
