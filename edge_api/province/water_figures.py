"""Figures of water: outside its limits, lost at night, supplied. Pure."""

from edge_api.province.figures import Basis, Figure, Figures, H, capped, one, share

NIGHT_TO_DAY_H = 20.0
"""Hours a day for which the leakage of the night counts: pressure, and so leakage, is lower by day.

An assumption: 20 h/day is usual for supply by gravity (the night-day factor of IWA's water balance).
"""


def outside(name: str, key: str) -> Figures:
    """Return the hours outside the limits of a field, under the name of an indicator."""

    def figures(basis: Basis) -> list[Figure]:
        total = basis.of("WaterQualityObserved")
        if not total.assets:
            return []
        coverage = capped(total.sums.get(f"{key}_good_s", 0.0), total.service_s)
        hours = total.sums.get(f"{key}_outside_good_s", 0.0) / H
        doubtful = total.sums.get(f"{key}_outside_doubtful_s", 0.0) / H
        return one(name, "h", hours if coverage else None, coverage, doubtful=doubtful, target=0.0)

    return figures


def _night(basis: Basis) -> tuple[float | None, float | None]:
    total = basis.of("WaterDistributionNetwork")
    seconds = total.sums.get("night_good_s", 0.0)
    flow = share(total.sums.get("night_good_m3", 0.0) * H, seconds)
    return flow, capped(seconds, total.sums.get("night_s", 0.0))


def night_flow(basis: Basis) -> list[Figure]:
    """Mean flow of a network at night."""
    flow, coverage = _night(basis)
    return [] if coverage is None else one("night-flow", "m³/h", flow, coverage)


def leakage(basis: Basis) -> list[Figure]:
    """What leaks a day, by what flows at night and nobody draws."""
    flow, coverage = _night(basis)
    if coverage is None or basis.people is None:
        return []
    total = basis.of("WaterDistributionNetwork")
    networks = total.assets / max(basis.days, 1.0)
    drawn = basis.people * basis.config.night_use / 1000
    value = None if flow is None else max(0.0, flow * networks - drawn) * NIGHT_TO_DAY_H
    return one("leakage", "m³/d", value, coverage)


def supply(basis: Basis) -> list[Figure]:
    """Hours a day with pressure to draw by."""
    total = basis.of("WaterDistributionNetwork")
    if not total.assets:
        return []
    measured = total.sums.get("pressure_good_s", 0.0)
    value = share(24 * total.sums.get("supplied_good_s", 0.0), measured)
    return one("supply-hours", "h/d", value, capped(measured, total.service_s), target=24.0)
