"""History: what the page and the reading API know of the recent past."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice, starmap
from pathlib import Path
from typing import TypeVar

from edge_api.database import is_damage
from edge_api.history.disk import Disk, pack
from edge_api.history.now import DOUBTS, NOT_VALUES, AssetNow, asset_key
from edge_api.history.query import Piece, Row, buckets, merged, overlapping
from edge_api.history.replayed import Replayed
from edge_api.history.tail import Tail
from edge_api.point import Point
from edge_api.unread import newest, unread
from gateway.feed import Meta
from gateway.spool import EVENTS, READINGS, Spool
from sensors.sample import Value

log = logging.getLogger(__name__)

T = TypeVar("T")
Listener = Callable[[Sequence[Point]], None]

_NS_A_DAY = 86_400 * 1_000_000_000
LATE = "late"
"""Column of readings that came here later than `staleAfter`; kept for those only."""
_LATE_NS = 300 * 1_000_000_000  # where no meta has told what is stale: five times the usual minute
MOST_UNREAD = 250_000
"""So many points at most are read again at a start: ten minutes of a province's 20,700 assets."""
_UNREAD = 1 / 3  # of what memory holds: a commune's Pi is slower, and has less to read again
_MEMORY = 2**62  # stands for what is in memory among the chunks' ids, and comes after all of them


class AmbiguousAsset(LookupError):  # noqa: N818 - reads as the sentence it is
    """An asset's bare id is used in more than one place; its full key is needed."""


class TooManyRows(ValueError):  # noqa: N818 - reads as the sentence it is
    """A question has a longer answer than one may ask for; narrow it or give `every`."""


