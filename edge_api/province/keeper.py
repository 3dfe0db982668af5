"""Counts in the background when readings have come, late ones too; a little at a time.

A running day goes on from where it was counted to; what comes before that, or to a day that is over, has the
day counted anew.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

from edge_api.history import History, asset_key
from edge_api.point import Point
from edge_api.province.assetday import Asset, AssetDay, asset_day, goes_on
from edge_api.province.config import Province
from edge_api.province.counting import Outage
from edge_api.province.days import DAY_NS, DAY_S, day_of, start_of
from edge_api.province.disk import ProvinceFile
from edge_api.province.due import Due, Dues
from edge_api.province.measures import Facts
from edge_api.province.registry import Registry
from edge_api.province.sofar import Mark
from edge_api.province.sun import dark, light
from edge_api.province.totals import commune_day
from edge_api.province.watched import EVER
from gateway.feed import FeedError, to_ns
from gateway.feed.limits import shipped, valid

log = logging.getLogger(__name__)

LATE_REST_S = 60.0  # a backlog comes in pieces: a past day waits so long for the rest of it
_BATCH = 200  # days counted in one transaction
_BUDGET_S = 2.0  # of each round of housekeeping
_LEARN_S = 30.0
_LAMPS = frozenset({"Streetlight", "StreetlightControlCabinet"})
_LEAST_STALE_NS = 600 * 1_000_000_000  # how near to midnight a reading touches the other day too

Outages = Callable[[], dict[str, list[Outage]]]
"""Times in which nodes are known to have taken nothing, by node."""


class Keeper:
    """`take` is called by the writer for all that was committed; `work` by the housekeeper.

    `outages` is asked once a round. All methods may be called from any thread.
    """

    def __init__(
        self,
        config: Province,
        file: ProvinceFile,
        history: History,
        wall_ns: Callable[[], int],
        outages: Outages = dict,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.config = config
        self.registry = Registry(file.assets())
        self._file = file
        self._history = history
        self._wall_ns = wall_ns
        self._outages = outages
        self._monotonic = monotonic
        self._limits = [*shipped(), *config.limits]
        self._working = threading.Lock()
        self._due = Dues()
        self._written: set[Due] = set(file.due())
        for due in self._written:
            self._due.add(due, monotonic() - LATE_REST_S)
        self._counted_s: dict[Due, float] = {}
        self._marks: dict[str, Mark] = {}  # of running days; after a restart they are counted once anew
        self._learned_s = float("-inf")
        self._all_at_s = float("-inf")
        self._pruned_day = 0
        self._mark_latest()

    def take(self, points: Sequence[Point]) -> None:
        """Note which days of which assets have new readings."""
        now_s, today = self._monotonic(), day_of(self._wall_ns())
        oldest = today - round(self.config.keep / DAY_S)
        for point in points:
            if point.measurement == "Alert":
                self._take_gap(point, range(oldest, today + 1), now_s)
                continue
            key, ts_ns = asset_key(point.tags), point.ts_ns
            day = day_of(ts_ns)
            if key is None or not oldest < day <= today + 1:
                continue
            self.registry.heard(key, ts_ns)
            self._due.add((key, day), now_s, ts_ns)
            since_midnight_ns = ts_ns - start_of(day)
            around_ns = self._around_ns(key)
            if since_midnight_ns < around_ns:
                self._due.add((key, day - 1), now_s, ts_ns)
            if DAY_NS - since_midnight_ns <= around_ns:
                self._due.add((key, day + 1), now_s, ts_ns)

    def _around_ns(self, key: str) -> int:
        """Return how near to midnight a reading touches the other day too."""
        asset = self.registry.one(key)
        return _LEAST_STALE_NS if asset is None else max(asset.stale_ns, _LEAST_STALE_NS)

    def _take_gap(self, point: Point, days: range, now_s: float) -> None:
        """A node says when it took nothing: what is missing in that time now has a reason."""
        after, before = point.fields.get("after"), point.fields.get("before")
        if point.tags.get("kind") != "gap" or not isinstance(after, str) or not isinstance(before, str):
            return
        try:
            first, last = day_of(to_ns(after)), day_of(to_ns(before))
        except FeedError:
            return  # a stranger's alert of the same name
        for asset in self.registry.all() if first <= last else ():
            if asset.gw == point.fields.get("gw"):
                for day in range(max(first, days.start), min(last + 1, days.stop)):
                    self._due.add((asset.key, day), now_s)

    @property
    def waiting(self) -> int:
        """Return how many days of assets are to be counted anew."""
        return len(self._due)

    def work(self, *, all_of_it: bool = False) -> int:
        """Count what is due, for two seconds at most unless `all_of_it`; return how many days that were."""
        with self._working:
            if all_of_it or self.registry.strangers or self._monotonic() - self._learned_s > _LEARN_S:
                self._learned_s = self._monotonic()
                for key, first_ns, until_ns in self.registry.learn(self._history.latest()):
                    for day in range(day_of(first_ns), day_of(until_ns) + 1):
                        self._due.add((key, day), self._monotonic())
            until_s = self._monotonic() + _BUDGET_S
            outages = self._outages()
            done = 0
            try:
                while ready := self._ready(all_of_it=all_of_it):
                    for first in range(0, len(ready), _BATCH):
                        batch = self._due.take(ready[first : first + _BATCH])
                        self._count(batch, outages)
                        done += len(batch)
                        if not all_of_it and self._monotonic() > until_s:
                            break
                    if not all_of_it:
                        break
                self._write_down()
            except sqlite3.Error as error:
                log.warning("province: the disk fails, days wait to be counted: %s", error)
            return done

    def close(self) -> None:
        """Write down what is due, and close the file."""
        with self._working:
            try:
                self._write_down()
            except sqlite3.Error as error:
                log.warning("province: what is due cannot be written down: %s", error)
            self._file.close()

    def _mark_latest(self) -> None:
        """What came just before the last stop may not have been counted: so the newest two days are."""
        today = day_of(self._wall_ns())
        past_s = self._monotonic() - LATE_REST_S
        for asset in self.registry.all():
            if day_of(asset.last_ns) >= today - 2:
                for day in (today - 1, today):
                    self._due.add((asset.key, day), past_s)

    def _ready(self, *, all_of_it: bool) -> list[Due]:
        now_s, today = self._monotonic(), day_of(self._wall_ns())
        if all_of_it:
            return self._due.ready()
        return self._due.ready(lambda due, since_s: now_s - since_s < self._rest_s(due, today, now_s))

    def _rest_s(self, due: Due, today: int, now_s: float) -> float:
        if due[1] < today:
            return LATE_REST_S
        counted_s = self._counted_s.get(due)
        return 0.0 if counted_s is None or now_s - counted_s >= self.config.every else float("inf")

    def _count(self, batch: dict[Due, int], outages: dict[str, list[Outage]]) -> None:
        try:
            self._count_all(batch, outages)
        except sqlite3.Error:
            for due, from_ns in batch.items():
                self._due.add(due, self._monotonic(), from_ns)
            raise

    def _count_all(self, batch: dict[Due, int], outages: dict[str, list[Outage]]) -> None:
        now_ns = self._wall_ns()
        rows: dict[Due, AssetDay] = {}
        marks: dict[str, Mark | None] = {}
        for (key, day), from_ns in batch.items():
            asset = self.registry.one(key)
            if asset is None or self.retired(asset, day) or start_of(day) >= now_ns:
                continue
            before = rows.get((key, day - 1)) or self._row(rows, key, day - 1)
            old = self._row(rows, key, day)
            new, mark = self._counted(asset, day, now_ns, before, outages.get(asset.gw, ()), from_ns)
            if day == day_of(now_ns):
                marks[key] = mark
            if old is not None and new.readings < max(old.readings, old.present):
                marks[key] = None
                continue  # history no longer holds all of that day: what was counted then is truer
            rows[key, day] = new
            following = (key, day + 1)
            if old is not None and old.carry != new.carry and self._row(rows, *following):
                self._due.add(following, self._monotonic())
        self._file.write(asset_days=rows.values())
        touched = {("/".join(key.split("/")[:2]), day) for key, day in rows}
        totals = [
            commune_day(place.split("/")[1], day, self._file.of_commune(place, day)) for place, day in touched
        ]
        self._file.write(commune_days=totals, counted=[due for due in batch if due in self._written])
        self._written.difference_update(batch)
        for key, mark in marks.items():
            self._marks.pop(key, None)
            if mark is not None:
                self._marks[key] = mark
        for due in batch:
            self._counted_s[due] = self._monotonic()

    def _row(self, rows: dict[Due, AssetDay], key: str, day: int) -> AssetDay | None:
        found = rows.get((key, day))
        return found or next(iter(self._file.asset_days([key], range(day, day + 1))), None)

    def _counted(
        self,
        asset: Asset,
        day: int,
        now_ns: int,
        before: AssetDay | None,
        outages: Sequence[Outage],
        from_ns: int,
    ) -> tuple[AssetDay, Mark | None]:
        carry = before.carry if before else {}
        since = self._marks.get(asset.key)
        if since and (from_ns < since.at_ns or not goes_on(since, asset, day, now_ns, carry, outages)):
            since = None
        around_ns = max(asset.stale_ns, _LEAST_STALE_NS)
        first_ns = since.at_ns if since else start_of(day) - around_ns
        columns = self._history.columns(asset.key, first_ns, start_of(day + 1) + around_ns)
        row, mark = asset_day(
            asset,
            day,
            columns,
            now_ns,
            self._facts(asset, day),
            carry=carry,
            outages=outages,
            since=since,
        )
        self._add_own(asset, row, min(start_of(day + 1), now_ns))
        return row, mark

    def _add_own(self, asset: Asset, row: AssetDay, end_ns: int) -> None:
        """Add what only the configuration knows: a lamp's baseline, a bin that is full for too long."""
        baseline = self.config.baseline_kwh.get(asset.key)
        if baseline is not None and "energy_kwh" in row.sums:
            row.sums["baseline_kwh"] = baseline * row.covered_s / DAY_S
            row.sums["energy_with_baseline_kwh"] = row.sums["energy_kwh"]
        full_ns = row.carry.get("full_ns", 0)
        if full_ns and end_ns - full_ns > self.config.respond_within * 1e9:
            row.sums["overdue"] = 1

    def _facts(self, asset: Asset, day: int) -> Facts:
        limits = valid(self._limits, asset.type, day)
        if asset.type not in _LAMPS:
            return Facts(limits=limits, supply_kpa=self.config.supply_kpa)
        lat = self.config.lat if asset.lat is None else asset.lat
        lon = self.config.lon if asset.lon is None else asset.lon
        twilight_s = float(self.config.twilight)
        return Facts(dark=dark(day, lat, lon, twilight_s), light=light(day, lat, lon, twilight_s))

    def retired(self, asset: Asset, day: int) -> bool:
        """Whether the configuration says that an asset is no longer expected."""
        date = self.config.retired.get(asset.key)
        return date is not None and day >= date.toordinal() - 719_163  # the ordinal of 1970-01-01

    def _write_down(self) -> None:
        today = day_of(self._wall_ns())
        past = self._due.before(today) - self._written
        self._counted_s = {due: at_s for due, at_s in self._counted_s.items() if due[1] >= today}
        self._file.write(assets=self.registry.changed(), due=past)
        self._written |= past
        new_day = self._pruned_day != today
        if new_day:
            self._pruned_day = today
            self._all_at_s = float("-inf")
            self._file.prune(today - round(self.config.keep / DAY_S))
        if self._monotonic() - self._all_at_s > self.config.every:
            # every asset is counted, also one that says nothing: that is how a silence comes to be known
            self._all_at_s = self._monotonic()
            for asset in self.registry.all():
                for day in (today - 1, today) if new_day else (today,):
                    self._due.add((asset.key, day), self._all_at_s, EVER)
