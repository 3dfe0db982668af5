"""Pure functions on readings: merge pieces that may overlap, drop repeats, sum up by buckets."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import lt

from msgspec import Struct

from sensors.sample import Value

Piece = tuple[list[int], list[Value]]
_NS_A_SECOND = 1_000_000_000


class Row(Struct, frozen=True):
    """One value, or one bucket: the mean of numbers, the last of anything else, and how many there were."""

    ts_ns: int
    value: Value
    count: int = 1


def overlapping(spans: Iterable[tuple[int, int, int]]) -> Iterator[list[int]]:
    """Group (id, first_ns, last_ns) so that spans of two groups never overlap; groups in the order of time.

    The ids of a group are rising: the piece that was written last comes last.
    """
    group: list[int] = []
    reach = 0
    for ident, first_ns, last_ns in sorted(spans, key=lambda span: span[1]):
        if group and first_ns > reach:
            yield sorted(group)
            group = []
        reach = max(reach, last_ns) if group else last_ns
        group.append(ident)
    if group:
        yield sorted(group)


def merged(pieces: Sequence[Piece], start_ns: int, stop_ns: int) -> list[tuple[int, Value]]:
    """Merge pieces, oldest version first, to the values with start <= time < stop; a repeat counts once."""
    first, *more = pieces or [([], [])]
    times, values = first
    if not more and all(map(lt, times, times[1:])):  # as most are: nothing to be put in order
        within = slice(bisect_left(times, start_ns), bisect_left(times, stop_ns))
        return list(zip(times[within], values[within], strict=True))
    seen: dict[int, Value] = {}
    for times, values in [first, *more]:
        seen.update(zip(times, values, strict=True))
    return sorted((ts, value) for ts, value in seen.items() if start_ns <= ts < stop_ns)


def buckets(rows: Iterable[tuple[int, Value]], every_s: float) -> Iterator[Row]:
    """Sum up sorted values by buckets of `every_s` seconds that begin at whole multiples of it since 1970."""
    every_ns = max(1, round(every_s * _NS_A_SECOND))
    bucket: list[Value] = []
    begin: int | None = None
    for ts, value in rows:
        own = ts // every_ns * every_ns
        if begin is not None and own != begin:
            yield _row(begin, bucket)
            bucket = []
        begin = own
        bucket.append(value)
    if begin is not None:
        yield _row(begin, bucket)


def _row(begin_ns: int, bucket: list[Value]) -> Row:
    numbers = [v for v in bucket if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(numbers) < len(bucket):
        return Row(begin_ns, bucket[-1], len(bucket))
    return Row(begin_ns, sum(numbers) / len(numbers), len(bucket))
