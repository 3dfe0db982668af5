"""What the province may be asked: registry, silence, completeness and indicators, from what was counted."""

import logging
import sqlite3
from collections.abc import Callable, Sequence

from msgspec import Struct

from edge_api.alarms import AlarmBook
from edge_api.history import History
from edge_api.province.assetday import NO_RHYTHM, Asset, AssetDay
from edge_api.province.config import Plant, Province
from edge_api.province.days import DAY_NS, day_of, day_text, start_of
from edge_api.province.disk import ProvinceFile
from edge_api.province.figures import Basis, Figure
from edge_api.province.indicators import figures
from edge_api.province.keeper import Keeper, Outages
from edge_api.province.registry import silent_s
from edge_api.province.totals import CommuneDay, Total, by_type, whole
from gateway.feed import FeedError
from gateway.feed.communes import Commune, commune

log = logging.getLogger(__name__)

_MOST_ALARMS = 20_000


class Completeness(Struct, frozen=True, kw_only=True):
    """A commune's day: readings expected, present, late, uncertain, bad, and missing by reason.

    `completeness` is present / expected; null while nothing is expected.
    """

    commune: str
    name: str
    day: str
    assets: int
    expected: int
    present: int
    late: int
    uncertain: int
    bad: int
    missing: int
    reasons: dict[str, int]
    completeness: float | None


class Period(Struct, frozen=True, kw_only=True):
    """Figures of one commune, or of all, over days; `counted` says from which day on there is anything.

    `waiting` is how many days of assets are still to be counted anew.
    """

    commune: str
    name: str
    first: str
    last: str
    counted: str | None
    waiting: int
    figures: list[Figure]


