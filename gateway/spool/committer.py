"""Adaptive group commit: one thread writes whatever has arrived as soon as the last write is done."""

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_SILENCE = 2  # times the lingering
_RETRY_FIRST_S = 0.5
_RETRY_MOST_S = 10.0


class Committer(Generic[T]):
    """Feeds `commit` with groups of items, in the order they came.

    `commit` returns when the group is on disk. When it raises, `refuse` may take
    items back (a client that waits for an answer), also of those that came meanwhile; what it leaves is
    tried again, for ever, in order.
    With `linger_s` a group waits that long for company, but never once `full` items wait: then the sender's
    window may be closed, and it is waiting for us; nor once something `urgent` has come. What comes after a
    silence twice as long waits only for what `put` said would follow, or until nothing has come for
    `settle_s`: where there is little to do, nobody else would join it.
    """

    def __init__(
        self,
        commit: Callable[[list[T]], None],
        refuse: Callable[[list[T], Exception], list[T]] | None = None,
        *,
        linger_s: float = 0.0,
        settle_s: float = 0.0,
        full: int = 1,
        most: int = 10_000,
        urgent: Callable[[T], bool] = lambda _: False,
        name: str = "commit",
    ) -> None:
        self._urgent = urgent
        self._hurry = False
        self._commit = commit
        self._refuse = refuse
        self._linger_s = linger_s
        self._settle_s = settle_s
        self._more = self._gathering = False
        self._full = full
        self._most = most
        self._items: list[T] = []
        self._writing = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._began: float | None = None  # when the write began that has not ended yet
        self.failing: str | None = None

    def start(self) -> None:
        """Start the writer thread."""
        self._thread.start()

    def put(self, *items: T, more: bool = False) -> None:
        """Hand over items, which go into one commit as a rule; raise RuntimeError after `stop`.

        `more` says that others are about to follow.
        """
        with self._wake:
            if self._stopping:
                raise RuntimeError("the spool is closing")
            before = len(self._items)
            self._items += items
            self._more = more
            self._hurry = self._hurry or (self._linger_s > 0 and any(map(self._urgent, items)))
            if not before or self._hurry or self._gathering or before < self._full <= len(self._items):
                self._wake.notify()

    @property
    def depth(self) -> int:
        """Return how many items wait to be committed, or are being committed."""
        with self._wake:  # else an item could be seen in neither place, on its way from one to the other
            return len(self._items) + self._writing

    def alive(self, limit_s: float = 60.0) -> bool:
        """Whether the writer runs, and no single write has taken longer than `limit_s`."""
        began = self._began
        return self._thread.is_alive() and (began is None or time.monotonic() - began < limit_s)

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Commit what has arrived, then stop; False when that did not work in time."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self._items

    def _run(self) -> None:
        ended = -math.inf  # when the last write did
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._items or self._stopping)
                if time.monotonic() - ended <= _SILENCE * self._linger_s:
                    self._wake.wait_for(self._goes, self._linger_s)
                else:
                    self._gather()
                if not self._items:
                    return
                group, self._items = self._items[: self._most], self._items[self._most :]
                self._hurry = self._hurry and bool(self._items)
                self._writing = len(group)
            written = self._write(group)
            self._writing = 0
            ended = time.monotonic()
            if not written:
                return

    def _goes(self) -> bool:
        return len(self._items) >= self._full or self._hurry or self._stopping

    def _gather(self) -> None:
        """Wait for what comes together with the first of it, and for nobody else."""
        until = time.monotonic() + self._linger_s
        self._gathering = True
        while not self._goes() and (left_s := until - time.monotonic()) > 0:
            seen = len(self._items)
            wait_s = left_s if self._more else min(self._settle_s, left_s)
            if not self._wake.wait_for(partial(self._grown, seen), wait_s):
                break
        self._gathering = False

    def _grown(self, seen: int) -> bool:
        return len(self._items) > seen or self._goes()

    def _write(self, group: list[T]) -> bool:
        """Write a group until it is on disk; False when stopped before."""
        pause = _RETRY_FIRST_S
        while group:
            try:
                self._began = time.monotonic()
                try:
                    self._commit(group)
                finally:
                    self._began = None
            except Exception as error:
                if self.failing is None:
                    log.exception("cannot commit %d items; kept, and tried again", len(group))
                self.failing = str(error)
                group = self._refuse(group, error) if self._refuse else group
                with self._wake:
                    if self._refuse:
                        self._items = self._refuse(
                            self._items, error
                        )  # nobody waits in vain behind the group
                    if self._stopping or self._wake.wait_for(lambda: self._stopping, pause):
                        self._items = group + self._items
                        return False
                pause = min(pause * 2, _RETRY_MOST_S)
            else:
                if self.failing is not None:
                    log.warning("commits work again")
                self.failing = None
                return True
        return True
