"""One row for each asset and day: all that completeness and indicators are added up from. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from edge_api.province.counting import Outage, by_reason, count, rhythm_ns
from edge_api.province.days import start_of
from edge_api.province.measures import MEASURES, Facts, Measures
from edge_api.province.watched import Columns, Watched

NO_RHYTHM = frozenset({"WasteObserved"})
"""Types that speak when something happens: nothing is expected of them, so nothing can be missing."""


class Asset(Struct, frozen=True, kw_only=True):
    """What the registry knows of an asset; None where no meta has told. Times in ns, 0 for never."""

    key: str
    type: str = ""
    name: str = ""
    gw: str = ""
    interval_s: float | None = None
    stale_s: float | None = None
    since_ns: int = 0
    last_ns: int = 0
    lat: float | None = None
    lon: float | None = None

    @property
    def commune(self) -> str:
        """Return the code of its commune."""
        return self.key.split("/")[1]

    @property
    def stale_ns(self) -> int:
        """Return for how long a reading counts: five minutes where no meta has told."""
        return round((300.0 if self.stale_s is None else self.stale_s) * 1e9)


class AssetDay(Struct, kw_only=True):
    """A day of an asset. Counts are readings; `sums`, `lists` and `carry` are those of `Measures`.

    `missing` is by reason. `service_s` is the part of the day in which the asset was in service,
    `covered_s` what its readings cover of it.
    """

    asset: str
    day: int
    type: str = ""
    present: int = 0
    late: int = 0
    uncertain: int = 0
    bad: int = 0
    missing: dict[str, int] = {}
    service_s: float = 0.0
    covered_s: float = 0.0
    sums: dict[str, float] = {}
    lists: dict[str, list[float]] = {}
    carry: dict[str, float] = {}

    @property
    def expected(self) -> int:
        """Return how many readings the day should have had."""
        return self.present + sum(self.missing.values())


def asset_day(
    asset: Asset,
    day: int,
    columns: Columns,
    now_ns: int,
    facts: Facts,
    *,
    carry: dict[str, float] | None = None,
    outages: Sequence[Outage] = (),
) -> AssetDay:
    """Count one day. `columns` begin and end `staleAfter` around it; `carry` is what the day before left."""
    start_ns, end_ns = start_of(day), min(start_of(day + 1), now_ns)
    if end_ns <= start_ns:
        return AssetDay(asset=asset.key, day=day, type=asset.type)
    watched = Watched(columns, start_ns, end_ns, asset.stale_ns, asset.since_ns)
    every_ns = rhythm_ns(asset.interval_s, watched.times)
    if every_ns is None or asset.type in NO_RHYTHM:
        present, missing = len(watched.today), list[int]()
    else:
        present, missing = count(watched, max(every_ns, 1), asset.since_ns)
    words = [watched.words[ts] for ts in watched.today if ts in watched.words]
    measured = MEASURES[asset.type](watched, carry or {}, facts) if asset.type in MEASURES else Measures()
    return AssetDay(
        asset=asset.key,
        day=day,
        type=asset.type,
        present=present,
        late=watched.late,
        uncertain=words.count("uncertain"),
        bad=words.count("bad"),
        missing=by_reason(missing, outages),
        service_s=max(0, end_ns - max(start_ns, asset.since_ns)) / 1e9,
        covered_s=watched.covered_s(),
        sums=dict(measured.sums),
        lists=dict(measured.lists),
        carry=measured.carry,
    )
