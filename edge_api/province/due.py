"""Which days of which assets are to be counted anew: since when, and from which of their moments on."""

import threading
from collections.abc import Callable, Iterable

Due = tuple[str, int]
"""An asset's key and a day."""


class Dues:
    """What waits to be counted. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._waits: dict[Due, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waits)

    def add(self, due: Due, at_s: float, from_ns: int = 0) -> None:
        """Note that a day changes from a moment on; it waits since the first time that this was said."""
        with self._lock:
            found = self._waits.get(due)
            if found is None:
                self._waits[due] = (at_s, from_ns)
            elif from_ns < found[1]:
                self._waits[due] = (found[0], from_ns)

    def ready(self, rests: Callable[[Due, float], bool] | None = None) -> list[Due]:
        """Return what does not rest, all where nothing may; days of one asset in order of time.

        Each day begins where the one before ended. `rests` is asked with the time since which a day waits.
        """
        with self._lock:
            waits = list(self._waits.items())
        return sorted(due for due, (since_s, _) in waits if rests is None or not rests(due, since_s))

    def take(self, dues: Iterable[Due]) -> dict[Due, int]:
        """Take days out, each with the moment from which on it has changed."""
        with self._lock:
            return {due: self._waits.pop(due)[1] for due in dues if due in self._waits}

    def before(self, day: int) -> set[Due]:
        """Return those of days that are over."""
        with self._lock:
            return {due for due in self._waits if due[1] < day}
