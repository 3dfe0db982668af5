"""Days of many assets added up: what a question about a commune or the province is answered from. Pure."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from edge_api.province.assetday import AssetDay

Number = TypeVar("Number", int, float)


class Total(Struct, kw_only=True):
    """Asset-days of one type added up; `assets` counts asset-days. Names as in AssetDay."""

    assets: int = 0
    present: int = 0
    late: int = 0
    uncertain: int = 0
    bad: int = 0
    missing: dict[str, int] = {}
    service_s: float = 0.0
    covered_s: float = 0.0
    sums: dict[str, float] = {}
    lists: dict[str, list[float]] = {}

    @property
    def expected(self) -> int:
        """Return how many readings there should have been."""
        return self.present + sum(self.missing.values())

    def add(self, other: "AssetDay | Total") -> None:
        """Add another."""
        self.assets += other.assets if isinstance(other, Total) else 1
        for name in ("present", "late", "uncertain", "bad", "service_s", "covered_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.missing = _added(self.missing, other.missing)
        self.sums = _added(self.sums, other.sums)
        self.lists = {
            name: [*self.lists.get(name, ()), *other.lists.get(name, ())]
            for name in self.lists.keys() | other.lists.keys()
        }


class CommuneDay(Struct, kw_only=True):
    """A day of a commune: one total a type of the feed."""

    commune: str
    day: int
    types: dict[str, Total] = {}


def commune_day(commune: str, day: int, rows: Iterable[AssetDay]) -> CommuneDay:
    """Add up the rows of one commune and day."""
    found = CommuneDay(commune=commune, day=day)
    for row in rows:
        found.types.setdefault(row.type, Total()).add(row)
    return found


def by_type(days: Iterable[CommuneDay]) -> dict[str, Total]:
    """Add up days of communes; one total a type."""
    found: dict[str, Total] = {}
    for day in days:
        for kind, total in day.types.items():
            found.setdefault(kind, Total()).add(total)
    return found


def whole(totals: Iterable[Total]) -> Total:
    """Add totals of several types."""
    found = Total()
    for total in totals:
        found.add(total)
    return found


def _added(left: dict[str, Number], right: dict[str, Number]) -> dict[str, Number]:
    found = dict(left)
    for name, value in right.items():
        found[name] = found[name] + value if name in found else value
    return found
