"""Which readings of a day were expected and did not come: by the asset's rhythm, not by the clock's."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from edge_api.province.watched import Watched

Outage = tuple[int, int, str]
"""From, to (ns) and reason of a time in which a node is known to have taken nothing."""
UNEXPLAINED = "unknown"
_FEWEST = 4  # readings that show a rhythm where no meta has told one


def rhythm_ns(told_s: float | None, times: Sequence[int]) -> int | None:
    """Return the time between two readings: as the asset's meta tells, else as most of them are apart."""
    if told_s is not None and told_s > 0:
        return round(told_s * 1e9)
    if len(times) < _FEWEST:
        return None
    return round(median(later - earlier for earlier, later in pairwise(times)))


def count(watched: Watched, every_ns: int, since_ns: int) -> tuple[int, list[int]]:
    """Return how many of the day's readings were expected, and the times of those that did not come.

    A reading that follows another in less than half the rhythm is more than was asked for and not counted.
    Between two readings so many are missing as fit in evenly. Before `since_ns` nothing is expected.
    """
    present = 0
    missing: list[int] = []
    start, end = max(watched.start_ns, since_ns), watched.end_ns
    previous: int | None = None
    for ts in watched.times:
        if previous is None:
            missing += _before_first(ts, start, every_ns) if start < min(ts, end) else []
        elif ts - previous < every_ns / 2:
            continue
        else:
            missing += _between(previous, ts, every_ns)
        present += watched.start_ns <= ts < end
        previous = ts
    if previous is None:
        missing += _before_first(end, start, every_ns)
    elif previous < end:
        # a reading is only missed when half a rhythm has gone by, else each day would end one short
        missing += range(previous + every_ns, end - every_ns // 2, every_ns)
    return present, [ts for ts in missing if start <= ts < end]


def _before_first(first_ns: int, start_ns: int, every_ns: int) -> list[int]:
    return [start_ns + each * every_ns for each in range((first_ns - start_ns) // every_ns)]


def _between(previous_ns: int, ts_ns: int, every_ns: int) -> Iterator[int]:
    steps = round((ts_ns - previous_ns) / every_ns)
    return (previous_ns + each * (ts_ns - previous_ns) // steps for each in range(1, steps))


def by_reason(missing: Sequence[int], outages: Sequence[Outage]) -> dict[str, int]:
    """Return how many readings are missing for which reason; `unknown` where no outage tells."""
    found: dict[str, int] = {}
    for ts in missing:
        reason = next((why for begin, end, why in outages if begin <= ts <= end), UNEXPLAINED)
        found[reason] = found.get(reason, 0) + 1
    return found
