"""How much a relay sends at once and how long it waits: the line and the upstream set the pace, not we."""

import random
import time
from collections.abc import Callable

from edge_api.upstream import Action, UpstreamError

BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 10.0  # no more: the newest values must be seen within seconds of the link's return
HOLD_S = 15.0
PROBE_BYTES = 16_000  # what is risked on an upstream that has just failed
_LEAST_BYTES = 4_000
_AIM_S = 3.0  # how long one request should take: short enough that a new alarm need not wait behind it


class Pace:
    """The size of the next request, and the pause after the last one."""

    def __init__(
        self, max_bytes: int, backlog_rate: float = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = max_bytes
        self._backlog_rate = backlog_rate
        self._backlog_at = 0.0
        self._monotonic = monotonic
        self._backoff_s = BACKOFF_FIRST_S
        self.bytes = min(PROBE_BYTES, max_bytes)

    def backlog_may_go(self) -> bool:
        """Whether neither our own rate nor the upstream asks the backlog to wait."""
        return self._monotonic() >= self._backlog_at

    def hold_backlog(self, error: UpstreamError) -> None:
        """The upstream wants no backlog for a while."""
        wait_s = max(error.retry_after_s or BACKOFF_FIRST_S, BACKOFF_FIRST_S)
        self._backlog_at = self._monotonic() + wait_s * random.uniform(1.0, 1.1)  # noqa: S311

    def sent(self, size: int, took_s: float, *, backlog: bool = False) -> None:
        """Choose the next request's size so that it takes about `_AIM_S` on this line."""
        if backlog and self._backlog_rate:
            self._backlog_at = max(self._backlog_at, self._monotonic() - took_s) + size / self._backlog_rate
        if size >= self.bytes // 2 or took_s > _AIM_S:
            fitting = int(size / max(took_s, 0.001) * _AIM_S)
            self.bytes = min(max(_LEAST_BYTES, min(fitting, self.bytes * 4)), self._most)

    def too_large(self, size: int) -> None:
        """What the upstream takes at once is learned, not tried anew with each request."""
        self._most = max(min(self._most, size // 2), min(_LEAST_BYTES, self._most))
        self.bytes = min(self.bytes, self._most)

    def singly(self) -> None:
        """Send one segment at a time for now."""
        self.bytes = 1

    def answered(self) -> None:
        """The upstream is there."""
        self._backoff_s = BACKOFF_FIRST_S

    def pause_s(self, error: UpstreamError) -> float:
        """Return how long to leave the upstream alone, and begin again with little."""
        self.bytes = min(PROBE_BYTES, self._most)
        if error.retry_after_s is not None:
            # Never earlier than it asks for, and not all its children at the same moment.
            return max(error.retry_after_s, BACKOFF_FIRST_S) * random.uniform(1.0, 1.1)  # noqa: S311
        if error.action is Action.HOLD:
            return HOLD_S * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, hides nothing
        return self.backoff_s()

    def backoff_s(self) -> float:
        """Return the next pause of a growing row, with jitter: communes come back together."""
        pause = self._backoff_s * random.uniform(0.5, 1.0)  # noqa: S311
        self._backoff_s = min(self._backoff_s * 2, BACKOFF_MOST_S)
        return pause
