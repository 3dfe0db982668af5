"""One hour of one asset, to which readings are added in any order; what it comes to as a point. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from edge_api.point import Point
from sensors.sample import Value

HOUR_NS = 3_600 * 1_000_000_000
MEASUREMENT = "{}Hourly"
"""Name of a roll-up's measurement, by the type of its readings."""


class Tally(Struct, array_like=True):
    """One field in an hour: `seen` readings spoke of it, `good` of them may be believed.

    `low`, `total` and `high` are of the good values.
    """

    seen: int = 0
    good: int = 0
    low: float = 0.0
    total: float = 0.0
    high: float = 0.0

    def take(self, value: float | None) -> None:
        """Add what one reading says; None where it has no good value."""
        self.seen += 1
        if value is None:
            return
        self.low = min(self.low, value) if self.good else value
        self.high = max(self.high, value) if self.good else value
        self.total += value
        self.good += 1


class Hour(Struct, array_like=True):
    """The tallies of an hour; `times` (ns) are those of readings without a number, each once."""

    tallies: dict[str, Tally] = {}
    times: list[int] = []


def fold(hour: Hour, point: Point, fields: Iterable[str]) -> None:
    """Add a reading's fields. A value that is doubtful, or left out for a reason, is seen and not good."""
    named = _named(point.fields)
    for name in fields:
        value = point.fields.get(name)
        number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
        doubtful = named is None or name in named
        if number is not None or (named is not None and name in named):
            tally = hour.tallies.setdefault(name, Tally())
            tally.take(None if doubtful else number)


def _named(fields: dict[str, Value]) -> frozenset[str] | None:
    """Return which fields are doubtful; None when all of the reading is, and no field is named."""
    if fields.get("q", "good") == "good":
        return frozenset()
    pairs = str(fields.get("qr", "")).split()
    return frozenset(pair.partition(":")[0] for pair in pairs) if pairs else None


def hour_of(ts_ns: int) -> int:
    """Return the hour of a time, counted since 1970 in UTC."""
    return ts_ns // HOUR_NS


def rolled(asset: str, kind: str, number: int, hour: Hour) -> Point | None:
    """Return an hour as a point at its beginning; None when no reading spoke of any field.

    A field without a good value has a count and a share, and no min, mean or max.
    """
    province, commune, domain, name = asset.split("/")
    fields: dict[str, Value] = {}
    for field, it in sorted(hour.tallies.items()):
        if it.good:
            fields |= {
                f"{field}_min": it.low,
                f"{field}_mean": it.total / it.good,
                f"{field}_max": it.high,
            }
        fields |= {f"{field}_count": it.good, f"{field}_good": it.good / it.seen}
    if not fields:
        return None
    tags = {"province": province, "commune": commune, "domain": domain, "asset": name}
    return Point(MEASUREMENT.format(kind), tags, number * HOUR_NS, fields)
