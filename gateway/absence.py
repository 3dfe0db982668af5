"""Tells of the time in which a node took no readings: no number is missing, so nobody else would know."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gateway.feed import from_ns
from gateway.spool import Gap, Spool, Stream

if TYPE_CHECKING:
    from gateway.timeline import Timeline  # it knows the journal, which makes one of these

log = logging.getLogger(__name__)

POWER = "power"
"""Reason of a gap in time: the machine was off, or starting."""
STOPPED = "stopped"
"""Reason of a gap in time: the machine was on, but the node did not run."""

_SHORTEST_S = 300.0  # the usual time between two readings: a shorter stop of the program cost none or one
_NOTE = "away"


class Absence:
    """What this start must tell of the time before it: from the last dated reading to the first one.

    It lies between those two, and was never longer. It waits on disk until a reading can be dated, also over
    boots in which the clock was never set; what those took lies within it, with times of its own.
    """

    def __init__(self, spool: Spool, timeline: "Timeline", boot_id: str) -> None:
        self._timeline = timeline
        reason, _, after = spool.note(_NOTE).partition(" ")
        if timeline.ended is not None and timeline.ended[1]:
            boot, ended_ns = timeline.ended
            if boot != boot_id:
                reason = POWER
            after = after or str(ended_ns)
            reason = reason or STOPPED
            if spool.note(_NOTE) != f"{reason} {after}":
                spool.note_if_room({_NOTE: f"{reason} {after}"})
        self._reason, self._after_ns = reason, int(after or "0")

    def gaps(self, stream: Stream, first_ns: int) -> list[Gap]:
        """Return what has to be told with a commit whose first dated reading is of `first_ns`."""
        before_ns = self._timeline.began_ns or first_ns
        if not self._reason or before_ns <= self._after_ns:
            return []
        if self._reason == STOPPED and before_ns - self._after_ns < _SHORTEST_S * 1e9:
            return []
        return [Gap.of_time(stream, self._reason, self._after_ns, before_ns)]

    def notes(self) -> Mapping[str, str]:
        """Return what to write down with the first commit of dated readings."""
        return {_NOTE: ""} if self._reason else {}

    def told(self, gaps: Sequence[Gap]) -> None:
        """The commit is on disk."""
        for gap in gaps:
            after, before = from_ns(gap.after_ns or 0), from_ns(gap.before_ns or 0)
            log.warning("no readings between %s and %s (%s)", after, before, gap.reason)
        self._reason = ""
