"""How much of its children's backlogs an edge takes a second: all of them at once must not flatten it."""

import threading
import time
from collections.abc import Callable

_BURST_S = 2.0  # a silent minute saves up no more than this much of the rate
_LEAST_WAIT_S, _MOST_WAIT_S = 1.0, 60.0


class Grants:
    """A bucket of bytes that fills at `bytes_per_s`; 0 grants everything.

    Only backlogs ask. Events and live readings are taken always, but use up what backlogs would have got.
    """

    def __init__(self, bytes_per_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_s
        self._most = bytes_per_s * _BURST_S
        self._room = self._most
        self._monotonic = monotonic
        self._at = monotonic()
        self._lock = threading.Lock()

    def ask(self, size: int, *, backlog: bool) -> float:
        """Return 0 when `size` bytes are granted, else the seconds after which to ask again."""
        if not self._rate:
            return 0.0
        with self._lock:
            now = self._monotonic()
            self._room = min(self._most, self._room + (now - self._at) * self._rate)
            self._at = now
            # A body larger than the whole bucket is taken when the bucket is full, and paid for afterwards.
            if backlog and self._room < min(size, self._most):
                wait = (min(size, self._most) - self._room) / self._rate
                return min(max(wait, _LEAST_WAIT_S), _MOST_WAIT_S)
            self._room -= size
            return 0.0
