"""Dates what was stored undated: exactly once the clock was set, else by bounds, marked so and in order."""

import logging

import msgspec

from gateway.feed import Event, Reading, decode_event, decode_reading, encode, from_ns
from gateway.journal import UNDATED, Record, doubt
from gateway.spool import Spool
from gateway.spool.segment import Head
from gateway.timeline import MS, Offset, Timeline
from gateway.unsendable import mono_times
from sensors.io import Clock

log = logging.getLogger(__name__)


class Dating:
    """Knows each boot's offset; once learned it is kept, so that a second sending dates the same."""

    def __init__(self, spool: Spool, clock: Clock, timeline: Timeline) -> None:
        self.spool = spool
        self.clock = clock
        self._timeline = timeline
        self._offsets: dict[str, Offset] = {}
        for key, value in spool.query("SELECT key, value FROM note WHERE key LIKE 'boot %'"):
            ns, _, mark = value.partition(" ")
            self._offsets[key.removeprefix("boot ")] = Offset(int(ns), not mark)
        timeline.when_set(self._bound)  # at once: this boot's beginning is the earlier ones' bound

    @staticmethod
    def dated(ts: str) -> bool:
        """Whether a body carries a true time."""
        return ts != UNDATED

    def can_date(self, head: Head) -> bool:
        """Whether a segment's readings have, or can now be given, their times."""
        if head.first_ns is not None or head.boot in self._offsets:
            return True
        origin = self._timeline.origin()
        if origin is None:
            return False
        if head.boot not in self._offsets:
            self._bound(origin)
        return head.boot in self._offsets

    def finish(self, record: Record, head: Head) -> bytes:
        """Return a message's body as it leaves the node: with its time, and marked when it is late."""
        late = head.boot != self.clock.boot_id or (
            self.clock.monotonic_ns() - record.mono_ns > record.stale_after_s * 1e9
        )
        is_event = record.path.endswith("/event")
        if head.first_ns is not None:
            # A dated body is complete; splicing spares decoding a whole backlog.
            return record.body[:-1] + b',"hist":true}' if late and not is_event else record.body
        offset = self._offsets[str(head.boot)]
        body: Reading | Event = decode_event(record.body) if is_event else decode_reading(record.body)
        body.ts = from_ns(offset.ns + record.mono_ns)
        if isinstance(body, Reading):
            body.hist = True if late else msgspec.UNSET
        if not offset.exact:
            doubt(body)
        return encode(body)

    def _bound(self, origin: Offset) -> None:
        """Estimate the offset of every earlier boot that has undated segments, newest first.

        A boot ended before the next one began: its last reading is set just before that, the latest it can
        have been. How much too late that is, nobody knows: the power was off.
        """
        self._offsets[self.clock.boot_id] = origin
        bound = origin.ns
        rows = self.spool.query(
            "SELECT boot FROM segment WHERE first_ns IS NULL GROUP BY boot ORDER BY max(id) DESC"
        )
        for (boot,) in rows:
            known = self._offsets.get(boot)
            if known is None:
                first, last = self._times(boot)
                known = self._offsets[boot] = self._timeline.claim(boot, bound - MS - last, first, last)
                log.warning(
                    "the power went before the clock was set: what was read then is dated %s to %s, the"
                    " latest it can have been, and marked",
                    from_ns(known.ns + first),
                    from_ns(known.ns + last),
                )
            bound = min(bound, known.ns)

    def _times(self, boot: str) -> tuple[int, int]:
        """Return the monotonic times of a boot's first and last undated reading.

        One commit makes up to two segments, and a slow device's reading comes a little late: four at each
        end are enough to look at.
        """
        where = "SELECT id, body FROM segment WHERE first_ns IS NULL AND boot = ? ORDER BY id"
        rows = [*self.spool.query(f"{where} LIMIT 4", (boot,))]
        rows += self.spool.query(f"{where} DESC LIMIT 4", (boot,))
        times = mono_times(self.spool, rows)
        return min(times, default=0), max(times, default=0)  # without any, nothing of it can be sent
