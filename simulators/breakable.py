"""What a scenario can break in a simulated commune: its devices by name, each fault told to its signal."""

from collections.abc import Callable, Mapping

from simulators.commune import SimCommune
from simulators.signals.faults import VALUE_FAULTS, Faults
from simulators.wiring import BRIDGE_UNIT, CHLORINE_UNIT, PH_UNIT, PZEM_UNIT, TURBIDITY_UNIT

PROBES = {
    "ph": PH_UNIT,
    "turbidity": TURBIDITY_UNIT,
    "chlorine": CHLORINE_UNIT,
    "power": PZEM_UNIT,
    "bridge": BRIDGE_UNIT,
}
HARD = frozenset({"silence", "cut", "crc"})
"""Faults that leave no value."""
_BUS = {"silence": "silent", "cut": "silent", "crc": "crc"}
_SAME = {kind: kind for kind in VALUE_FAULTS}
Part = tuple[Faults, Mapping[str, str]]


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


def device(*parts: Part, refresh: Callable[[], None] = lambda: None) -> Faults:
    """Return the faults of one device: those of its signals, each by the name that a scenario uses."""
    places = {name: (faults, own) for faults, names in parts for name, own in names.items()}

    def on(kind: str) -> None:
        faults, own = places[kind]
        faults.inject(own, it.size(kind))
        refresh()

    def off(kind: str) -> None:
        faults, own = places[kind]
        faults.mend(own)
        refresh()

    it = Switched(on, off, **{name: faults.known[own] for name, (faults, own) in places.items()})
    return it


def devices(sim: SimCommune) -> dict[str, Faults]:
    """Return the faults of each device of a commune, by the name that node.toml gives it."""
    found = _bins(sim)
    if sim.bus is not None:
        for name, faults in sim.probe_faults.items():
            found[name] = device((faults, _SAME), (sim.bus.unit(PROBES[name]).faults, _BUS))
    if sim.meter is not None:
        found["meter"] = device((sim.meter.faults, {"cut": "cut", "silence": "cut", "stuck": "stopped"}))
    if sim.loops is not None:
        for name, loop in (("level", sim.level), ("pressure", sim.pressure)):
            if loop is not None:
                names = _SAME | {"cut": "cut", "silence": "low"}
                found[name] = device((loop.faults, names), refresh=sim.loops.refresh)
    if sim.lux is not None:
        names = _SAME | {"silence": "silent", "cut": "silent"}
        found["lux"] = device((sim.lux.faults, names), refresh=sim.lux.refresh)
    if sim.door is not None:
        found["door"] = _contact(sim.door.faults, sim.door.refresh)
    if sim.contactor is not None:
        names = {"dead": "dead", "cut": "cut", "stuck": "welded"}
        found["relay"] = device((sim.contactor.faults, names), refresh=sim.contactor.refresh)
    board = {"under-voltage": "under_voltage", "worn": "worn"}
    found["pi" if sim.node == 1 else f"pi-{sim.node:02}"] = device(
        (sim.board.faults, board), refresh=sim.board.refresh
    )
    return found


def _bins(sim: SimCommune) -> dict[str, Faults]:
    found = {}
    for site in sim.bins:
        number = site.asset.removeprefix("bin-")
        ranger = _SAME | {"cut": "cut", "silence": "nothing"}
        warmth = _SAME | {"cut": "missing", "silence": "missing", "crc": "crc"}
        found[f"echo-{number}"] = device((site.ranger.faults, ranger), refresh=site.ranger.refresh)
        thermometer = site.thermometer
        found[f"temperature-{number}"] = device((thermometer.faults, warmth), refresh=thermometer.refresh)
        if site.lid is not None:
            found[f"lid-{number}"] = _contact(site.lid.faults, site.lid.refresh)
    return found


def _contact(faults: Faults, refresh: Callable[[], None]) -> Faults:
    return device((faults, {name: name for name in ("cut", "short", "stuck", "loose")}), refresh=refresh)
