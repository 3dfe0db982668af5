"""What one day of one asset adds to the indicators: sums of seconds, counts and amounts. Pure.

Each function adds a part of the day to what the parts before have come to, reading by reading, so that a day
counted in parts comes to the very same numbers as one counted at once.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_api.province.sun import Span, overlap_s
from edge_api.province.watched import Watched
from gateway.feed.limits import Limit

OVERFLOW = 0.9
"""A bin is full from here on (fillingLevel, 0..1); the programme's definition of overflow."""
FALLS, LEFT = 0.3, 0.5
"""A level that falls by so much to this or less was emptied; less is waste that sinks or echoes that err."""
NO_LONGER_FULL = 0.8
"""A full bin that sinks below this without being emptied was not full: an echo that erred."""
NIGHT = (2, 4)
"""Hours of the night in which nobody draws water and what flows leaks (as sensors.assets.nightflow)."""
LIT = frozenset({"on", "low"})


@dataclass(slots=True)
class Measures:
    """`sums` are added up over days, `lists` joined; `carry` goes on to the next day."""

    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lists: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    carry: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the measures need beside readings: darkness, daylight, limits, the pressure of supply in kPa."""

    dark: Sequence[Span] = ()
    light: Sequence[Span] = ()
    limits: Sequence[Limit] = ()
    supply_kpa: float = 50.0


def bin_day(day: Watched, found: Measures, _facts: Facts) -> None:
    """Add a bin: seconds of overflow, how often it was emptied, and how long it had been full."""
    for hold in day.numbers("fillingLevel"):
        word = "good" if hold.good else "doubtful"
        found.sums[f"level_{word}_s"] += hold.seconds
        if float(hold.value) >= OVERFLOW:
            found.sums[f"overflow_{word}_s"] += hold.seconds
    full_ns, before = found.carry.get("full_ns", 0.0), found.carry.get("level")
    for ts, level, good in day.values("fillingLevel"):
        if not good:
            continue
        if before is not None and before - level >= FALLS and level <= LEFT:
            found.sums["emptied"] += 1
            if full_ns:
                found.lists["response_s"].append((ts - full_ns) / 1e9)
            full_ns = 0.0
        elif level < NO_LONGER_FULL:
            full_ns = 0.0
        if level >= OVERFLOW and not full_ns:
            full_ns = float(ts)  # as it is when read back from the file
        before = level
    if before is not None:
        found.carry["level"] = before
    found.carry["full_ns"] = full_ns


def bridge_day(day: Watched, found: Measures, _facts: Facts) -> None:
    """Add a weighbridge: kilograms and lorries."""
    for _, weight, good in day.values("weight"):
        word = "good" if good else "doubtful"
        found.sums[f"weighed_{word}_kg"] += weight
        found.sums[f"lorries_{word}"] += 1


def quality_day(day: Watched, found: Measures, facts: Facts) -> None:
    """Add a point of water quality: seconds outside the limits of the day, for each field."""
    for limit in facts.limits:
        for hold in day.numbers(limit.field):
            word = "good" if hold.good else "doubtful"
            value = float(hold.value)
            outside = (limit.low is not None and value < limit.low) or (
                limit.high is not None and value > limit.high
            )
            found.sums[f"{limit.field}_{word}_s"] += hold.seconds
            if outside:
                found.sums[f"{limit.field}_outside_{word}_s"] += hold.seconds


def network_day(day: Watched, found: Measures, facts: Facts) -> None:
    """Add a network: what flowed between two and four, and the seconds with pressure to draw by."""
    begin, end = (day.start_ns + hour * 3600 * 1_000_000_000 for hour in NIGHT)
    found.sums["night_s"] = overlap_s(day.begins_ns, day.end_ns, [(begin, end)])
    for hold in day.numbers("waterFlow"):
        seconds = overlap_s(hold.from_ns, hold.to_ns, [(begin, end)])
        word = "good" if hold.good else "doubtful"
        found.sums[f"night_{word}_s"] += seconds
        found.sums[f"night_{word}_m3"] += float(hold.value) * seconds / 3600
    for hold in day.numbers("waterPressure"):
        word = "good" if hold.good else "doubtful"
        found.sums[f"pressure_{word}_s"] += hold.seconds
        if float(hold.value) >= facts.supply_kpa:
            found.sums[f"supplied_{word}_s"] += hold.seconds


def lamp_day(day: Watched, found: Measures, facts: Facts) -> None:
    """Add a lamp or a cabinet: seconds lit in darkness and by day, and what its meter counted."""
    found.sums["dark_s"] = overlap_s(day.begins_ns, day.end_ns, list(facts.dark))
    for hold in day.holds("powerState"):
        word = "good" if hold.good else "doubtful"
        lit = hold.value in LIT
        for name, spans in (("dark", facts.dark), ("light", facts.light)):
            seconds = overlap_s(hold.from_ns, hold.to_ns, list(spans))
            found.sums[f"{name}_{word}_s"] += seconds
            if lit:
                found.sums[f"lit_{name}_{word}_s"] += seconds
        if lit:
            found.sums[f"lit_{word}_s"] += hold.seconds
    _add_counter(day, "energyConsumed", found, "energy_kwh")


def meter_day(day: Watched, found: Measures, _facts: Facts) -> None:
    """Add a water meter: what its counter rose by."""
    _add_counter(day, "waterConsumption", found, "consumed_m3")


def _add_counter(day: Watched, name: str, found: Measures, total: str) -> None:
    """Add what a counter rose by since its last good value, yesterday's too; a step back counts nothing."""
    for _, value, good in day.values(name):
        if good:
            found.sums[total] += max(0.0, value - found.carry.get(name, value))
            found.carry[name] = value


MEASURES: dict[str, Callable[[Watched, Measures, Facts], None]] = {
    "WasteContainer": bin_day,
    "WasteObserved": bridge_day,
    "WaterQualityObserved": quality_day,
    "WaterDistributionNetwork": network_day,
    "WaterConsumptionObserved": meter_day,
    "Streetlight": lamp_day,
    "StreetlightControlCabinet": lamp_day,
}
"""By type of the feed; a type without measures is only counted."""
