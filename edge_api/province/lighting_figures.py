"""Figures of lighting: lit when dark, dark when light, energy, repairs. Pure."""

from edge_api.province.figures import Basis, Figure, Figures, H, capped, one, quantile, share
from edge_api.province.totals import Total


def _lamps(basis: Basis) -> Total:
    return basis.of("Streetlight", "StreetlightControlCabinet")


def in_darkness(basis: Basis) -> list[Figure]:
    """Lamps that burn when it is dark: time lit of time in darkness."""
    total = _lamps(basis)
    dark, doubtful = total.sums.get("dark_good_s", 0.0), total.sums.get("dark_doubtful_s", 0.0)
    if not total.assets:
        return []
    return one(
        "lit-in-darkness",
        "%",
        share(100 * total.sums.get("lit_dark_good_s", 0.0), dark),
        capped(dark, total.sums.get("dark_s", 0.0)),
        doubtful=share(100 * total.sums.get("lit_dark_doubtful_s", 0.0), doubtful),
        target=95.0,
    )


def lit(name: str, key: str) -> Figures:
    """Lamp-hours of one kind: `key` is their sum."""

    def figures(basis: Basis) -> list[Figure]:
        total = _lamps(basis)
        if not total.assets:
            return []
        doubtful = total.sums.get(key.replace("good", "doubtful"), 0.0) / H
        coverage = capped(total.covered_s, total.service_s)
        return one(name, "h", total.sums.get(key, 0.0) / H, coverage, doubtful=doubtful)

    return figures


def energy(basis: Basis) -> list[Figure]:
    """What the meters of cabinets rose by."""
    total = _lamps(basis)
    if "energy_kwh" not in total.sums:
        return []
    return one("energy", "kWh", total.sums["energy_kwh"], capped(total.covered_s, total.service_s))


def saved(basis: Basis) -> list[Figure]:
    """What was drawn less than before, over the cabinets that have a baseline."""
    total = _lamps(basis)
    if "baseline_kwh" not in total.sums:
        return []
    saved = total.sums["baseline_kwh"] - total.sums.get("energy_with_baseline_kwh", 0.0)
    return one("energy-saved", "kWh", saved, capped(total.covered_s, total.service_s))


def repair(percent: int) -> Figures:
    """Return the percentile of the time in which dead lamps were repaired."""

    def figures(basis: Basis) -> list[Figure]:
        total = _lamps(basis)
        if not total.assets:
            return []
        value = quantile(basis.repairs_s, percent)
        coverage = capped(total.covered_s, total.service_s)
        return one(f"repair-p{percent}", "h", None if value is None else value / H, coverage)

    return figures
