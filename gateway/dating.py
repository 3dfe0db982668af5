"""Turns (boot, monotonic time) into UTC: exactly once the clock was set, else by bounds and marked so."""

from dataclasses import dataclass

import msgspec

from gateway.feed import Event, Reading, decode_event, decode_reading, encode, from_ns
from gateway.journal import UNDATED, Record, records
from gateway.spool import Spool
from gateway.spool.store import Head
from sensors.io import Clock


@dataclass(frozen=True, slots=True)
class Offset:
    """What to add to a boot's monotonic times to get UTC, and whether that is measured or only a bound."""

    ns: int
    exact: bool


class Dating:
    """Knows each boot's offset; once learned it is kept, so that a second sending dates the same."""

    def __init__(self, spool: Spool, clock: Clock, *, require_sync: bool = True) -> None:
        self.spool = spool
        self.clock = clock
        self.require_sync = require_sync
        self._offsets: dict[str, Offset] = {}
        for key, value in spool.query("SELECT key, value FROM note WHERE key LIKE 'boot %'"):
            ns, _, mark = value.partition(" ")
            self._offsets[key.removeprefix("boot ")] = Offset(int(ns), not mark)

    @staticmethod
    def dated(ts: str) -> bool:
        """Whether a body carries a true time."""
        return ts != UNDATED

    def can_date(self, head: Head) -> bool:
        """Whether a segment's readings have, or can now be given, their times."""
        if head.first_ns is not None or head.boot in self._offsets:
            return True
        if self.require_sync and not self.clock.synchronised():
            return False
        self._learn()
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
                body.q = "bad" if body.q == "bad" else "uncertain"
                body.qr = f"{body.qr} ts:clock" if isinstance(body.qr, str) else "ts:clock"
        return encode(body)

    def _learn(self) -> None:
        """Find the offset of every boot that has undated segments, newest first.

        This boot's is measured. An earlier boot ended before the next began: its last reading is set to that
        moment, so its times are the latest possible.
        """
        now = self.clock.wall_ns() - self.clock.monotonic_ns()
        learned = {self.clock.boot_id: Offset(now, exact=True)}
        bound = now
        rows = self.spool.query(
            "SELECT boot, max(id) FROM segment WHERE first_ns IS NULL GROUP BY boot ORDER BY max(id) DESC"
        )
        for boot, last_id in rows:
            known = self._offsets.get(boot) or learned.get(boot)
            if known is None:
                last = max(record.mono_ns for record in records(self.spool.body(last_id), last_id))
                known = learned[boot] = Offset(bound - last, exact=False)
            bound = min(bound, known.ns)
        self._offsets.update(learned)
        self.spool.set_notes(
            {f"boot {boot}": f"{each.ns}{'' if each.exact else ' bound'}" for boot, each in learned.items()}
        )
