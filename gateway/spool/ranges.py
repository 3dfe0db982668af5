"""A set of whole numbers kept as ranges: what has been seen, what has been delivered, what is missing."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class RangeSet:
    """Numbers from 0 up, as sorted ranges that neither touch nor overlap. Bounds are inclusive."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "RangeSet":
        """Return the set of some numbers, in whatever order and however often they come."""
        ordered = sorted(set(numbers))
        if ordered and ordered[-1] - ordered[0] + 1 == len(ordered):  # as a rule: no hole
            return cls(((ordered[0], ordered[-1]),))
        return cls((number, number) for number in ordered)

    @classmethod
    def parse(cls, text: str) -> "RangeSet":
        """Read what `str` writes: "1-20,25,30-31"; raise ValueError for anything else."""
        pairs = (part.partition("-") for part in text.split(",") if part)
        return cls((int(first), int(last) if dash else int(first)) for first, dash, last in pairs)

    def __str__(self) -> str:
        return ",".join(f"{a}-{b}" if a != b else f"{a}" for a, b in self)

    def __repr__(self) -> str:
        return f"RangeSet({self})"

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __len__(self) -> int:
        """Return how many numbers are in the set."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __contains__(self, number: int) -> bool:
        lasts = self._lasts
        if not lasts or number > lasts[-1]:  # as a rule: numbers come in their order
            return False
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= lasts[at]

    @property
    def last(self) -> int | None:
        """Return the largest number, None when empty."""
        return self._lasts[-1] if self._lasts else None

    def below(self, number: int) -> bool:
        """Whether all numbers in the set are less than this one."""
        return not self._lasts or self._lasts[-1] < number

    def copy(self) -> "RangeSet":
        """Return a set of its own with the same numbers."""
        twin = RangeSet()
        twin._firsts, twin._lasts = self._firsts.copy(), self._lasts.copy()
        return twin

    def add(self, first: int, last: int) -> None:
        """Put in first..last; raise ValueError for a range that runs backwards or below 0."""
        if not 0 <= first <= last:
            raise ValueError(f"{first}-{last} is not a range")
        lasts = self._lasts
        if not lasts or first > lasts[-1] + 1:
            self._firsts.append(first)
            lasts.append(last)
            return
        if first == lasts[-1] + 1:
            lasts[-1] = last
            return
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def discard(self, first: int, last: int) -> None:
        """Take out first..last, whether or not they are in."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if low >= high:
            return
        rest = []
        if self._firsts[low] < first:
            rest.append((self._firsts[low], first - 1))
        if self._lasts[high - 1] > last:
            rest.append((last + 1, self._lasts[high - 1]))
        self._firsts[low:high] = [a for a, _ in rest]
        self._lasts[low:high] = [b for _, b in rest]

    def update(self, other: Iterable[tuple[int, int]]) -> None:
        """Put in all of the other's ranges."""
        for first, last in other:
            self.add(first, last)

    def run_from(self, start: int) -> int | None:
        """Return the end of the unbroken run that holds `start`, None when `start` is missing."""
        at = bisect_right(self._firsts, start) - 1
        return self._lasts[at] if at >= 0 and start <= self._lasts[at] else None

    def common(self, other: Iterable[tuple[int, int]]) -> "RangeSet":
        """Return the numbers that are in both."""
        found = RangeSet()
        for first, last in other:
            at = bisect_left(self._lasts, first)
            while at < len(self._firsts) and self._firsts[at] <= last:
                found.add(max(first, self._firsts[at]), min(last, self._lasts[at]))
                at += 1
        return found

    def missing(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges between first and last that are not in the set."""
        at = bisect_left(self._lasts, first)
        while first <= last:
            if at == len(self._firsts) or self._firsts[at] > last:
                yield first, last
                return
            if first < self._firsts[at]:
                yield first, self._firsts[at] - 1
            first = self._lasts[at] + 1
            at += 1
