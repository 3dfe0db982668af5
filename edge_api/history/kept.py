"""Which fields of a reading history keeps, and which say only how far they can be trusted."""

from edge_api.history.now import DOUBTS, NOT_VALUES
from edge_api.point import Point
from sensors.sample import Value

LATE = "late"
"""Column of readings that came here later than `staleAfter`; kept for those only."""
LATE_S = 300.0
"""Where no meta has told what is stale: five times the usual minute."""

Pairs = list[tuple[str, Value]]


def values_of(point: Point) -> Pairs:
    """Return what a reading says of its asset."""
    return [pair for pair in point.fields.items() if pair[0] not in NOT_VALUES]


def doubts_of(point: Point, *, late: bool) -> Pairs:
    """Return `q` and `qr` where a reading is not good, and LATE where it came late."""
    fields = point.fields
    doubts = [] if fields.get("q") == "good" else [pair for pair in fields.items() if pair[0] in DOUBTS]
    if late:
        doubts.append((LATE, True))
    return doubts


def is_late(ts_ns: int, came_ns: int, stale_after_s: float | None) -> bool:
    """Whether a reading of a time came here when it was stale already."""
    return came_ns - ts_ns > (LATE_S if stale_after_s is None else stale_after_s) * 1e9
