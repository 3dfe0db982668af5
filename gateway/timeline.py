"""Because a time may be given only once: which UTC a moment of this boot is, from a clock that was set.

Linux's wall clock is its monotonic clock plus an offset that changes only when somebody sets the clock, and a
clock set by hand counts as not synchronised until its time source has it back. So an offset measured while
synchronised stays good when the source is lost (holdover), and no hand can move it.

A point's identity holds its time: two readings of one asset must never share one, whatever a time source
says. Forward corrections are followed. A backward one is followed at once only into a gap that a forward
jump had left open; else time runs at half speed until the clock has been met, and is marked as in doubt.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.feed.times import EARLIEST_NS, LATEST_NS, from_ns
from gateway.spool import RangeSet, Spool
from gateway.unsendable import mono_times
from sensors.errors import IOUnavailable
from sensors.io import Clock

log = logging.getLogger(__name__)

MS = 1_000_000
STEP_NS = 5 * MS  # two clocks read one after the other may differ by that much on a loaded machine
JUMP_NS = 60_000 * MS  # a forward correction that leaves a gap worth remembering
DOUBT_NS = 1_000 * MS  # a time further than this from what the clock says is marked
_MOST_GAPS = 32
_SAMPLES = 3

State = Literal["synced", "holdover", "unset"]


@dataclass(frozen=True, slots=True)
class Offset:
    """What to add to a boot's monotonic times to get UTC, and whether that is measured or only a bound."""

    ns: int
    exact: bool = True


