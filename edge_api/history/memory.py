"""What memory holds of history: each asset's newest values, and the readings that are not on disk yet."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from edge_api.history.bodies import Body, Series, grouped, series_of
from edge_api.history.kept import doubts_of, is_late, values_of
from edge_api.history.newest import Found, Newest
from edge_api.history.now import AssetNow, asset_key, place_of, tags_of
from edge_api.history.query import Piece
from edge_api.history.strands import Known, Rests
from edge_api.history.waiting import Waiting
from edge_api.point import Point

_VALUES = 5  # of a reading, as a mean
_READINGS_AN_ASSET = 15
_VALUES_AN_ASSET = 24  # as much memory as so many readings take, gzip of their lines


class Memory:
    """For one thread at a time; its owner holds the lock."""

    def __init__(
        self, assets: Iterable[AssetNow], newest: Newest, most_assets: int, most_values: int
    ) -> None:
        self.assets = {asset.key: asset for asset in assets}
        self.newest = newest
        """Of bodies that are on disk: an asset is made of its line when somebody asks for it."""
        self._lines_only = len(newest.lines.keys() - self.assets.keys())
        self.changed: set[str] = set()
        self.waiting = Waiting()
        self.going = Waiting()
        """On its way to the disk; nobody changes it."""
        self.passed_over = 0
        self._most_assets = most_assets
        self._most_values = most_values

    def take(self, points: Sequence[Point], came_ns: Callable[[Point], int]) -> None:
        """Enter points."""
        if self.waiting.bodies:
            self._open_before(points)
        for point in points:
            asset = self.of(point.tags)
            if asset is None:
                self.passed_over += 1
            elif point.measurement == "Alert":
                asset.alarm(point)
                self.changed.add(asset.key)
            else:
                values = values_of(point)
                asset.see(point, values)
                values += doubts_of(point, late=is_late(point.ts_ns, came_ns(point), asset.stale_after_s))
                self.waiting.add(asset.key, point.ts_ns, values)
        self._bound()

    def keep(self, body: Body) -> None:
        """Keep a body as it came: nobody has asked for it yet."""
        self.waiting.keep(body)
        self._bound()

    def look(self, key: str | None = None) -> None:
        """See to it that the newest values of an asset, or of all, know of all that came."""
        for each in self.newest.unseen() if key is None else [key]:
            if each in self.newest.lines:
                self.of(tags_of(each))
        for waiting in (self.going, self.waiting):
            bodies = waiting.bodies if key is None else waiting.bodies_of(key)
            self._show(bodies)

    def see(self, opened: Iterable[Series], bodies: Iterable[Body]) -> None:
        """Show opened bodies, with all of their series, to the newest values; each is seen once."""
        for series in opened:
            asset = self.of(series.tags)
            for point in series.unseen():
                if asset is None:
                    self.passed_over += 1
                else:
                    asset.see(point, values_of(point))
        for body in bodies:
            body.seen = True

    def held(self, key: str) -> list[tuple[dict[str, Piece], list[Body]]]:
        """Return where readings of an asset may be, columns and then bodies, the oldest first."""
        return [
            (waiting.tails[key].columns() if key in waiting.tails else {}, waiting.bodies_of(key))
            for waiting in (self.going, self.waiting)
        ]

    def stale_after_s(self, key: str) -> float | None:
        """Return after how long a reading of an asset is stale, None when nobody has told."""
        asset = self.assets.get(key)
        return None if asset is None else asset.stale_after_s

    @property
    def full(self) -> bool:
        """Whether so much waits that it should go to disk: each time costs something for each asset."""
        waiting = self.waiting
        readings = max(self._most_values // _VALUES, _READINGS_AN_ASSET * self._known)
        return waiting.values >= self._most or waiting.unopened >= readings

    def take_back(self) -> None:
        """Keep what was going to a disk that does not take it."""
        places = frozenset(map(place_of, self.waiting.tails))
        self._open(self.going.pop(places), self.going)
        self.waiting.take_back(self.going)

    def of(self, tags: Mapping[str, str]) -> AssetNow | None:
        """Return the asset of these tags, made if there is room for one more; None without one."""
        key = asset_key(tags)
        if key is None:
            return None
        asset = self.assets.get(key)
        line = self.newest.lines.get(key)
        if asset is None and (line is not None or self._room):
            asset = self.assets[key] = AssetNow(
                key=key,
                province=tags.get("province", ""),
                commune=tags.get("commune", ""),
                domain=tags.get("domain", ""),
                id=tags["asset"],
            )
            self._lines_only -= line is not None
        if asset is not None and line is not None and not line.seen:
            line.seen = True
            point = line.point
            asset.see(point, values_of(point))
        return asset

    def known(self, key: str) -> AssetNow:
        """Return an asset that is known, with all that its newest line says."""
        if key in self.newest.lines:
            self.of(tags_of(key))
        return self.assets[key]

    def enter(self, found: Iterable[Found], *, seen: bool) -> None:
        """Take in what is newest in opened bodies (see Newest.of); without room a series is not learnt."""
        newest = self.newest
        for known, rests, rest, names in found:
            new = False
            if not known.rest:
                new = known.key not in self.assets and known.key not in newest.lines
                if new and not self._room:
                    self.passed_over += not seen
                    continue
                newest.learn(known)
                self._lines_only += new
            if rest is None or newest.lines[known.key] is not known:
                self._see_each(known, rests if not seen else [])
            elif rest is not known.rest:
                known.rest, known.names = rest, names
                known.seen = known.seen and seen and not new
                newest.changed.add(known.place)

    def _show(self, bodies: Iterable[Body]) -> None:
        for group in grouped([body for body in bodies if not body.seen]):
            self.see(series_of(group), group)

    def _see_each(self, known: Known, rests: Rests) -> None:
        """Show lines to their asset of which no one says all."""
        asset = self.of(tags_of(known.key))
        if asset is not None:
            for point in known.points(rests):
                asset.see(point, values_of(point))
        self.changed.add(known.key)

    @property
    def _known(self) -> int:
        return len(self.assets) + self._lines_only

    @property
    def _room(self) -> bool:
        return self._known < self._most_assets

    @property
    def _most(self) -> int:
        return max(self._most_values, _VALUES_AN_ASSET * self._known)

    def _open_before(self, points: Sequence[Point]) -> None:
        """Open what came before these points of their places: of one time the last value counts."""
        keys = {asset_key(point.tags) for point in points if point.measurement != "Alert"}
        places = frozenset(place_of(key) for key in keys if key is not None)
        self._open(self.waiting.pop(places), self.waiting)

    def _open(self, bodies: Sequence[Body], into: Waiting) -> None:
        for group in grouped(bodies):
            opened = list(series_of(group))
            self.see(opened, group)
            for series in opened:
                if series.key in self.assets:
                    into.enter(series, self.stale_after_s(series.key))

    def _bound(self) -> None:
        """Let the oldest go when the disk has taken nothing for long."""
        if self.waiting.values + self.going.values > 2 * self._most:
            gone = self.waiting.halve()
            for bodies in (self.going.bodies, gone):
                self._show(bodies)
