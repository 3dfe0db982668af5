"""The programme's indicators: each with formula, unit and source; docs/indicators.md lists the same. Pure."""

from dataclasses import dataclass

from edge_api.province import lighting_figures as lighting
from edge_api.province import waste_figures as waste
from edge_api.province import water_figures as water
from edge_api.province.figures import Basis, Figure, Figures, one, share


@dataclass(frozen=True, slots=True)
class Indicator:
    """How a figure comes about; `figures` gives none where it has no sense."""

    name: str
    unit: str
    formula: str
    source: str
    figures: Figures


def _completeness(basis: Basis) -> list[Figure]:
    total = basis.of(*basis.totals)
    value = share(100.0 * total.present, total.expected)
    return one("completeness", "%", value, None if value is None else 1.0)


_BINS = "fillingLevel of bins (WasteContainer)"
_LAMPS = "powerState of lamps and cabinets (Streetlight, StreetlightControlCabinet)"
_DARK = "sunset and sunrise by NOAA's equations, less `twilight`"
_METER = "energyConsumed of cabinets"
_NIGHT_SOURCE = "waterFlow (WaterDistributionNetwork)"
_LIMITS = "limits of the day: gateway/feed/limits.toml and [[province.limit]]"


def _quality(name: str, key: str) -> Indicator:
    return Indicator(
        f"outside-{name}",
        "h",
        f"hours in which {key} was outside its limits",
        f"{key} (WaterQualityObserved); {_LIMITS}",
        water.outside(f"outside-{name}", key),
    )


INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "completeness",
        "%",
        "readings present / readings expected",
        "all readings, by their rhythm",
        _completeness,
    ),
    Indicator(
        "collection-rate",
        "%",
        "weighed / generated",
        "weight of weighbridges (WasteObserved); [province.population] and kg_per_person",
        waste.collection,
    ),
    Indicator("weighed", "t", "sum of weight", "weight of weighbridges (WasteObserved)", waste.weighed),
    Indicator(
        "generated",
        "t",
        "people x kg a person a day x days",
        "[province.population] and kg_per_person",
        waste.generated,
    ),
    Indicator("plant-tonnes", "t/d", "weighed at a plant / days", "[[province.plant]] bridges", waste.plants),
    Indicator(
        "plant-load", "%", "weighed at a plant a day / its capacity", "[[province.plant]]", waste.plant_load
    ),
    Indicator("overflow-hours", "h", "hours with fillingLevel ≥ 0.9, over all bins", _BINS, waste.overflow),
    Indicator(
        "emptied-on-time",
        "%",
        "full bins emptied within `respond_within` / full bins emptied or overdue",
        _BINS,
        waste.on_time,
    ),
    Indicator("response-p50", "h", "median time from full to emptied", _BINS, waste.response(50)),
    Indicator(
        "response-p90", "h", "90th percentile of the time from full to emptied", _BINS, waste.response(90)
    ),
    _quality("ph", "pH"),
    _quality("turbidity", "turbidity"),
    _quality("chlorine", "freeChlorine"),
    Indicator(
        "night-flow", "m³/h", "mean flow from 02:00 to 04:00, of one network", _NIGHT_SOURCE, water.night_flow
    ),
    Indicator(
        "leakage",
        "m³/d",
        "(night flow of all networks - people x night_use) x 20 h",
        f"{_NIGHT_SOURCE}; [province.population], night_use; IWA's night-day factor",
        water.leakage,
    ),
    Indicator(
        "supply-hours",
        "h/d",
        "24 h x time with waterPressure ≥ supply_kpa / time with a good waterPressure",
        "waterPressure (WaterDistributionNetwork)",
        water.supply,
    ),
    Indicator(
        "lit-in-darkness",
        "%",
        "time lit in darkness / time in darkness",
        f"{_LAMPS}; {_DARK}",
        lighting.in_darkness,
    ),
    Indicator("lit-hours", "h", "hours lit, over all lamps", _LAMPS, lighting.lit("lit-hours", "lit_good_s")),
    Indicator(
        "burning-by-day",
        "h",
        "hours lit between `twilight` after sunrise and before sunset",
        f"{_LAMPS}; {_DARK}",
        lighting.lit("burning-by-day", "lit_light_good_s"),
    ),
    Indicator("energy", "kWh", "rise of the meters", _METER, lighting.energy),
    Indicator(
        "energy-saved",
        "kWh",
        "baseline of the time covered - energy of the same cabinets",
        f"{_METER}; [province.baseline_kwh]",
        lighting.saved,
    ),
    Indicator(
        "repair-p50",
        "h",
        "median time from an alarm lampFailed to its end",
        "alarms lampFailed that ended in the period",
        lighting.repair(50),
    ),
    Indicator(
        "repair-p90",
        "h",
        "90th percentile of the time from an alarm lampFailed to its end",
        "alarms lampFailed that ended in the period",
        lighting.repair(90),
    ),
)
"""All indicators, in the order in which a report shows them."""

NAMES = tuple(each.name for each in INDICATORS)


def figures(basis: Basis, name: str | None = None) -> list[Figure]:
    """Return the figures of a period, of one indicator or of all."""
    return [figure for each in INDICATORS if name in {None, each.name} for figure in each.figures(basis)]