class Timeline:
    """This boot's offset, and all stretches of time that have been given. Safe from any thread."""

    def __init__(self, spool: Spool, clock: Clock, *, require_sync: bool = True) -> None:
        self._spool = spool
        self._clock = clock
        self._require_sync = require_sync
        self._lock = spool.lock  # the journal asks while it holds that one: a lock of our own could cross it
        self._origin: Offset | None = None  # of the readings that this boot took before its clock was set
        self._offset = 0  # of the readings that it takes now
        self._was_set = False
        self._first_ns = self._last_ns = 0  # the stretch that grows now
        self._settled_ns = 0
        self._ahead = False  # of the clock, because that time had been given
        self._said: set[str] = set()
        self._on_set: Callable[[Offset], None] = lambda _: None
        self.began_ns: int | None = None
        """When the first reading of this boot that waited for a date was taken (ns UTC), once known."""
        self.ended: tuple[str, int] | None = None
        """The boot in which dated readings were committed last, and the time of the last (ns UTC)."""
        found = json.loads(spool.note("time", "{}"))
        self._taken = RangeSet.parse(found.get("taken", ""))  # in ms: stretches that will not grow
        if found.get("boot") == clock.boot_id:
            self._origin = Offset(found["origin"], found["exact"])
            self._offset, self._first_ns = found["offset"], found["first"]
            self._was_set = found["was_set"]
            self._settled_ns = clock.monotonic_ns()
            self._last_ns = max(self._offset + self._settled_ns, found["last"])
            self.ended = (clock.boot_id, spool.last_ns)
        elif found:
            ours = spool.last_ns // MS not in self._taken  # else that boot committed nothing dated
            last_ns = max(found["last"], spool.last_ns if ours else 0)
            self.ended = (found["boot"], last_ns)
            self._close(found["first"], last_ns)

    def when_set(self, told: Callable[[Offset], None]) -> None:
        """Have someone told, once a boot, when the clock is first set."""
        self._on_set = told

    def state(self) -> State:
        """Say whether the clock is set, or was in this boot."""
        if self._set_now():
            return "synced"
        return "holdover" if self._was_set and self._origin else "unset"

    def now_ns(self) -> int | None:
        """Return the present time as readings would get it; None while that is not known."""
        if self.origin() is None:
            return None
        return self._offset + self._clock.monotonic_ns()

    def origin(self) -> Offset | None:
        """Return what dates the readings taken before the clock was set; None while it is not."""
        with self._lock:
            if self._origin is None:
                wall = self._measure()
                if wall is not None:
                    self._begin(wall)
            return self._origin

    def settle(self, first_ns: int, last_ns: int) -> Offset | None:
        """Return the offset for readings between two monotonic times; None while the clock is not set.

        Whoever asks will use it: the stretch is taken then.
        """
        with self._lock:
            if self.origin() is None:
                self._say_once("the clock is not set: readings wait undated until it is; does NTP answer?")
                return None
            wall = self._measure()
            before = self._offset
            want = before if wall is None else wall
            if abs(want - before) > STEP_NS or self._ahead:
                self._move(want, first_ns)
            self._offset = self._free(self._offset, first_ns, last_ns)
            self._ahead = self._offset > want and (self._ahead or self._offset > want + STEP_NS)
            self._first_ns = min(self._first_ns, self._offset + first_ns)
            self._last_ns = max(self._last_ns, self._offset + last_ns)
            self._settled_ns = max(self._settled_ns, first_ns)
            if self._offset > before or self._first_ns == self._offset + first_ns:
                self._keep()  # a restart reckons that up to its own moment all of this offset is taken
            return Offset(self._offset, abs(self._offset - want) <= DOUBT_NS)

    def claim(self, boot: str, wanted: int, first_ns: int, last_ns: int) -> Offset:
        """Take and write down a stretch for an earlier boot; it gets later than wanted where none is free."""
        with self._lock:
            free = self._taken.copy()
            self._close(self._first_ns, self._last_ns)
            offset = self._free(wanted, first_ns, last_ns)
            self._taken = free
            self._close(offset + first_ns, offset + last_ns)
            self._keep({f"boot {boot}": f"{offset} bound"})
            return Offset(offset, exact=False)

    def _begin(self, wall: int) -> None:
        """The clock is set for the first time in this boot."""
        now_ns = self._clock.monotonic_ns()
        first_undated = self._first_undated()
        first_ns = now_ns if first_undated is None else min(first_undated, now_ns)
        offset = self._free(wall, first_ns, now_ns)
        self.began_ns = None if first_undated is None else offset + first_undated
        self._origin = Offset(offset, abs(offset - wall) <= DOUBT_NS)
        self._offset, self._settled_ns = offset, now_ns
        self._first_ns, self._last_ns = offset + first_ns, offset + now_ns
        mark = "" if self._origin.exact else " bound"
        self._keep({f"boot {self._clock.boot_id}": f"{offset}{mark}"})
        log.info("the clock is set: it is %s", from_ns(offset + now_ns))
        self._on_set(self._origin)

    def _first_undated(self) -> int | None:
        """Return the monotonic time of this boot's first reading that waits for a date, None without one."""
        rows = self._spool.query(
            "SELECT id, body FROM segment WHERE first_ns IS NULL AND boot = ? ORDER BY id LIMIT 4",
            (self._clock.boot_id,),
        )
        return min(mono_times(self._spool, rows), default=None)

    def _move(self, want: int, first_ns: int) -> None:
        """The clock was corrected."""
        by_ns, start_ns = want - self._offset, want + first_ns
        in_gap = start_ns < self._first_ns and any(last * MS < start_ns for _, last in self._taken)
        if by_ns > JUMP_NS or (in_gap and start_ns // MS not in self._taken):
            self._close(self._first_ns, self._last_ns)
            self._first_ns = self._last_ns = start_ns
        elif by_ns <= 0:
            if -by_ns > DOUBT_NS:
                self._say_once("the clock went back into time already given; it is met at half speed")
            self._ahead = True
            half_ns = max(first_ns - self._settled_ns, 0) // 2
            self._offset = max(want, self._last_ns + MS - first_ns, self._offset - half_ns)
            return
        self._offset = want
        level = logging.WARNING if abs(by_ns) > DOUBT_NS else logging.INFO
        log.log(level, "the clock was corrected by %+.3f s; following it", by_ns / 1e9)

    def _free(self, offset: int, first_ns: int, last_ns: int) -> int:
        """Return the lowest offset from this one up that puts a stretch where nothing is."""
        for low, high in self._taken:
            if (offset + first_ns) // MS <= high and low <= (offset + last_ns) // MS:
                offset = (high + 1) * MS - first_ns
        return offset

    def _close(self, first_ns: int, last_ns: int) -> None:
        """Nothing is added to this stretch any more; small and old gaps are closed with it."""
        if 0 < first_ns <= last_ns:
            self._taken.add(first_ns // MS, last_ns // MS)
        ranges = list(self._taken)
        if len(ranges) > _MOST_GAPS:
            self._taken.add(ranges[0][0], ranges[-_MOST_GAPS][1])

    def _keep(self, notes: dict[str, str] | None = None) -> None:
        """Write down what a restart must know, before the first reading uses it."""
        if self._origin is None:
            return
        facts = {
            "boot": self._clock.boot_id,
            "origin": self._origin.ns,
            "exact": self._origin.exact,
            "was_set": self._was_set,
            "offset": self._offset,
            "first": self._first_ns,
            "last": self._last_ns,
            "taken": str(self._taken),
        }
        self._spool.set_notes({"time": json.dumps(facts), **(notes or {})})

    def _measure(self) -> int | None:
        """Return wall minus monotonic time; None when the wall clock is not to be believed now."""
        if not self._believed():
            return None
        width_ns, offset = min(self._sample() for _ in range(_SAMPLES))
        plausible = EARLIEST_NS <= offset + self._clock.monotonic_ns() < LATEST_NS
        if not plausible or not self._believed():  # asked again: it may have been set by hand in between
            return None
        near = self._origin is not None and abs(offset - self._offset) <= width_ns
        return self._offset if near else offset

    def _sample(self) -> tuple[int, int]:
        before_ns = self._clock.monotonic_ns()
        wall_ns = self._clock.wall_ns()
        after_ns = self._clock.monotonic_ns()
        return after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2

    def _believed(self) -> bool:
        return self._set_now() or not self._require_sync

    def _set_now(self) -> bool:
        try:
            is_set = self._clock.synchronised()
        except IOUnavailable as error:
            if self._require_sync:
                self._say_once(
                    f"nobody can tell whether the clock is set ({error}), so readings wait undated; allow"
                    " adjtimex, or write require_sync = false under [clock] to believe the clock as it is"
                )
            return False
        self._was_set = self._was_set or is_set
        return is_set

    def _say_once(self, what: str) -> None:
        if what not in self._said:
            log.warning("%s", what)
        self._said.add(what)
