"""Which readings of a day were expected and did not come: by the asset's rhythm, not by the clock's."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from msgspec import Struct

from edge_api.province.watched import Watched

Outage = tuple[int, int, str]
"""From, to (ns) and reason of a time in which a node is known to have taken nothing."""
UNEXPLAINED = "unknown"
_FEWEST = 4  # readings that show a rhythm where no meta has told one
OPENING = 31
"""So many readings settle it: what follows in the day must not change what was counted before."""


class Counted(Struct, array_like=True):
    """What a day's readings come to so far: how many are `present`, how many `missing` by reason.

    `previous` is the time of the last reading that was counted, in ns.
    """

    previous: int | None = None
    present: int = 0
    missing: dict[str, int] = {}


def rhythm_ns(told_s: float | None, times: Sequence[int]) -> int | None:
    """Return the time between two readings: as the asset's meta tells, else as the day's first are apart."""
    if told_s is not None and told_s > 0:
        return max(1, round(told_s * 1e9))
    if len(times) < _FEWEST:
        return None
    return max(1, round(median(later - earlier for earlier, later in pairwise(times[:OPENING]))))


def count(part: Watched, so_far: Counted, every_ns: int, outages: Sequence[Outage]) -> None:
    """Add the readings of a part of a day that follows the one before, and those missing up to its last.

    A reading that follows another in less than half the rhythm is more than was asked for and not counted.
    Between two readings so many are missing as fit in evenly. Before the asset's service nothing is expected.
    """
    start, end = part.begins_ns, part.end_ns
    previous = so_far.previous
    for ts in part.seen():
        if previous is None:
            if start < min(ts, end):
                _note(so_far.missing, _before_first(ts, start, every_ns), part, outages)
        elif ts - previous < every_ns / 2:
            continue
        else:
            _note(so_far.missing, _between(previous, ts, every_ns), part, outages)
        so_far.present += part.start_ns <= ts < end
        previous = ts
    so_far.previous = previous


def missing_at_last(
    day: Watched, so_far: Counted, every_ns: int, outages: Sequence[Outage]
) -> dict[str, int]:
    """Return, by reason, all that is missing once no reading follows."""
    found = dict(so_far.missing)
    previous, end = so_far.previous, day.end_ns
    if previous is None:
        _note(found, _before_first(end, day.begins_ns, every_ns), day, outages)
    elif previous < end:
        # a reading is only missed when half a rhythm has gone by, else each day would end one short
        _note(found, range(previous + every_ns, end - every_ns // 2, every_ns), day, outages)
    return found


def _before_first(first_ns: int, start_ns: int, every_ns: int) -> Iterator[int]:
    return (start_ns + each * every_ns for each in range((first_ns - start_ns) // every_ns))


def _between(previous_ns: int, ts_ns: int, every_ns: int) -> Iterator[int]:
    steps = round((ts_ns - previous_ns) / every_ns)
    return (previous_ns + each * (ts_ns - previous_ns) // steps for each in range(1, steps))


def _note(found: dict[str, int], missing: Iterable[int], day: Watched, outages: Sequence[Outage]) -> None:
    """Count those that lie in the day, by what is known of their time; `unknown` where no outage tells."""
    for ts in missing:
        if day.begins_ns <= ts < day.end_ns:
            reason = next((why for begin, end, why in outages if begin <= ts <= end), UNEXPLAINED)
            found[reason] = found.get(reason, 0) + 1
