"""A scenario's village read by real nodes, drivers and all, in virtual time: the path up to the broker."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway import config as node_config
from gateway.feed.communes import commune
from gateway.node import Node
from simulators.clock import NS, MachineClock, VirtualClock
from simulators.commune import ALL, MOST_BINS, SimCommune, build
from simulators.scenario import Scenario, tell
from simulators.signals.faults import Faults
from simulators.signals.modbus import Fault, RtuBus
from simulators.worlds.village import Sizes, Village

MOST_WAITING = 500  # readings that no commit has taken yet: past this, virtual time waits for the disk
PAUSE_S = 0.002
MINUTE_S = 60.0
COMMIT_S = 5.0  # for a node that loses its power: what it has read is on its disk by then


class Switched(Faults):
    """Faults of a thing that is told by calls: `on` hears each that begins, `off` each that ends."""

    def __init__(self, on: Callable[[str], None], off: Callable[[str], None], **known: str) -> None:
        super().__init__(**known)
        self._on, self._off = on, off

    def inject(self, kind: str, size: float = 1.0) -> None:
        """Switch a fault on; raise ValueError that lists the known ones."""
        super().inject(kind, size)
        self._on(kind)

    def mend(self, kind: str | None = None) -> None:
        """Switch one fault off, or all."""
        for each in list(self.now) if kind is None else [kind]:
            super().mend(each)
            self._off(each)


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
        node = self.make(node_config.load(self.file, {}), self.sim)
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
        at_ns, index = min(due, default=(self._end_ns, -1))
        clock = self.village.clock
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
    sizes = Sizes(
        scenario.bin_names(),
        water=scenario.water,
        lights=scenario.lights,
        people=scenario.people,
        lamps=scenario.lamps,
        weather=scenario.weather,
        plan=scenario.plan(),
    )
    village = Village(world, str(scenario.seed), sizes)
    tell(scenario, village)
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
    from simulators.commune import CHLORINE_UNIT, PH_UNIT, PZEM_UNIT, TURBIDITY_UNIT  # noqa: PLC0415

    sim = station.sim
    power = {"brown-out": "it is without power; no size"}
    found: dict[str, Faults] = {
        sim.gw: Switched(lambda _: station.stop(), lambda _: station.reboot(), **power)
    }
    if sim.bus is not None:
        units = {"ph": PH_UNIT, "turbidity": TURBIDITY_UNIT, "chlorine": CHLORINE_UNIT, "power": PZEM_UNIT}
        found |= {name: _unit(sim.bus, unit) for name, unit in units.items()}
    return found


def _unit(bus: RtuBus, unit: int) -> Faults:
    words: dict[str, Fault] = {"silence": "silent", "crc": "crc"}
    return Switched(
        lambda kind: bus.break_unit(unit, words[kind]),
        lambda _: bus.mend_unit(unit),
        silence="it does not answer; no size",
        crc="its answers come garbled; no size",
    )


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
""" + sim.config_toml(every=f"{every_s:g}s", stale_after=f"{3 * every_s:g}s")
