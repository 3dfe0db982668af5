"""Because no test may sleep and hope: wait for a condition, with a deadline and a sentence."""

import time
from collections.abc import Callable
from typing import TypeVar

POLL_S = 0.02

T = TypeVar("T")


def until(condition: Callable[[], T], *, within_s: float = 10.0, what: str = "") -> T:
    """Return the condition's first true value; past the deadline raise TimeoutError with the last one."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            name = what or getattr(condition, "__name__", "the condition")
            raise TimeoutError(f"waited {within_s:g} s for {name}; the last value was {value!r}")
        time.sleep(POLL_S)
