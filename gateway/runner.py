"""Reads every asset in its rhythm, on monotonic time only; a device that hangs holds up its bus alone."""

import heapq
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TypeVar, cast

from gateway.config import AssetConfig, NodeConfig
from gateway.cycle import APART_NS, NS, Cycle, WatchedAsset, first_due_ns
from gateway.device import Device
from sensors.calibration import Calibrations
from sensors.io import IO
from sensors.sample import Metric, Observation, Sample

ANSWER_NS = 30 * NS  # a device that has not answered by then will not, in this cycle
WAKE_NS = NS // 2  # longest sleep of the schedule, so that `stop` need not wait for the next cycle
STOP_S = 5.0  # a bus that has not come back by then hangs, and is left behind

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AssetReading:
    """What one asset was seen to be at one moment of this boot's monotonic time.

    `more` says that others, which were due with it, are about to follow.
    """

    asset: AssetConfig
    mono_ns: int
    observation: Observation
    more: bool = False


class Runner:
    """Reads the assets of a checked configuration and hands each reading to `emit`, one at a time.

    Drive it by `start` and `stop`, one thread a bus, on a clock that passes by itself; or by `step`, on the
    caller's thread, on any clock. While `emit` blocks, cycles are missed, which are counted and not made up
    for. An error of `emit` reaches the caller of `step`; of a thread it is logged and the cycle missed, so
    that one reading that nobody can take does not cost all others.
    """

    def __init__(self, config: NodeConfig, io: IO, emit: Callable[[AssetReading], None]) -> None:
        """Make drivers and assets, open none; raise ConfigError when their settings cannot work."""
        self.calibrations = Calibrations(config.calibrations)
        devices = {each.id: Device(each, io, self.calibrations) for each in config.devices}
        self._clock = io.clock
        self._emit = emit
        self._devices = list(devices.values())
        self._assets = [WatchedAsset.make(each, devices, io, self.calibrations) for each in config.assets]
        self._due: list[tuple[int, int]] = []
        self._buses: dict[str, _Bus] = {}
        for device in self._devices:
            self._buses.setdefault(device.bus, _Bus(device.bus)).devices.append(device)
        self._lock = threading.Lock()  # of cycles, of what is queued and of what was missed
        self._emitting = threading.Lock()
        self._cycles: list[Cycle] = []
        self._queued: set[str] = set()
        self._missed: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._schedule: threading.Thread | None = None
        self._beat_ns = 0

    @property
    def due_ns(self) -> int | None:
        """Monotonic time of the next cycle, None without assets; the schedule begins when first asked."""
        self._begin_schedule()
        return self._due[0][0] if self._due else None

    def step(self, until_ns: int) -> None:
        """Run every cycle due up to and including a monotonic time, and let time pass until then.

        It may be stopped by what happens while time passes: from then on no device is touched.
        """
        self._begin_schedule()
        while not self._stopping.is_set() and self._due and self._due[0][0] <= until_ns:
            self._sleep_until(self._due[0][0])
            cycle = self._next_cycle()
            if cycle is not None:
                for device in cycle.asset.devices:
                    if self._stopping.is_set():
                        break  # a closed device would open itself again, and keep its lines for good
                    began_ns = self._clock.monotonic_ns()
                    samples = device.read()
                    now_ns = self._clock.monotonic_ns()
                    if now_ns - began_ns <= cycle.deadline_ns - cycle.began_ns:  # as if each had its own bus
                        cycle.take(device, samples, now_ns)
                self._finish(cycle)
        self._sleep_until(until_ns)

    def start(self, *, schedule: bool = True) -> None:
        """Start one thread a bus, and the schedule unless only visits are wanted; once in a runner's life."""
        self._begin_schedule()
        self._beat_ns = self._clock.monotonic_ns()
        for bus in self._buses.values():
            bus.thread = threading.Thread(target=self._serve, args=(bus,), name=bus.name, daemon=True)
            bus.thread.start()
        if schedule:
            self._schedule = threading.Thread(target=self._keep_schedule, name="schedule", daemon=True)
            self._schedule.start()

    def stop(self) -> None:
        """Emit no more, end all threads and close all devices; takes STOP_S at most, whatever hangs."""
        self._stopping.set()
        threads = [self._schedule] if self._schedule else []
        for bus in self._buses.values():
            bus.queue.put(None)
            if bus.thread is None:
                bus.close()
            else:
                threads.append(bus.thread)
        deadline = time.monotonic() + STOP_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("bus %s hangs and is left behind, its devices open", thread.name)
        for asset in self._assets:
            asset.save()

    def visit(self, device: str, action: Callable[[Device], T], limit_s: float) -> T:
        """Do something with a device between its readings, on the thread of its bus; return what it returns.

        Raise KeyError for no such device, and TimeoutError when its bus has not come to it within `limit_s`.
        """
        found = {each.id: each for each in self._devices}[device]
        bus = self._buses[found.bus]
        if bus.thread is None:
            return action(found)
        visit = Visit(partial(action, found))
        bus.queue.put(visit)
        try:
            return cast("T", visit.done.result(limit_s))
        finally:
            visit.done.cancel()  # nobody waits for it any more

    def kinds(self, device: str) -> Sequence[Metric]:
        """Return what a device measures; raise KeyError for no such device."""
        return {each.id: each for each in self._devices}[device].kinds

    def alive(self, limit_s: float = 30.0) -> dict[str, bool]:
        """Say of each bus, and of "schedule", whether its thread runs and has moved in the last `limit_s`."""
        now_ns, limit_ns = self._clock.monotonic_ns(), limit_s * NS
        found = {
            bus.name: _runs(bus.thread) and (bus.busy_ns is None or now_ns - bus.busy_ns < limit_ns)
            for bus in self._buses.values()
        }
        found["schedule"] = _runs(self._schedule) and (
            self._schedule is None or now_ns - self._beat_ns < limit_ns
        )
        return found

    def missed(self) -> dict[str, int]:
        """Return how many cycles of each asset were skipped because they came too late."""
        with self._lock:
            return {asset: count for asset, count in self._missed.items() if count}

    def faults(self) -> dict[str, str]:
        """Return what is wrong now with which device, in words."""
        return {device.id: device.fault for device in self._devices if device.fault}

    def _begin_schedule(self) -> None:
        if not self._due:
            now_ns, count = self._clock.monotonic_ns(), len(self._assets)
            for number, asset in enumerate(self._assets):
                asset.due_ns = now_ns + first_due_ns(number, count, asset.every_ns)
                self._due.append((asset.due_ns, number))
            heapq.heapify(self._due)

    def _next_cycle(self) -> Cycle | None:
        """Take the asset that is due first; return its cycle, or None when it is too late for one."""
        number = self._due[0][1]
        asset = self._assets[number]
        now_ns = self._clock.monotonic_ns()
        slots, late_ns = divmod(now_ns - asset.due_ns, asset.every_ns)
        fits = late_ns <= asset.every_ns // 2 and not asset.busy
        self._missed[asset.config.id] += slots + (not fits)
        asset.due_ns += (slots + 1) * asset.every_ns
        heapq.heapreplace(self._due, (asset.due_ns, number))
        if not fits:
            return None
        asset.busy = True
        asked = {device.id for device in asset.devices}
        return Cycle(asset, now_ns, min(now_ns + ANSWER_NS, asset.due_ns), asked, now_ns)

    def _finish(self, cycle: Cycle) -> None:
        """Combine what has been answered and hand it on; one cycle at a time."""
        asset = cycle.asset
        try:
            with self._emitting:
                if not self._stopping.is_set():
                    asset.observed_ns = max(cycle.observed_ns, asset.observed_ns + APART_NS)
                    seen = asset.observe(cycle.answers)
                    if seen is not None:
                        more = self._more_than(asset)
                        self._emit(AssetReading(asset.config, asset.observed_ns, seen, more))
        finally:
            asset.busy = False

    def _more_than(self, asset: WatchedAsset) -> bool:
        """Whether other assets are being read, or are due by now."""
        due = bool(self._due) and self._due[0][0] <= self._clock.monotonic_ns()
        return due or any(each.busy for each in self._assets if each is not asset)

    def _finish_anyway(self, cycle: Cycle) -> None:
        try:
            self._finish(cycle)
        except Exception:
            # One reading that nobody can take must not end the bus that reads all others.
            log.exception("a reading of asset %s could not be handed on", cycle.asset.config.id)
            with self._lock:
                self._missed[cycle.asset.config.id] += 1

    def _sleep_until(self, until_ns: int) -> None:
        while (left_ns := until_ns - self._clock.monotonic_ns()) > 0:
            self._clock.sleep(left_ns / NS)

    def _keep_schedule(self) -> None:
        while not self._stopping.is_set():
            now_ns = self._beat_ns = self._clock.monotonic_ns()
            with self._lock:
                while self._due and self._due[0][0] <= now_ns:
                    self._ask(self._next_cycle())
                late = [cycle for cycle in self._cycles if cycle.deadline_ns <= now_ns or not cycle.missing]
                self._cycles = [cycle for cycle in self._cycles if cycle not in late]
                moments = [cycle.deadline_ns for cycle in self._cycles] + [due for due, _ in self._due[:1]]
            for cycle in late:
                self._finish_anyway(cycle)
            now_ns = self._clock.monotonic_ns()
            self._clock.sleep(max(0, min([now_ns + WAKE_NS, *moments]) - now_ns) / NS)

    def _ask(self, cycle: Cycle | None) -> None:
        if cycle is None:
            return
        self._cycles.append(cycle)
        for device in cycle.asset.devices:
            if device.id not in self._queued:  # else its answer is on the way, and serves this cycle too
                self._queued.add(device.id)
                self._buses[device.bus].queue.put(device)

    def _serve(self, bus: "_Bus") -> None:
        bus.busy_ns = self._clock.monotonic_ns()
        for device in bus.devices:
            device.open()  # at once, so that counters count from the start
        bus.busy_ns = None
        while (asked := bus.queue.get()) is not None and not self._stopping.is_set():
            bus.busy_ns = self._clock.monotonic_ns()
            if isinstance(asked, Visit):
                asked.run()
                bus.busy_ns = None
                continue
            samples = asked.read()
            bus.busy_ns = None
            self._answer(asked, samples)
        bus.close()

    def _answer(self, device: Device, samples: dict[str, Sample]) -> None:
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            self._queued.discard(device.id)
            for cycle in self._cycles:
                cycle.take(device, samples, now_ns)
            complete = [cycle for cycle in self._cycles if not cycle.missing]
            self._cycles = [cycle for cycle in self._cycles if cycle.missing]
        for cycle in complete:
            self._finish_anyway(cycle)


class Visit:
    """Something to do on a bus between two readings, and what came of it."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self.done: Future[object] = Future()

    def run(self) -> None:
        """Do it, unless nobody waits any more; an error is for the one who waits."""
        if self.done.set_running_or_notify_cancel():
            try:
                self.done.set_result(self._action())
            except Exception as error:  # noqa: BLE001 - handed on
                self.done.set_exception(error)


@dataclass(slots=True, eq=False)
class _Bus:
    name: str
    devices: list[Device] = field(default_factory=list)
    queue: SimpleQueue[Device | Visit | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None
    busy_ns: int | None = None  # since when its thread is in a driver

    def close(self) -> None:
        """Give back what its devices hold."""
        for device in self.devices:
            device.close()


def _runs(thread: threading.Thread | None) -> bool:
    return thread is None or thread.is_alive()