class History:
    """Latest values in memory, recent readings in memory and, in big pieces, on disk.

    Nothing here is the record: a disk that fails costs history, never the edge. All methods may be called
    from any thread.
    """

    def __init__(  # noqa: PLR0913 - a bound each
        self,
        path: Path,
        keep_days: float = 30.0,
        *,
        most_bytes: int = 256_000_000,
        most_assets: int = 50_000,
        memory_values: int = 300_000,
        flush_every_s: float = 600.0,
        busy_s: float = 5.0,
        monotonic: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] | None = None,
    ) -> None:
        self._wall_ns = wall_ns
        self._keep_ns = round(keep_days * _NS_A_DAY)
        self._most_bytes = most_bytes
        self._most_assets = most_assets
        self._memory_values = memory_values
        self._flush_every_s = flush_every_s
        self._monotonic = monotonic
        self._flushed_s = monotonic()
        self._lock = threading.Lock()
        self._disk_lock = threading.Lock()
        self._flush_lock = threading.Lock()
        self._assets: dict[str, AssetNow] = {}
        self._changed: set[str] = set()
        self._tails: dict[str, Tail] = {}
        self._going: dict[str, Tail] = {}  # on their way to the disk; nobody changes them
        self._values = 0
        self._listeners: tuple[Listener, ...] = ()
        self._read = self._settled = 0  # segments of the spool: the last one seen, the last one on disk
        self._settled_s = self._flushed_s
        self.passed_over = 0
        self._failing = ""
        self._disk: Disk | None = None
        try:
            self._disk = Disk(path, busy_s)
            self._assets = {asset.key: asset for asset in self._disk.load()}
            self._read = self._settled = self._disk.settled()
        except (sqlite3.Error, OSError) as error:
            log.error("history: %s cannot be used, recent readings stay in memory: %s", path, error)  # noqa: TRY400

    def add(self, points: Sequence[Point], segment: int | None = None) -> None:
        """Take in points that have just been committed. Points without an asset are passed over.

        `segment` is the last one of the spool of which all has then come here; calls come in its order.
        """
        now_ns = 0 if self._wall_ns is None else self._wall_ns()
        self._take(points, segment, lambda _: now_ns)

    def catch_up(self, spool: Spool, most: int = MOST_UNREAD) -> None:
        """Read from the spool what was committed and is not on disk here, the newest `most` points of it.

        And no more than a third of what memory holds. It is on disk then: the next start does not read it.
        Before any `add`. Listeners get it as if it came now. Raises sqlite3.Error when the spool fails.
        """
        settled = self._settled if self._settled <= spool.last_id else 0  # else it was of another spool
        most = min(most, round(self._memory_values * _UNREAD))
        after = newest(spool, settled, most)
        if after > settled:
            log.warning("history: above %d points of the spool are not here; the older are left out", most)
        came = Replayed(0 if self._wall_ns is None else self._wall_ns())
        last = spool.last_id  # it may grow: what is found damaged is said upward
        for segment, points in unread(spool, (EVENTS, READINGS), after, last):
            self._take(points, segment, came.at_ns)
            if self.due:
                self.flush()
        with self._lock:
            read, self._read = self._read, last
        if read > settled:
            self.flush()

    def _take(self, points: Sequence[Point], segment: int | None, came_ns: Callable[[Point], int]) -> None:
        with self._lock:
            self._read = self._read if segment is None else segment
            for point in points:
                asset = self._of(asset_key(point.tags), point.tags)
                if asset is None:
                    self.passed_over += 1
                elif point.measurement == "Alert":
                    asset.alarm(point)
                    self._changed.add(asset.key)
                else:
                    values = [pair for pair in point.fields.items() if pair[0] not in NOT_VALUES]
                    asset.see(point, values)
                    tail = self._tails.get(asset.key)
                    if tail is None:
                        tail = self._tails[asset.key] = Tail()
                    late = came_ns(point) - point.ts_ns > (
                        _LATE_NS if asset.stale_after_s is None else asset.stale_after_s * 1e9
                    )
                    if point.fields.get("q") != "good":
                        values += [pair for pair in point.fields.items() if pair[0] in DOUBTS]
                    if late:
                        values.append((LATE, True))
                    self._values += tail.add(point.ts_ns, values)
            if self._values > 2 * self._memory_values:
                self._values -= sum(tail.halve() for tail in self._tails.values())
        for listener in self._listeners:
            listener(points)

    def meta(self, province: str, commune: str, domain: str, meta: Meta) -> None:
        """Take in what a node says that one of its assets is."""
        tags = {"province": province, "commune": commune, "domain": domain, "asset": meta.id}
        with self._lock:
            asset = self._of(asset_key(tags), tags)
            if asset is not None:
                asset.describe(meta)
                self._changed.add(asset.key)

    def status(self, province: str, commune: str, domain: str, asset: str, word: str) -> None:
        """Take in an asset's status: online, offline or fault."""
        tags = {"province": province, "commune": commune, "domain": domain, "asset": asset}
        with self._lock:
            now = self._of(asset_key(tags), tags)
            if now is not None and now.status != word:
                now.status = word
                self._changed.add(now.key)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with all points that are added, in the writer's thread; return what ends it.

        A listener must be quick and must not raise.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return end

    def latest(self) -> list[AssetNow]:
        """Return all assets as they are now, sorted by key."""
        with self._lock:
            return [self._assets[key].copy() for key in sorted(self._assets)]

    def asset(self, name: str) -> AssetNow | None:
        """Return one asset by its key, or by its bare id; raise AmbiguousAsset when several have that id."""
        with self._lock:
            if name in self._assets:
                return self._assets[name].copy()
            found = [asset for asset in self._assets.values() if asset.id == name]
            if len(found) > 1:
                keys = ", ".join(sorted(asset.key for asset in found)[:5])
                raise AmbiguousAsset(f"{name!r} is the id of several assets: {keys}")
            return found[0].copy() if found else None

    def readings(
        self,
        key: str,
        field: str,
        start_ns: int,
        stop_ns: int,
        every_s: float | None = None,
        *,
        most: int = 50_000,
    ) -> list[Row]:
        """Return an asset's values with start <= time < stop, in the order of time, each time once.

        With `every_s` one row a bucket that has values. Raises TooManyRows above `most` rows.
        """
        values = chain.from_iterable(self._merged(key, field, start_ns, stop_ns))
        found = starmap(Row, values) if every_s is None else buckets(values, every_s)
        rows = list(islice(found, most + 1))
        if len(rows) > most:
            raise TooManyRows(f"more than {most} rows; ask for less time, or for means with `every`")
        return rows

    def columns(self, key: str, start_ns: int, stop_ns: int) -> dict[str, list[tuple[int, Value]]]:
        """Return all fields of an asset with start <= time < stop, sorted by time, each time once.

        With them come `q` and `qr` of readings that were not good, and LATE of those that came late.
        """
        # Memory is looked at before the disk, as in `readings`; the newest version comes last.
        with self._lock:
            newest = [tails[key].columns() for tails in (self._going, self._tails) if key in tails]
        nothing: list[dict[str, Piece]] = []
        versions = self._ask(lambda disk: disk.pieces(key, start_ns, stop_ns), nothing) + newest
        fields: dict[str, list[Piece]] = {}
        for version in versions:
            for name, piece in version.items():
                fields.setdefault(name, []).append(piece)
        return {name: merged(pieces, start_ns, stop_ns) for name, pieces in fields.items()}

    @property
    def due(self) -> bool:
        """Return whether the owner should flush: minutes have gone by, or much waits in memory."""
        late = self._monotonic() - self._flushed_s >= self._flush_every_s
        return late or self._values >= self._memory_values

    @property
    def read(self) -> int:
        """Return the last segment of the spool of which all has come here."""
        return self._read

    @property
    def unsettled(self) -> tuple[int, int] | None:
        """Return the first and last segment of the spool that are here in memory only, None without any.

        None too while the disk fails: the spool is a promise, and does not wait for a copy.
        """
        with self._lock:
            waits = self._disk is not None and not self._failing and self._read > self._settled
            fails = self._monotonic() - self._settled_s > 2 * self._flush_every_s
            return (self._settled + 1, self._read) if waits and not fails else None

    def flush(self) -> None:
        """Write what waits to disk and prune, each asset by its own newest time.

        A disk that fails is logged: readings then stay in memory as long as there is room.
        """
        with self._flush_lock:
            self._flushed_s = self._monotonic()
            with self._lock:
                if self._disk is None:
                    return
                going, read = dict(self._tails), self._read
                keys = self._changed | going.keys()
                states = [self._assets[key].copy() for key in keys]
                horizons = [(key, self._assets[key].ts_ns - self._keep_ns) for key in going]
                self._going = going
                self._tails = {}
                self._changed = set()
            chunks = [(k, t.first_ns, t.last_ns, t.count, pack(t.columns())) for k, t in going.items()]
            written = self._ask(lambda disk: disk.write(chunks, states, read), failed=False)
            with self._lock:
                if not written:
                    self._take_back(going)
                    self._changed |= keys
                else:
                    self._values -= sum(tail.values for tail in going.values())
                    self._settled, self._settled_s = read, self._monotonic()
                self._going = {}
            if written:
                self._ask(lambda disk: disk.prune(horizons, self._most_bytes), None)

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        with self._disk_lock:
            if self._disk is not None:
                self._disk.close()

    def _of(self, key: str | None, tags: Mapping[str, str]) -> AssetNow | None:
        if key is None:
            return None
        asset = self._assets.get(key)
        if asset is None and len(self._assets) < self._most_assets:
            asset = self._assets[key] = AssetNow(
                key=key,
                province=tags.get("province", ""),
                commune=tags.get("commune", ""),
                domain=tags.get("domain", ""),
                id=tags["asset"],
            )
        return asset

    def _merged(self, key: str, field: str, start_ns: int, stop_ns: int) -> Iterator[list[tuple[int, Value]]]:
        # Memory is looked at before the disk: what moves meanwhile is then seen twice, never not at all.
        pieces: dict[int, Piece] = {}
        spans: list[tuple[int, int, int]] = []
        with self._lock:
            for ident, tails in enumerate((self._going, self._tails), _MEMORY):
                tail = tails.get(key)
                if tail is not None:
                    pieces[ident] = tail.column(field)
                    spans.append((ident, tail.first_ns, tail.last_ns))
        spans += self._ask(lambda disk: disk.spans(key, start_ns, stop_ns), [])
        for group in overlapping(spans):
            yield merged(
                (pieces[ident] if ident >= _MEMORY else self._piece(ident, field) for ident in group),
                start_ns,
                stop_ns,
            )

    def _piece(self, ident: int, field: str) -> Piece:
        nothing: Piece = ([], [])
        return self._ask(lambda disk: disk.piece(ident, field), nothing)

    def _take_back(self, going: dict[str, Tail]) -> None:
        for key, tail in going.items():
            newer = self._tails.get(key)
            if newer is not None:
                tail.absorb(newer)
            self._tails[key] = tail

    def _ask(self, question: Callable[[Disk], T], failed: T) -> T:
        """Ask the disk; a file that is broken is set aside, any other failure is logged once."""
        with self._disk_lock:
            disk = self._disk
            if disk is None:
                return failed
            try:
                answer = question(disk)
            except sqlite3.Error as error:
                self._failed(disk, error)
                return failed
            if self._failing:
                log.info("history: the disk takes readings again")
                self._failing = ""
            return answer

    def _failed(self, disk: Disk, error: sqlite3.Error) -> None:
        try:
            if is_damage(error):
                disk.set_aside()
                return
        except (sqlite3.Error, OSError) as second:
            log.error("history: no new file can be begun, readings stay in memory: %s", second)  # noqa: TRY400
            self._disk = None
            return
        if str(error) != self._failing:
            self._failing = str(error)
            log.warning("history: the disk fails, readings stay in memory meanwhile: %s", error)
