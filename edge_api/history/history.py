"""History: what the page and the reading API know of the recent past."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from edge_api.history.bodies import Body
from edge_api.history.memory import Memory
from edge_api.history.newest import Newest
from edge_api.history.now import AssetNow
from edge_api.history.past import Past
from edge_api.history.replayed import Replayed
from edge_api.history.rows import Rows
from edge_api.history.safe import SafeDisk
from edge_api.history.waiting import Waiting
from edge_api.lineprotocol import FeedLines
from edge_api.point import Point
from edge_api.unread import newest, unread
from gateway.feed import Meta
from gateway.spool import EVENTS, READINGS, Spool

log = logging.getLogger(__name__)

Listener = Callable[[Sequence[Point]], None]
Packed = tuple[Sequence[Point], bytes]
"""The points of a body, and that body as it was committed: gzip of its lines."""

_NS_A_DAY = 86_400 * 1_000_000_000
MOST_UNREAD = 250_000
"""So many points at most are read again at a start: ten minutes of a province's 20,700 assets."""
_UNREAD = 1 / 3  # of what memory holds: a commune's Pi is slower, and has less to read again
_SLASHES = 3  # in the key of an asset


class AmbiguousAsset(LookupError):  # noqa: N818 - reads as the sentence it is
    """An asset's bare id is used in more than one place; its full key is needed."""


