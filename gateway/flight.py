"""Knows which messages the broker has not acknowledged yet, and which segments it has wholly acknowledged."""

import logging
import threading
from collections.abc import Callable

from gateway.spool.segment import Head

log = logging.getLogger(__name__)


class Flight:
    """What went out on the present connection. A message belongs to a segment, or to the retained side."""

    def __init__(self, wake: threading.Condition, current: Callable[[int], bool]) -> None:
        """Wake whoever waits on `wake`; `current` says whether a number is of the present connection."""
        self._wake = wake
        self._current = current
        self._out: dict[int, Head | None] = {}
        self._early: dict[int, str | None] = {}
        self._left: dict[int, int] = {}  # of segments by id: messages not acknowledged yet
        self._refusals: dict[bool, str | None] = {}

    def __len__(self) -> int:
        return len(self._out)

    @property
    def error(self) -> str | None:
        """Why the broker refuses what we publish now; None when it does not."""
        return next((why for why in self._refusals.values() if why), None)

    def expect(self, head: Head, messages: int) -> None:
        """A segment's messages follow."""
        with self._wake:
            self._left[head.id] = messages

    def sent(self, number: int, head: Head | None) -> Head | None:
        """Note a message; return its segment if it is complete, for the PUBACK may have overtaken us."""
        with self._wake:
            if not self._current(number):
                return None
            if number not in self._early:
                self._out[number] = head
                return None
            return self._count(head, self._early.pop(number))

    def acked(self, number: int, error: str | None) -> Head | None:
        """Take a PUBACK; return the segment that is complete by it."""
        with self._wake:
            if number not in self._out:
                self._early[number] = error  # publish() has not told us the number yet
                return None
            found = self._count(self._out.pop(number), error)
            self._wake.notify_all()
            return found

    def clear(self) -> None:
        """The connection is gone: no acknowledgement will come any more."""
        with self._wake:
            self._out.clear()
            self._early.clear()
            self._left.clear()
            self._wake.notify_all()

    def _count(self, head: Head | None, error: str | None) -> Head | None:
        kind = head is None  # readings may be refused while retained messages are not: each is said once
        if error is not None and error != self._refusals.get(kind):
            log.error("the broker refuses what we publish: %s; check its ACL and our login", error)
        elif error is None and self._refusals.get(kind):
            log.info("the broker takes what we publish again")
        self._refusals[kind] = error
        if head is None or head.id not in self._left:
            return None
        if error is not None:
            del self._left[head.id]  # it will have to be sent again, as a whole
            return None
        self._left[head.id] -= 1
        if self._left[head.id]:
            return None
        del self._left[head.id]
        return head
