"""Which assets exist: learned from meta and readings, kept for good, so that a silence is known as one."""

import threading
from collections.abc import Iterable

from msgspec.structs import replace

from edge_api.history import AssetNow
from edge_api.province.assetday import Asset


class Registry:
    """All assets ever heard of. Methods may be called from any thread."""

    def __init__(self, known: Iterable[Asset]) -> None:
        self._assets = {each.key: each for each in known}
        self._changed: set[str] = set()
        self._heard: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def heard(self, key: str, ts_ns: int) -> None:
        """Note the time of a reading; called for each one, so it only remembers the first and the last."""
        with self._lock:
            span = self._heard.get(key)
            self._heard[key] = (ts_ns, ts_ns) if span is None else (min(span[0], ts_ns), max(span[1], ts_ns))

    @property
    def strangers(self) -> bool:
        """Whether something has been heard of that is not in the registry yet."""
        return not self._heard.keys() <= self._assets.keys()

    def learn(self, known: Iterable[AssetNow]) -> list[tuple[str, int, int]]:
        """Take in what history knows of assets by now, and the times noted since.

        Return the assets that have been in service for longer than was known: key, from when to when (ns).
        """
        earlier = []
        with self._lock:
            heard, self._heard = self._heard, {}
            for now in known:
                if not now.ts_ns:
                    continue  # announced, and has never said anything: in service from its first reading on
                first, last = heard.get(now.key, (now.ts_ns, now.ts_ns))
                old = self._assets.get(now.key)
                new = Asset(
                    key=now.key,
                    type=now.type,
                    name=now.name or (old.name if old else ""),
                    gw=now.gw or "",
                    interval_s=now.interval_s or (old.interval_s if old else None),
                    stale_s=now.stale_after_s or (old.stale_s if old else None),
                    since_ns=min(first, old.since_ns) if old else first,
                    last_ns=max(last, old.last_ns) if old else last,
                    lat=now.lat,
                    lon=now.lon,
                )
                if old is None or new != replace(old, last_ns=new.last_ns):
                    self._changed.add(now.key)
                if old is not None and new.since_ns < old.since_ns:
                    earlier.append((now.key, new.since_ns, old.since_ns))
                self._assets[now.key] = new
        return earlier

    def changed(self) -> list[Asset]:
        """Return, once, the assets that are new or have changed."""
        with self._lock:
            keys, self._changed = self._changed, set()
            return [self._assets[key] for key in sorted(keys)]

    def all(self) -> list[Asset]:
        """Return all assets by key."""
        with self._lock:
            return [self._assets[key] for key in sorted(self._assets)]

    def one(self, key: str) -> Asset | None:
        """Return an asset, None when it has never been heard of."""
        return self._assets.get(key)


def silent_s(asset: Asset, now_ns: int) -> float | None:
    """Return for how long an asset has been silent; None while its last reading still counts."""
    silence_ns = now_ns - asset.last_ns
    return silence_ns / 1e9 if silence_ns > asset.stale_ns else None
