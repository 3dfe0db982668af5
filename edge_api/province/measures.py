"""What one day of one asset adds to the indicators: sums of seconds, counts and amounts. Pure."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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


def bin_day(day: Watched, carry: dict[str, float], _facts: Facts) -> Measures:
    """Sum up a bin: seconds of overflow, how often it was emptied, and how long it had been full."""
    found = Measures(carry=dict(carry))
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
            full_ns = 0
        elif level < NO_LONGER_FULL:
            full_ns = 0
        if level >= OVERFLOW and not full_ns:
            full_ns = ts
        before = level
    if before is not None:
        found.carry["level"] = before
    found.carry["full_ns"] = full_ns
    return found


def bridge_day(day: Watched, _carry: dict[str, float], _facts: Facts) -> Measures:
    """Sum up a weighbridge: kilograms and lorries."""
    found = Measures()
    for _, weight, good in day.values("weight"):
        word = "good" if good else "doubtful"
        found.sums[f"weighed_{word}_kg"] += weight
        found.sums[f"lorries_{word}"] += 1
    return found


def quality_day(day: Watched, _carry: dict[str, float], facts: Facts) -> Measures:
    """Sum up a point of water quality: seconds outside the limits of the day, for each field."""
    found = Measures()
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
    return found


def network_day(day: Watched, _carry: dict[str, float], facts: Facts) -> Measures:
    """Sum up a network: what flowed between two and four, and the seconds with pressure to draw by."""
    found = Measures()
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
    return found


def lamp_day(day: Watched, carry: dict[str, float], facts: Facts) -> Measures:
    """Sum up a lamp or a cabinet: seconds lit in darkness and by day, and what its meter counted."""
    found = Measures(carry=dict(carry))
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
    counter = _counted(day, "energyConsumed", found.carry)
    if counter is not None:
        found.sums["energy_kwh"] += counter
    return found


def meter_day(day: Watched, carry: dict[str, float], _facts: Facts) -> Measures:
    """Sum up a water meter: what its counter rose by."""
    found = Measures(carry=dict(carry))
    counter = _counted(day, "waterConsumption", found.carry)
    if counter is not None:
        found.sums["consumed_m3"] += counter
    return found


def _counted(day: Watched, name: str, carry: dict[str, float]) -> float | None:
    """Return what a counter rose by since its last good value before the day; a step back counts nothing."""
    values = [value for _, value, good in day.values(name) if good]
    if not values:
        return None
    rising = [carry[name], *values] if name in carry else values
    carry[name] = values[-1]
    return sum(later - earlier for earlier, later in pairwise(rising) if later > earlier)


MEASURES: dict[str, Callable[[Watched, dict[str, float], Facts], Measures]] = {
    "WasteContainer": bin_day,
    "WasteObserved": bridge_day,
    "WaterQualityObserved": quality_day,
    "WaterDistributionNetwork": network_day,
    "WaterConsumptionObserved": meter_day,
    "Streetlight": lamp_day,
    "StreetlightControlCabinet": lamp_day,
}
"""By type of the feed; a type without measures is only counted."""
