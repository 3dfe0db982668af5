"""How a backlog drains: how much it was at its worst, how fast it shrinks, and when it should be gone."""

import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec

from edge_api.api.view import Drain, UpstreamStatus

__all__ = ["Drains", "Ebb"]

_LEAST_POINTS = 200  # below that nothing drains: it is what is on its way
_APART_S = 1.0
_SAMPLES = 40
_LEAST_SPAN_S = 3.0  # before that no speed is told


class Drains:
    """Looks at what waits for each upstream whenever it is asked. May be used from any thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._most: dict[str, int] = {}
        self._seen: dict[str, deque[tuple[float, int]]] = {}
        self._lock = threading.Lock()

    def look(self, status: UpstreamStatus) -> UpstreamStatus:
        """Return a status with its drain; None while nothing is to be drained."""
        lanes = status.lanes
        waiting = lanes.events.points + lanes.live.points + lanes.backlog.points
        now_s = self._monotonic()
        with self._lock:
            seen = self._seen.setdefault(status.name, deque(maxlen=_SAMPLES))
            if waiting < _LEAST_POINTS:
                self._most.pop(status.name, None)
                seen.clear()
                return status
            most = self._most[status.name] = max(self._most.get(status.name, 0), waiting)
            if seen and waiting > seen[-1][1]:
                seen.clear()  # it grows: what it did before tells nothing of how it will shrink
            if not seen or now_s - seen[-1][0] >= _APART_S:
                seen.append((now_s, waiting))
            since_s, from_points = seen[0]
        took_s, gone = now_s - since_s, from_points - waiting
        speed = gone / took_s if took_s >= _LEAST_SPAN_S and gone > 0 else None
        drain = Drain(
            most=most,
            waiting=waiting,
            points_per_s=speed,
            seconds_left=waiting / speed if speed else None,
        )
        return msgspec.structs.replace(status, drain=drain)


class Ebb:
    """Tells at each look whether what waits for an upstream will be gone soon, for one thread."""

    def __init__(self, looks: int) -> None:
        """Soon is within so many looks at the speed since the last; who is slower has as many to mend."""
        self._looks = looks
        self._delivered: dict[str, int] = {}
        self._slow: dict[str, int] = {}

    def soon(self, upstream: str, delivered: int, waiting: int) -> bool:
        """Look: so many readings have been delivered in all, so many wait. If none goes, none goes soon."""
        since = delivered - self._delivered.get(upstream, 0)
        self._delivered[upstream] = delivered
        self._slow[upstream] = self._slow.get(upstream, 0) + 1 if waiting > self._looks * since else 0
        return (since > 0 or not waiting) and self._slow[upstream] <= self._looks