class History(Past):
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
        self._memory_values = memory_values
        self._flush_every_s = flush_every_s
        self._monotonic = monotonic
        self._flushed_s = monotonic()
        self._lock = threading.Lock()
        self._disk_lock = threading.Lock()
        self._flush_lock = threading.Lock()
        self.filled: Callable[[], None] = lambda: None
        """Called by who adds when so much waits in memory that the owner should flush at once."""
        self._listeners: tuple[Listener, ...] = ()
        self._everyone: tuple[Listener, ...] = ()  # with those who wait for alerts only
        self._disk = SafeDisk(path, busy_s)
        nobody: list[AssetNow] = []
        newest_lines = Newest()
        known = self._disk.ask(lambda disk: disk.load(newest_lines), nobody)
        self._memory = Memory(known, newest_lines, most_assets, memory_values)
        # Segments of the spool: the last one seen, the last one on disk.
        self._read = self._settled = self._disk.ask(lambda disk: disk.settled(), 0)
        self._settled_s = self._flushed_s

    @property
    def passed_over(self) -> int:
        """Return how many points without an asset came, or of one too many."""
        with self._lock:
            self._memory.look()
            return self._memory.passed_over

    def add(self, points: Sequence[Point], segment: int | None = None, bodies: Sequence[Packed] = ()) -> None:
        """Take in what has just been committed: bodies, and then points. What has no asset is passed over.

        `segment` is the last one of the spool of which all has then come here; calls come in its order.
        Bodies of our own edges' lines are opened when somebody asks, or when they go to disk.
        """
        now_ns = self._now_ns()
        with self._lock:
            self._read = self._read if segment is None else segment
            for its_points, packed in bodies:
                if isinstance(its_points, FeedLines):
                    self._memory.keep(Body(its_points, packed, now_ns))
                else:
                    self._memory.take(its_points, lambda _: now_ns)
            self._memory.take(points, lambda _: now_ns)
        for its_points, _ in bodies:
            self._tell(its_points)
        if points or not bodies:
            self._tell(points)
        if self._memory.full and self._disk.works:
            self.filled()

    def unopened(self, places: Iterable[tuple[str, str]]) -> bool:
        """Whether bodies of one of these communes (province and code) wait in memory as they came."""
        with self._lock:
            return self._memory.waiting.holds({f"{province}/{commune}" for province, commune in places})

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
        came = Replayed(self._now_ns())
        last = spool.last_id  # it may grow: what is found damaged is said upward
        for segment, points, body in unread(spool, (EVENTS, READINGS), after, last):
            at_ns = came.body_at_ns(points) if isinstance(points, FeedLines) else None
            with self._lock:
                self._read = segment
                if isinstance(points, FeedLines) and at_ns is not None:
                    self._memory.keep(Body(points, body, at_ns))
                else:
                    self._memory.take(points, came.at_ns)
            self._tell(points)
            if self.due:
                self.flush()
        with self._lock:
            read, self._read = self._read, last
        if read > settled:
            self.flush()

    def _tell(self, points: Sequence[Point]) -> None:
        for listener in self._listeners if isinstance(points, FeedLines) else self._everyone:
            listener(points)

    def meta(self, province: str, commune: str, domain: str, meta: Meta) -> None:
        """Take in what a node says that one of its assets is."""
        tags = {"province": province, "commune": commune, "domain": domain, "asset": meta.id}
        with self._lock:
            asset = self._memory.of(tags)
            if asset is not None:
                asset.describe(meta)
                self._memory.changed.add(asset.key)

    def status(self, province: str, commune: str, domain: str, asset: str, word: str) -> None:
        """Take in an asset's status: online, offline or fault."""
        tags = {"province": province, "commune": commune, "domain": domain, "asset": asset}
        with self._lock:
            now = self._memory.of(tags)
            if now is not None and now.status != word:
                now.status = word
                self._memory.changed.add(now.key)

    def listen(self, listener: Listener, *, alerts: bool = False) -> Callable[[], None]:
        """Call `listener` with all points that are added, in the writer's thread; return what ends it.

        With `alerts` not with bodies that hold readings only. A listener must be quick and must not raise.
        """
        with self._lock:
            self._everyone = (*self._everyone, listener)
            if not alerts:
                self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._lock:
                self._everyone = tuple(each for each in self._everyone if each is not listener)
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return end

    def latest(self) -> list[AssetNow]:
        """Return all assets as they are now, sorted by key."""
        with self._lock:
            self._memory.look()
            return [asset.copy() for _, asset in sorted(self._memory.assets.items())]

    def asset(self, name: str) -> AssetNow | None:
        """Return one asset by its key, or by its bare id; raise AmbiguousAsset when several have that id."""
        with self._lock:
            self._memory.look(name if name.count("/") == _SLASHES else None)
            assets = self._memory.assets
            if name in assets:
                return assets[name].copy()
            found = [asset for asset in assets.values() if asset.id == name]
            if len(found) > 1:
                keys = ", ".join(sorted(asset.key for asset in found)[:5])
                raise AmbiguousAsset(f"{name!r} is the id of several assets: {keys}")
            return found[0].copy() if found else None

    @property
    def due(self) -> bool:
        """Return whether the owner should flush: minutes have gone by, or much waits in memory."""
        late = self._monotonic() - self._flushed_s >= self._flush_every_s
        return late or self._memory.full

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
            waits = self._disk.works and self._read > self._settled
            fails = self._monotonic() - self._settled_s > 2 * self._flush_every_s
            return (self._settled + 1, self._read) if waits and not fails else None

    def flush(self) -> None:
        """Write what waits to disk and prune, each asset by its own newest time.

        A disk that fails is logged: readings then stay in memory as long as there is room.
        """
        with self._flush_lock:
            self._flushed_s = self._monotonic()
            with self._lock:
                if self._disk.disk is None:
                    return
                memory = self._memory
                memory.going, memory.waiting, read = memory.waiting, Waiting(), self._read
            rows = Rows(memory, self._lock)
            written = self._disk.ask(lambda disk: disk.write(rows.chunks, rows.states, read), failed=False)
            with self._lock:
                if written:
                    self._settled, self._settled_s = read, self._monotonic()
                else:
                    memory.take_back()
                    rows.take_back()
                memory.going = Waiting()
            if written:
                horizon_of = rows.horizons(self._keep_ns)
                self._disk.ask(lambda disk: disk.prune(horizon_of, self._most_bytes), None)

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        self._disk.close()

    def _now_ns(self) -> int:
        return 0 if self._wall_ns is None else self._wall_ns()
