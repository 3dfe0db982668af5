"""How much one caller may ask: a bucket that fills slowly for each, and forgets who has long been quiet."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Annotated

import msgspec

from sensors.settings import Bytes, Settings

__all__ = ["Limiter", "Limits"]

_MOST_CALLERS = 10_000  # some 2 MB; past it the fullest buckets, which nobody misses, are forgotten


_Rate = Annotated[float, msgspec.Meta(ge=0)]


class Limits(Settings, frozen=True):
    """Table [limits]: what one caller may ask of this edge; 0 is no limit.

    `requests` a second and caller (a token, or an address without one), `wrong_tokens` a minute and address,
    `streams` at once and address; `mqtt_body` is the largest MQTT message, `mqtt_rate` how many of one node
    a second: what is above is left to the node, which sends it again when custody does not come.
    """

    requests: _Rate = 100.0
    wrong_tokens: _Rate = 10.0
    streams: Annotated[int, msgspec.Meta(ge=0)] = 8
    mqtt_body: Bytes = Bytes(65_536)
    mqtt_rate: _Rate = 0.0


class Limiter:
    """Token buckets by key. `rate` is what flows in a second, `burst` what a bucket holds; 0 is no limit.

    May be called from any thread.
    """

    def __init__(self, rate: float, burst: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._monotonic = monotonic
        self._buckets: dict[Hashable, tuple[float, float]] = {}  # what is left, and when
        self._lock = threading.Lock()

    def wait_s(self, key: Hashable) -> float:
        """Take one from the key's bucket and return 0, or the seconds until there is one."""
        if self._rate <= 0:
            return 0.0
        with self._lock:
            now = self._monotonic()
            left = self._left(key, now)
            if left < 1.0:
                return (1.0 - left) / self._rate
            self._buckets[key] = (left - 1.0, now)
            if len(self._buckets) > _MOST_CALLERS:
                self._forget(now)
        return 0.0

    def blocked_s(self, key: Hashable) -> float:
        """Return how long the key's bucket stays empty, without taking anything; 0 when it is not."""
        if self._rate <= 0:
            return 0.0
        with self._lock:
            left = self._left(key, self._monotonic())
        return (1.0 - left) / self._rate if left < 1.0 else 0.0

    def _left(self, key: Hashable, now: float) -> float:
        left, at = self._buckets.get(key, (self._burst, now))
        return min(left + (now - at) * self._rate, self._burst)

    def _forget(self, now: float) -> None:
        """Keep the half of the callers that asked most."""
        ranked = sorted(self._buckets, key=lambda key: self._left(key, now))
        self._buckets = {key: self._buckets[key] for key in ranked[: _MOST_CALLERS // 2]}
