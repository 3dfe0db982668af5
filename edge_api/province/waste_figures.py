"""Figures of waste: collected, emptied in time, and what plants take. Pure."""

from edge_api.province.figures import Basis, Figure, Figures, H, capped, one, quantile, share
from edge_api.province.totals import Total


def _generated_kg(basis: Basis) -> float | None:
    return None if basis.people is None else basis.people * basis.config.kg_per_person * basis.days


def generated(basis: Basis) -> list[Figure]:
    """Household waste that so many people make."""
    kilograms = _generated_kg(basis)
    return [] if kilograms is None else one("generated", "t", kilograms / 1000, 1.0)


def weighed(basis: Basis) -> list[Figure]:
    """What the weighbridges weighed."""
    sums = basis.of("WasteObserved").sums
    if not sums and basis.bridge_coverage is None:
        return []
    doubtful = sums.get("weighed_doubtful_kg", 0.0) / 1000
    return one(
        "weighed", "t", sums.get("weighed_good_kg", 0.0) / 1000, basis.bridge_coverage, doubtful=doubtful
    )


def collection(basis: Basis) -> list[Figure]:
    """Weighed of generated."""
    generated = _generated_kg(basis)
    sums = basis.of("WasteObserved").sums
    if not generated or (not sums and basis.bridge_coverage is None):
        return []
    value = 100 * sums.get("weighed_good_kg", 0.0) / generated
    doubtful = 100 * sums.get("weighed_doubtful_kg", 0.0) / generated
    return one("collection-rate", "%", value, basis.bridge_coverage, doubtful=doubtful, target=95.0)


def _bins(basis: Basis) -> tuple[Total, float | None]:
    total = basis.of("WasteContainer")
    return total, capped(total.sums.get("level_good_s", 0.0), total.service_s)


def overflow(basis: Basis) -> list[Figure]:
    """Hours in which bins were full."""
    total, coverage = _bins(basis)
    if not total.assets:
        return []
    doubtful = total.sums.get("overflow_doubtful_s", 0.0) / H
    return one("overflow-hours", "h", total.sums.get("overflow_good_s", 0.0) / H, coverage, doubtful=doubtful)


def on_time(basis: Basis) -> list[Figure]:
    """Full bins emptied soon enough, of all that were full."""
    total, coverage = _bins(basis)
    if not total.assets:
        return []
    times = total.lists.get("response_s", [])
    last = basis.last_day.get("WasteContainer", Total())
    overdue = last.sums.get("overdue", 0.0)
    in_time = sum(each <= basis.config.respond_within for each in times)
    value = share(100.0 * in_time, len(times) + overdue)
    return one("emptied-on-time", "%", value, coverage)


def response(percent: int) -> Figures:
    """Return the percentile of the time from full to emptied."""

    def figures(basis: Basis) -> list[Figure]:
        total, coverage = _bins(basis)
        value = quantile(total.lists.get("response_s", []), percent)
        return (
            []
            if not total.assets
            else one(f"response-p{percent}", "h", None if value is None else value / H, coverage)
        )

    return figures


def plants(basis: Basis) -> list[Figure]:
    """Tonnes a day of each plant."""
    return [
        Figure(
            name="plant-tonnes",
            unit="t/d",
            value=share(total.sums.get("weighed_good_kg", 0.0) / 1000, basis.days),
            coverage=coverage,
            doubtful=share(total.sums.get("weighed_doubtful_kg", 0.0) / 1000, basis.days),
            of=plant.name,
            side=plant.side,
            target=plant.capacity,
        )
        for plant, total, coverage in basis.bridges
    ]


def plant_load(basis: Basis) -> list[Figure]:
    """Tonnes a day of each plant, of what it can take."""
    return [
        Figure(
            name="plant-load",
            unit="%",
            value=share(total.sums.get("weighed_good_kg", 0.0) / 10, basis.days * plant.capacity),
            coverage=coverage,
            of=plant.name,
            side=plant.side,
            target=100.0,
        )
        for plant, total, coverage in basis.bridges
    ]
