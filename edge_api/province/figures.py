"""What a figure is: a value that never goes without its coverage, and the sums that it is made from. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Literal

from msgspec import Struct

from edge_api.province.config import Plant, Province
from edge_api.province.totals import Total

H = 3600.0
Figures = Callable[["Basis"], list["Figure"]]


class Figure(Struct, frozen=True, kw_only=True):
    """One indicator's value; never without `coverage`, the share of what was to be measured that was.

    `value` is null where nothing was measured, `doubtful` the same figure from uncertain values alone where
    that says something. `of` names a plant and `side` where it is, `target` is what the programme asks for.
    """

    name: str
    unit: str
    value: float | None
    coverage: float | None
    doubtful: float | None = None
    of: str = ""
    side: Literal["north", "south", ""] = ""
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a period is summed up from.

    `totals` are by type, `last_day` those of its newest day; `days` is how long the period is by now.
    `bridges` are each plant's weighings, with the completeness of the nodes that carry its weighbridges;
    `bridge_coverage` is that of all weighbridges together.
    """

    totals: dict[str, Total]
    days: float
    config: Province
    people: int | None = None
    last_day: dict[str, Total] = field(default_factory=dict)
    repairs_s: Sequence[float] = ()
    bridges: Sequence[tuple[Plant, Total, float | None]] = ()
    bridge_coverage: float | None = None

    def of(self, *types: str) -> Total:
        """Return the totals of some types together."""
        found = Total()
        for each in types:
            if each in self.totals:
                found.add(self.totals[each])
        return found


def share(part: float, whole: float) -> float | None:
    """Return part / whole; None of nothing."""
    return part / whole if whole > 0 else None


def capped(part: float, whole: float) -> float | None:
    """Return part / whole, 1 at most: two readings may cover the same moment by rounding."""
    found = share(part, whole)
    return None if found is None else min(found, 1.0)


def quantile(values: Sequence[float], percent: int) -> float | None:
    """Return a percentile, interpolated between neighbours (R type 7, as numpy does); None of nothing."""
    if not values:
        return None
    if len(values) == 1:
        return values[0]
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def one(name: str, unit: str, value: float | None, coverage: float | None, **more: object) -> list[Figure]:
    """Return one figure; `more` are further fields of it."""
    return [Figure(name=name, unit=unit, value=value, coverage=coverage, **more)]  # type: ignore[arg-type]
