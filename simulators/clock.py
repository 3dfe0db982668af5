"""Time that only passes when somebody asks for it, or N times as fast: the one clock of all worlds."""

import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

NS = 1_000_000_000
START = datetime(2026, 9, 21, 5, 0, tzinfo=UTC)  # noon in Ha Tinh, on an equinox


class Event:
    """Something that will happen; `cancel` keeps it from happening."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Make it not happen, and not again if it repeats."""
        self.action = None


class VirtualClock:
    """Virtual time: `sleep` runs what is due until then, in order, on the caller's thread.

    Two runs with the same calls are the same to the nanosecond. Reading is safe from any thread.
    """

    def __init__(
        self, start: datetime = START, *, synchronised: bool = True, boot_id: str = "sim-boot-1"
    ) -> None:
        self._lock = threading.RLock()
        self._start_ns = _since_1970_ns(start)
        self._now_ns = 0  # of the world: since the clock was made
        self._boot_ns = 0
        self._boot_id = boot_id
        self._boots = 1
        self._offset_ns = 0
        self._synchronised = synchronised
        self._order = 0
        self._heap: list[tuple[int, int, Event]] = []

    @property
    def boot_id(self) -> str:
        """Return the name of this boot; `reboot` makes a new one."""
        return self._boot_id

    def monotonic_ns(self) -> int:
        """Nanoseconds since the simulated machine started."""
        return self._world_ns() - self._boot_ns

    def wall_ns(self) -> int:
        """Nanoseconds since 1970 UTC as the simulated machine believes."""
        return self.true_ns() + self._offset_ns

    def true_ns(self) -> int:
        """Nanoseconds since 1970 UTC in the world, whatever the machine believes."""
        return self._start_ns + self._world_ns()

    def synchronised(self) -> bool:
        """Whether the simulated machine has had its time from a trusted source in this boot."""
        return self._synchronised

    def sleep(self, seconds: float) -> None:
        """Let seconds pass: run all that is due until then."""
        with self._lock:
            self._run_until(self._now_ns + round(seconds * NS))

    def after(self, seconds: float, action: Callable[[], None]) -> Event:
        """Do something in so many seconds."""
        with self._lock:  # so that time cannot pass between reading it and the entry
            return self._schedule(self._world_ns() + round(seconds * NS), Event(action))

    def at(self, true_ns: int, action: Callable[[], None]) -> Event:
        """Do something at a moment of the world, in nanoseconds since 1970 UTC; a past one is now."""
        with self._lock:
            return self._schedule(max(true_ns - self._start_ns, self._world_ns()), Event(action))

    def every(self, seconds: float, action: Callable[[], None]) -> Event:
        """Do something every so many seconds, first after one period."""
        first_ns, step_ns = self._world_ns(), round(seconds * NS)
        count = 0

        def again() -> None:
            nonlocal count
            count += 1
            self._schedule(first_ns + (count + 1) * step_ns, event)
            action()

        event = Event(again)
        return self._schedule(first_ns + step_ns, event)

    def step_wall(self, seconds: float) -> None:
        """Make the machine's wall clock wrong by so much more, as a bad time source or a hand does."""
        with self._lock:
            self._offset_ns += round(seconds * NS)

    def set_synchronised(self, yes: bool, *, offset_s: float = 0.0) -> None:
        """Find or lose the time source; the wall clock is then `offset_s` away from the truth."""
        with self._lock:
            self._synchronised = yes
            self._offset_ns = round(offset_s * NS)

    def reboot(self, *, wall: datetime | None = None) -> None:
        """Start a new boot: monotonic time at 0, not synchronised, the wall clock at `wall` if given."""
        with self._lock:
            self._boots += 1
            self._boot_id = f"sim-boot-{self._boots}"
            self._boot_ns = self._world_ns()
            self._synchronised = False
            if wall is not None:
                self._offset_ns = _since_1970_ns(wall) - self.true_ns()

    def _world_ns(self) -> int:
        return self._now_ns

    def _schedule(self, at_ns: int, event: Event) -> Event:
        with self._lock:
            self._order += 1
            heapq.heappush(self._heap, (at_ns, self._order, event))
        return event

    def _run_until(self, target_ns: int) -> None:
        while self._heap and self._heap[0][0] <= target_ns:
            at_ns, _, event = heapq.heappop(self._heap)
            self._now_ns = max(self._now_ns, at_ns)
            if event.action is not None:
                event.action()
        self._now_ns = max(self._now_ns, target_ns)


class PacedClock(VirtualClock):
    """Virtual time that passes by itself, `speed` times as fast as real time, until closed.

    Events run on the clock's own thread at their exact virtual times; `sleep` waits in real time.
    """

    def __init__(
        self,
        start: datetime = START,
        *,
        speed: float = 1.0,
        synchronised: bool = True,
        boot_id: str = "sim-boot-1",
    ) -> None:
        super().__init__(start, synchronised=synchronised, boot_id=boot_id)
        self._speed = speed
        self._real_ns = time.monotonic_ns()
        self._wake = threading.Condition(self._lock)
        self._closed = False
        self._sleepers: set[threading.Event] = set()
        self._thread = threading.Thread(target=self._run, name="paced-clock", daemon=True)
        self._thread.start()

    def sleep(self, seconds: float) -> None:
        """Wait until so many virtual seconds have passed and all that was due by then has happened."""
        if threading.get_ident() == self._thread.ident:
            super().sleep(seconds)
            return
        passed = threading.Event()
        with self._lock:
            if self._closed:
                return
            self._sleepers.add(passed)
            self.after(seconds, passed.set)
        passed.wait()
        with self._lock:
            self._sleepers.discard(passed)

    def close(self) -> None:
        """Stop time; whoever sleeps wakes."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join()

    def _world_ns(self) -> int:
        if threading.get_ident() == self._thread.ident:
            return self._now_ns  # an event sees the moment it was due at
        return max(self._now_ns, self._target_ns())

    def _target_ns(self) -> int:
        return round((time.monotonic_ns() - self._real_ns) * self._speed)

    def _schedule(self, at_ns: int, event: Event) -> Event:
        with self._wake:
            super()._schedule(at_ns, event)
            self._wake.notify_all()
        return event

    def _run(self) -> None:
        with self._wake:
            while not self._closed:
                self._run_until(self._target_ns())
                wait_s = None
                if self._heap:
                    wait_s = max(0.0, (self._heap[0][0] - self._target_ns()) / NS / self._speed)
                self._wake.wait(wait_s)
            for passed in self._sleepers:
                passed.set()


class MachineClock(VirtualClock):
    """The clock of one machine in a world that others live in too: its boots and errors are its own."""

    def __init__(self, world: VirtualClock, *, boot_id: str = "sim-boot-1") -> None:
        """Boot now, synchronised."""
        super().__init__(boot_id=boot_id)
        self._world = world
        self._start_ns = world.true_ns()

    def sleep(self, seconds: float) -> None:
        """Let seconds pass in the world, for all machines."""
        self._world.sleep(seconds)

    def _world_ns(self) -> int:
        return self._world.true_ns() - self._start_ns

    def _schedule(self, at_ns: int, event: Event) -> Event:
        def happen() -> None:
            if event.action is not None:
                event.action()

        self._world.at(self._start_ns + at_ns, happen)
        return event


def _since_1970_ns(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
