"""A scenario's village read by real nodes, drivers and all, in virtual time: the path up to the broker."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway import config as node_config
from gateway import config_check
from gateway.feed.communes import commune
from gateway.node import Node
from simulators.breakable import Switched, devices
from simulators.clock import NS, MachineClock, VirtualClock
from simulators.commune import ALL, SimCommune, build
from simulators.scenario import Scenario, village_of
from simulators.sights import NODE_FAULTS
from simulators.signals.faults import Faults
from simulators.wiring import MOST_BINS
from simulators.worlds.village import Village

MOST_WAITING = 500  # readings that no commit has taken yet: past this, virtual time waits for the disk
PAUSE_S = 0.002
MINUTE_S = 60.0
COMMIT_S = 5.0  # for a node that loses its power: what it has read is on its disk by then


@dataclass(slots=True)
class Station:
    """One simulated Pi of a village: its signals, its clock, and its node while it has power."""

    sim: SimCommune
    clock: MachineClock
    file: Path
    make: Callable[[node_config.NodeConfig, SimCommune], Node]
    node: Node | None = None
    taken: int = 0

    def start(self) -> None:
        """Give it power."""
        node = self.make(config_check.load(self.file, {}), self.sim)
        node.start(threads=False)
        self.node = node

    def stop(self) -> None:
        """End its node in order; what it has not sent stays in its spool."""
        if self.node is not None:
            self.taken = self.node.journal.taken
            self.node.stop(COMMIT_S)
            self.node = None

    def reboot(self) -> None:
        """Give it power again: a new boot, its clock set at once."""
        self.clock.reboot()
        self.clock.set_synchronised(True)
        self.start()

    @property
    def drained(self) -> bool:
        """Whether all that it took is in custody."""
        return self.node is not None and not self.node.journal.committer.depth and self.node.publisher.drained


@dataclass(slots=True)
class Stations:
    """The nodes of a scenario, as many as its bins need, on one village's clock."""

    scenario: Scenario
    village: Village
    stations: list[Station]
    faults: dict[str, Faults]
    left_out: list[str] = field(default_factory=list)
    _end_ns: int = 0

    def step(self) -> bool:
        """Let time pass to the next reading of any node and take it; False when the scenario is over."""
        due = [
            (_true_due_ns(each), index) for index, each in enumerate(self.stations) if each.node is not None
        ]
        clock = self.village.clock
        if not due and clock.true_ns() < self._end_ns:  # no node has power: the world goes on until one has
            clock.sleep(min(MINUTE_S, (self._end_ns - clock.true_ns()) / NS))
            return True
        at_ns, index = min(due, default=(self._end_ns, -1))
        if at_ns >= self._end_ns:
            clock.sleep(max(0, self._end_ns - clock.true_ns()) / NS)
            return False
        node = self.stations[index].node
        if node is not None and node.runner.due_ns is not None:
            node.runner.step(node.runner.due_ns)
            pause = threading.Event()
            while node.journal.committer.depth > MOST_WAITING:
                pause.wait(PAUSE_S)
        return True

    @property
    def drained(self) -> bool:
        """Whether all that was taken is in custody."""
        return all(each.drained for each in self.stations)

    def stop(self) -> None:
        """End all nodes and close what they were wired to."""
        for each in self.stations:
            each.stop()
            each.sim.close()


def stations(
    scenario: Scenario,
    folder: Path,
    broker: tuple[str, int],
    make: Callable[[node_config.NodeConfig, SimCommune], Node] = lambda config, sim: Node(config, sim.io),
) -> Stations:
    """Wire a scenario's village to nodes and start them; faults that signals cannot have yet are left out."""
    world = VirtualClock(scenario.start)
    village = village_of(scenario, world)
    count = max(1, -(-scenario.bins // MOST_BINS))
    found = []
    for number in range(1, count + 1):
        clock = MachineClock(world, boot_id=f"boot-{number}")
        bins = min(MOST_BINS, scenario.bins - (number - 1) * MOST_BINS)
        domains = ALL if number == 1 else ("waste",)
        sim = build(
            scenario.seed,
            clock,
            node=number,
            bins=bins,
            domains=domains,
            village=village,
            files_every_s=max(MINUTE_S, scenario.every / 3),
        )
        file = folder / f"{sim.gw}.toml"
        file.write_text(_toml(scenario, sim, folder, broker), encoding="utf-8")
        found.append(Station(sim, clock, file, make))
    end_ns = world.true_ns() + round(scenario.duration * NS)
    faults = {name: each for station in found for name, each in _faults(station).items()}
    it = Stations(scenario, village, found, faults, _end_ns=end_ns)
    _switch(it)
    for station in found:
        station.start()
    return it


def _true_due_ns(station: Station) -> int:
    node, clock = station.node, station.clock
    if node is None or node.runner.due_ns is None:
        return 2**62
    return clock.true_ns() + node.runner.due_ns - clock.monotonic_ns()


def _switch(it: Stations) -> None:
    for each in it.scenario.faults:
        faults = it.faults.get(each.on)
        if faults is None or each.kind not in faults.known:
            it.left_out.append(f"{each.kind} of {each.on}")
            continue
        it.village.clock.after(each.at, lambda it=faults, each=each: it.inject(each.kind, each.size))  # type: ignore[misc]
        if each.for_ is not None:
            it.village.clock.after(each.at + each.for_, lambda it=faults, each=each: it.mend(each.kind))  # type: ignore[misc]


def _faults(station: Station) -> dict[str, Faults]:
    clock = station.clock

    def on(kind: str) -> None:
        if kind == "brown-out":
            station.stop()
        else:
            # the kernel knows a clock that was set by hand as not synchronised (adjtimex, STA_UNSYNC)
            clock.set_synchronised(False, offset_s=node.size(kind))

    def off(kind: str) -> None:
        if kind == "brown-out":
            station.reboot()
        else:
            clock.set_synchronised(True)

    node = Switched(on, off, **NODE_FAULTS)
    return {station.sim.gw: node} | devices(station.sim)


def _toml(scenario: Scenario, sim: SimCommune, folder: Path, broker: tuple[str, int]) -> str:
    every_s = float(scenario.every)
    place = commune(scenario.commune)
    return f"""
[site]
province = "{place.province}"
commune = "{place.code}"
gw = "{sim.gw}"
name = "{place.full_name}"
[mqtt]
host = "{broker[0]}"
port = {broker[1]}
[spool]
path = "{folder}/{sim.gw}.db"
linger = "0s"
""" + sim.config_toml(every=f"{every_s:g}s", stale_after=f"{3 * every_s:g}s")