class Office:
    """Answers from the province's file. Methods may be called from any thread; they raise sqlite3.Error."""

    def __init__(self, file: ProvinceFile, keeper: Keeper, alarms: AlarmBook) -> None:
        self.keeper = keeper
        self.config: Province = keeper.config
        self._file = file
        self._alarms = alarms

    def assets(self, place: str | None = None) -> list[Asset]:
        """Return the registry of one commune or of all."""
        return [each for each in self.keeper.registry.all() if place in {None, each.commune}]

    def silent(self, now_ns: int, place: str | None = None) -> list[tuple[Asset, float]]:
        """Return the assets whose last reading no longer counts, with for how many seconds, longest first."""
        today = day_of(now_ns)
        found = [
            (each, seconds)
            for each in self.assets(place)
            if each.type not in NO_RHYTHM
            and not self.keeper.retired(each, today)
            and (seconds := silent_s(each, now_ns)) is not None
        ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0].key))

    def silent_counts(self, now_ns: int) -> dict[str, int]:
        """Return how many assets are silent, for each commune that has any asset."""
        found = dict.fromkeys(sorted({each.commune for each in self.assets()}), 0)
        for asset, _ in self.silent(now_ns):
            found[asset.commune] += 1
        return found

    def today(self, now_ns: int) -> list[Completeness]:
        """Return the completeness of the running day; nothing when the file cannot be read now."""
        try:
            return self.completeness(None, range(day_of(now_ns), day_of(now_ns) + 1))
        except sqlite3.Error as error:
            log.warning("province: the completeness of a day cannot be read: %s", error)
            return []

    def arrived(self, days: range) -> dict[str, dict[int, tuple[int, int]]]:
        """Return how many readings came and were expected, by commune and day (since 1970, here).

        Nothing when the file cannot be read now.
        """
        found: dict[str, dict[int, tuple[int, int]]] = {}
        try:
            for place, day, present, expected in self._file.arrived(days):
                found.setdefault(place, {})[day] = present, expected
        except sqlite3.Error as error:
            log.warning("province: how complete the days are cannot be read: %s", error)
        return found

    def completeness(self, place: str | None, days: range) -> list[Completeness]:
        """Return what arrived of what was expected, by commune and day."""
        return [_completeness(each) for each in self._file.commune_days(place, days)]

    def asset_days(self, place: str, days: range) -> list[AssetDay]:
        """Return the rows of one commune's assets, by asset and day."""
        return self._file.asset_days([each.key for each in self.assets(place)], days)

    def period(self, place: str | None, days: range, now_ns: int, name: str | None = None) -> Period:
        """Return the figures of a period, of one indicator or of all."""
        rows = self._file.commune_days(place, days)
        basis = self._basis(place, rows, now_ns)
        return Period(
            commune=place or "",
            name=name_of(place) if place else "",
            first=day_text(days.start),
            last=day_text(days.stop - 1),
            counted=day_text(min(row.day for row in rows)) if rows else None,
            waiting=self.keeper.waiting,
            figures=figures(basis, name),
        )

    def daily(self, place: str | None, days: range, now_ns: int, name: str) -> list[tuple[int, list[Figure]]]:
        """Return one indicator for each day that has been counted: what a chart shows."""
        rows = self._file.commune_days(place, days)
        return [
            (day, figures(self._basis(place, [row for row in rows if row.day == day], now_ns), name))
            for day in sorted({row.day for row in rows})
        ]

    def _basis(self, place: str | None, rows: Sequence[CommuneDay], now_ns: int) -> Basis:
        if not rows:
            return Basis({}, 0.0, self.config)
        first, last = min(row.day for row in rows), max(row.day for row in rows)
        span_ns = min(start_of(last + 1), now_ns) - start_of(first)
        days = range(first, last + 1)
        bridges = [each for each in self.assets(place) if each.type in NO_RHYTHM]
        return Basis(
            totals=by_type(rows),
            days=max(span_ns, 0) / DAY_NS,
            config=self.config,
            people=self._people({row.commune for row in rows}),
            last_day=by_type(row for row in rows if row.day == last),
            repairs_s=self._repairs_s(place, start_of(first), start_of(last + 1)),
            bridges=[] if place else [self._plant(plant, days) for plant in self.config.plants],
            bridge_coverage=self._node_coverage(bridges, days),
        )

    def _people(self, places: set[str]) -> int | None:
        """Return how many live there; None unless it is known of each."""
        known = self.config.population
        return sum(known[each] for each in places) if places and places <= known.keys() else None

    def _plant(self, plant: Plant, days: range) -> tuple[Plant, Total, float | None]:
        total = Total()
        for row in self._file.asset_days(plant.bridges, days):
            total.add(row)
        known = [self.keeper.registry.one(key) for key in plant.bridges]
        return plant, total, self._node_coverage([each for each in known if each], days)

    def _node_coverage(self, bridges: Sequence[Asset], days: range) -> float | None:
        """Return how complete the nodes are that carry weighbridges: no lorry is no proof of silence."""
        carriers = {(each.commune, each.gw) for each in bridges}
        keys = [
            each.key
            for each in self.keeper.registry.all()
            if (each.commune, each.gw) in carriers and each.type not in NO_RHYTHM
        ]
        if not keys:
            return None
        total = Total()
        for row in self._file.asset_days(keys, days):
            total.add(row)
        return total.present / total.expected if total.expected else None

    def _repairs_s(self, place: str | None, from_ns: int, to_ns: int) -> list[float]:
        try:
            alarms = self._alarms.alarms(place, from_ns, _MOST_ALARMS)
        except sqlite3.Error as error:
            log.warning("province: the alarm book cannot be read, repair times are left out: %s", error)
            return []
        return [
            (each.cleared_ns - each.raised_ns) / 1e9
            for each in alarms
            if each.kind == "lampFailed"
            and each.raised_ns is not None
            and each.cleared_ns is not None
            and each.ended == "cleared"
            and from_ns <= each.cleared_ns < to_ns
        ]


def open_office(
    config: Province,
    history: History,
    alarms: AlarmBook,
    wall_ns: Callable[[], int],
    outages: Outages,
) -> Office | None:
    """Open the province's file and count from now on; None, with a word in the log, when it cannot be used.

    Taking custody must not depend on it.
    """
    try:
        file = ProvinceFile(config.path)
        keeper = Keeper(config, file, history, wall_ns, outages)
    except (sqlite3.Error, OSError) as error:
        log.error("province: %s cannot be used, nothing is counted: %s", config.path, error)  # noqa: TRY400
        return None
    history.listen(keeper.take)
    return Office(file, keeper, alarms)


def known(code: str) -> Commune | None:
    """Return the commune of a code, None when it is none of those that are known."""
    try:
        return commune(code)
    except FeedError:
        return None


def name_of(code: str) -> str:
    """Return a commune's full name, or its code where none is known."""
    found = known(code)
    return found.full_name if found else code


def _completeness(row: CommuneDay) -> Completeness:
    total = whole(row.types.values())
    return Completeness(
        commune=row.commune,
        name=name_of(row.commune),
        day=day_text(row.day),
        assets=total.assets,
        expected=total.expected,
        present=total.present,
        late=total.late,
        uncertain=total.uncertain,
        bad=total.bad,
        missing=sum(total.missing.values()),
        reasons=total.missing,
        completeness=total.present / total.expected if total.expected else None,
    )
