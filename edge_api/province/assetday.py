"""One row for each asset and day: all that completeness and indicators are added up from. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from edge_api.province.counting import Outage, missing_at_last, rhythm_ns
from edge_api.province.days import start_of
from edge_api.province.measures import Facts
from edge_api.province.sofar import Mark, SoFar, mark, next_mark_ns, terms
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

    `readings` is all there are, `present` those that were expected, `missing` is by reason. `service_s` is
    the part of the day in which the asset was in service, `covered_s` what its readings cover of it.
    """

    asset: str
    day: int
    type: str = ""
    readings: int = 0
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
    since: Mark | None = None,
) -> tuple[AssetDay, Mark | None]:
    """Count one day; return with it the mark from which on to count next time, None when it is over.

    `columns` begin and end `staleAfter` around the day, or begin with the mark `since`, which `goes_on` must
    have allowed. `carry` is what the day before left.
    """
    start_ns, end_ns = start_of(day), min(start_of(day + 1), now_ns)
    if end_ns <= start_ns:
        return AssetDay(asset=asset.key, day=day, type=asset.type), None
    watched = Watched(columns, start_ns, end_ns, asset.stale_ns, asset.since_ns)
    no_rhythm = asset.type in NO_RHYTHM
    if since is None:
        every_ns = None if no_rhythm else rhythm_ns(asset.interval_s, watched.times)
        so_far, first_ns = SoFar(every_ns, carry=dict(carry or {})), 0
    else:
        so_far, first_ns = since.so_far(), since.at_ns
    following = since
    if end_ns == start_of(day + 1):
        following = None
    else:
        settled = no_rhythm or since is not None or (asset.interval_s or 0) > 0
        at_ns = next_mark_ns(watched, settled=settled, after_ns=first_ns)
        if at_ns is not None:
            so_far.add(watched.part(first_ns, at_ns), asset.type, facts, outages)
            following = mark(day, at_ns, _terms(asset, carry, outages, at_ns), so_far)
            first_ns = at_ns
    so_far.add(watched.part(first_ns), asset.type, facts, outages)
    counted, every_ns = so_far.counted, so_far.every_ns
    row = AssetDay(
        asset=asset.key,
        day=day,
        type=asset.type,
        readings=so_far.readings,
        present=counted.present,
        late=so_far.late,
        uncertain=so_far.uncertain,
        bad=so_far.bad,
        missing={} if every_ns is None else missing_at_last(watched, counted, every_ns, outages),
        service_s=max(0, end_ns - max(start_ns, asset.since_ns)) / 1e9,
        covered_s=so_far.covered_ns / 1e9,
        sums=so_far.sums,
        lists=so_far.lists,
        carry=so_far.carry,
    )
    return row, following


def goes_on(
    since: Mark,
    asset: Asset,
    day: int,
    now_ns: int,
    carry: dict[str, float] | None,
    outages: Sequence[Outage],
) -> bool:
    """Whether a day may be counted on from a mark: nothing has changed that it rests on but readings."""
    return (
        since.day == day
        and since.at_ns <= now_ns  # else our own clock has gone back
        and since.terms == _terms(asset, carry, outages, since.at_ns)
    )


def _terms(asset: Asset, carry: dict[str, float] | None, outages: Sequence[Outage], before_ns: int) -> bytes:
    told = (asset.type, asset.interval_s, asset.stale_s, asset.since_ns, asset.lat, asset.lon)
    return terms([told, sorted((carry or {}).items())], outages, before_ns)
