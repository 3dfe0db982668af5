"""A writer asks before it writes whether there is room for readings, and whether some can be made."""

import logging
import sqlite3

from gateway.spool.quota import Fullness, Quota
from gateway.spool.thinning import Thinner

log = logging.getLogger(__name__)

_PROBLEMS = {
    Fullness.QUOTA: "the spool is full: senders keep what they have",
    Fullness.DISK: "the disk is full: senders keep what they have",
}
_STEPS = 20  # one commit must not wait for long; the next one goes on


class Room:
    """A quota, and at a leaf what makes room. Without a thinner a full spool takes events only."""

    def __init__(self, quota: Quota, thinner: Thinner | None = None) -> None:
        self.quota = quota
        self.thinner = thinner

    @property
    def thinned(self) -> int:
        """Return how many readings were given up here, since the spool began."""
        return self.thinner.thinned if self.thinner else 0

    @property
    def state(self) -> Fullness:
        """Return whether a writer would find room for readings, as last seen."""
        if self.thinner is not None and not self.quota.over:
            return Fullness.ROOM
        return self.quota.state

    @property
    def problem(self) -> str | None:
        """Return in words what keeps readings out, as last seen; None when nothing does."""
        return _PROBLEMS.get(self.state)

    def refusal(self, *, event: bool) -> Fullness | None:
        """Return what keeps a reading, or an event, out, as last seen; None when nothing does."""
        state = self.state
        return None if state is Fullness.ROOM or (event and self.quota.events_fit) else state

    def make(self) -> bool:
        """Return whether readings may be written now, after giving up old ones where that is the rule.

        Raises OSError or sqlite3.Error for any failure but a full disk.
        """
        try:
            self.quota.look()
            if self.thinner is None:
                return not self.quota.full
            for _ in range(_STEPS):
                if not self.quota.full or not self.thinner.step():
                    break
                self.quota.look()
        except (sqlite3.Error, OSError) as error:
            if not self.quota.gave_out(error):
                raise
            return False
        return not self.quota.over
