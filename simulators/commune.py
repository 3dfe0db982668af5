"""One ready simulated commune: worlds behind a Pi's lines, files and buses, and the node.toml to match."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from sensors.sample import Value
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.contact import ContactSignal
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults
from simulators.signals.hcsr04 import RangerSignal
from simulators.signals.iio import AdsFiles, LuxFiles
from simulators.signals.loop import LoopSignal
from simulators.signals.modbus import Cell, RtuBus, Supply, probe_bank, pzem_bank
from simulators.signals.pulses import PulseSignal
from simulators.signals.relay import RelaySignal
from simulators.signals.thermal import BoardFiles, ThermalFiles
from simulators.signals.w1 import ThermometerFiles
from simulators.toml import Table, document
from simulators.wiring import (
    BIN_LINES,
    BRIDGE_UNIT,
    CHLORINE_UNIT,
    DOME,
    DOOR_LINE,
    LEVEL_CHANNEL,
    LEVEL_M,
    LITRES_PER_PULSE,
    METER_LINE,
    MOST_BINS,
    MOST_WITH_LIDS,
    PH_UNIT,
    PORT,
    PRESSURE_CHANNEL,
    PRESSURE_KPA,
    PZEM_UNIT,
    RELAY_LINES,
    TURBIDITY_UNIT,
    Site,
    bin_tables,
    bridge_tables,
    health_tables,
    light_tables,
    water_tables,
)
from simulators.worlds.lights import Feeder
from simulators.worlds.rounds import Weighbridge
from simulators.worlds.sun import LATITUDE, LONGITUDE
from simulators.worlds.village import Sizes, Village
from simulators.worlds.water import WaterWorks

Domain = Literal["waste", "water", "lighting", "switching"]
ALL: tuple[Domain, ...] = ("waste", "water", "lighting")

FILES_EVERY_S = 60
TREMBLE_NTU = 0.001  # a probe that shows 0.01 NTU trembles below that, however still the water is


class SimCommune:
    """Signals between a village and the IO that one node's drivers get."""

    def __init__(
        self,
        io: SimIO,
        village: Village,
        *,
        node: int,
        bins: int,
        domains: Sequence[Domain],
        files_every_s: float,
    ) -> None:
        self.io = io
        self.node = node
        self.gw = f"gw-{node:02}"
        self.village = village
        self._files_every_s = files_every_s
        self._clock = io.clock
        self.sky = village.sky
        self.bins = [self._site(each, bins) for each in range(bins)] if "waste" in domains else []
        self.bus: RtuBus | None = None
        self.probe_faults: dict[str, Faults] = {}
        self.water = village.water if "water" in domains else None
        self.meter: PulseSignal | None = None
        self.level: LoopSignal | None = None
        self.pressure: LoopSignal | None = None
        self.loops: AdsFiles | None = None
        self.lux: LuxFiles | None = None
        self.lights = village.lights if "lighting" in domains else None
        self.door: ContactSignal | None = None
        self.contactor: RelaySignal | None = None
        # two nodes may look at one village; its weighbridge is at the node that has its number
        own = bool(self.bins) and village.sizes.number == node
        self.bridge = village.bridge if own else None
        if self.bridge is not None:
            self._add_bridge(self.bridge)
        if self.water is not None:
            self._add_water(self.water)
        if self.lights is not None:
            self._add_lights(self.lights)
            taken = {line for site in self.bins for line in site.lines}
            if "switching" in domains and not taken & set(RELAY_LINES):
                self._add_relay(self.lights)
        self.thermal = ThermalFiles(io.sysfs, self.cpu_c)
        self._clock.every(files_every_s, self.thermal.refresh)
        self.board = BoardFiles(io.sysfs)

    def cpu_c(self) -> float:
        """Return the Pi's processor temperature in C: an idle one is some 20 K above the air."""
        return self.sky.air_c() + 20.0

    def truth(self, asset: str) -> dict[str, Value]:
        """Return what a perfect sensor would say of an asset now, by field; raise KeyError for no asset."""
        return self._truths()[asset]

    def set_door(self, *, is_open: bool) -> None:
        """Open or shut the lamp cabinet's door; raise ValueError without lights."""
        if self.lights is None:
            raise ValueError("this commune has no lamp cabinet")
        self.lights.open_door(yes=is_open)

    def config_toml(self, *, every: str = "60s", stale_after: str = "180s") -> str:
        """Return node.toml's device and asset tables that fit this commune's wiring."""
        devices: list[Table] = []
        assets: list[Table] = []
        for site in self.bins:
            bin_tables(site, devices, assets)
        if self.bridge is not None:
            bridge_tables(self.bridge.name, devices, assets)
        if self.water is not None:
            water_tables(self.node, devices, assets)
        if self.lights is not None:
            relay = self.contactor is not None
            light_tables(self.node, len(self.lights.lamps), devices, assets, relay=relay)
        health_tables(self.gw, devices, assets)
        for index, asset in enumerate(assets):
            asset |= {"every": every, "stale_after": asset.get("stale_after", stale_after)}
            asset |= {"lat": round(LATITUDE + 0.001 * index, 5), "lon": LONGITUDE + 0.01 * self.node}
        lighting: list[Table] = []
        if self.contactor is not None and self.lights is not None:
            lighting = [{"asset": self.lights.name, "device": "relay", "schedule": {"sunset": 0}}]
        return document({"device": devices, "asset": assets, "lighting": lighting})

    def close(self) -> None:
        """Close the IO; worlds need no closing."""
        self.io.close()

    def _site(self, index: int, bins: int) -> Site:
        width = 3 if bins <= MOST_WITH_LIDS else 2
        lines = BIN_LINES[index * width : (index + 1) * width]
        asset = bin_names(self.node, bins)[index]
        world = self.village.bins[asset]
        trigger, echo = self.io.pin(lines[0]), self.io.pin(lines[1])
        ranger = RangerSignal(self._clock, trigger, echo, world.distance_m, self.sky.air_c)
        lid = None
        if width == 3:
            lid = reed = ContactSignal(self._clock, self.io.pin(lines[2]))
            world.on_lid = lambda is_open: reed.set(closed=not is_open)
        name = f"28-{self.node:08x}{index + 1:04x}"  # all on one 1-Wire bus
        thermometer = ThermometerFiles(self.io.sysfs, world.temperature_c, name, self._clock)
        self._clock.every(self._files_every_s, thermometer.refresh)
        return Site(asset, world, ranger, thermometer, name, lid, lines)

    def _add_bridge(self, bridge: Weighbridge) -> None:
        def last(what: str) -> Callable[[], float]:
            return lambda: float(getattr(bridge.weighings[-1], what)) if bridge.weighings else 0.0

        bus = self.bus = self.io.wire_bus(PORT)
        cells = {
            0: Cell("u32", 1.0, lambda: len(bridge.weighings)),
            2: Cell("u32", 1.0, self._seen("bridge", last("gross_kg"))),
            4: Cell("u32", 1.0, last("tare_kg")),
        }
        bus.add(BRIDGE_UNIT, 3, probe_bank(cells))

    def _add_water(self, water: WaterWorks) -> None:
        self.meter = PulseSignal(self._clock, self.io.pin(METER_LINE), LITRES_PER_PULSE)
        water.meter(self.meter.flow)
        self.level = LoopSignal(self._clock, lambda: water.level_m, 0.0, LEVEL_M)
        self.pressure = LoopSignal(self._clock, lambda: water.pressure_kpa, 0.0, PRESSURE_KPA)
        volts: dict[str, Callable[[], float]] = {LEVEL_CHANNEL: self.level, PRESSURE_CHANNEL: self.pressure}
        self.loops = AdsFiles(self.io.sysfs, volts)
        self._clock.every(self._files_every_s, self.loops.refresh)
        bus = self.bus = self.io.wire_bus(PORT)
        see = self._seen
        ph = Cell("u16", 0.01, see("ph", lambda: water.ph))
        bus.add(PH_UNIT, 3, probe_bank({0: ph, 1: Cell("s16", 0.1, lambda: water.water_c)}))
        turbidity = Cell("f32", 1.0, see("turbidity", lambda: water.turbidity, TREMBLE_NTU))
        bus.add(TURBIDITY_UNIT, 3, probe_bank({0: turbidity}))
        chlorine = Cell("u16", 0.001, see("chlorine", lambda: water.chlorine))
        bus.add(CHLORINE_UNIT, 4, probe_bank({16: chlorine}))

    def _add_lights(self, lights: Feeder) -> None:
        bus = self.bus = self.io.wire_bus(PORT)
        watts = self._seen("power", lambda: lights.power_w)
        bus.add(PZEM_UNIT, 4, pzem_bank(lambda: _supply(lights, watts())))
        self.door = reed = ContactSignal(self._clock, self.io.pin(DOOR_LINE))
        lights.on_door = lambda is_open: reed.set(closed=not is_open)
        self.lux = LuxFiles(self.io.sysfs, lambda: self.sky.lux() / DOME, clock=self._clock)
        self._clock.every(self._files_every_s, self.lux.refresh)

    def _add_relay(self, lights: Feeder) -> None:
        coil, feedback = (self.io.pin(line) for line in RELAY_LINES)
        lights.controlled = True
        lights.switch(on=False)
        self.contactor = it = RelaySignal(self._clock, coil, feedback, lights.switch)

        def weld(yes: bool) -> None:
            (it.faults.inject if yes else it.faults.mend)("welded")
            it.refresh()

        lights.on_weld = weld

    def _seen(self, device: str, value: Callable[[], float], tremble: float = 0.0) -> Distorted:
        faults = self.probe_faults[device] = Faults(**VALUE_FAULTS)
        return Distorted(self._clock, value, faults, device, tremble=tremble)

    def _truths(self) -> dict[str, dict[str, Value]]:
        truths: dict[str, dict[str, Value]] = {
            site.asset: {
                "fillingLevel": site.bin.level,
                "temperature": site.bin.temperature_c(),
                "status": "burning" if site.bin.burning else "lidOpen" if site.bin.lid_open else "ok",
            }
            for site in self.bins
        }
        if self.bridge is not None:
            last = self.bridge.weighings[-1:]
            truths[self.bridge.name] = {"weight": last[0].net_kg} if last else {}
        truths[self.gw] = {"cpuTemperature": self.cpu_c()}
        if (water := self.water) is not None:
            truths[f"quality-{self.node:02}"] = {
                "pH": water.ph,
                "turbidity": water.turbidity,
                "freeChlorine": water.chlorine,
                "temperature": water.water_c,
            }
            truths[f"network-{self.node:02}"] = {
                "waterFlow": water.flow_m3_h,
                "waterLevel": water.level_m,
                "waterPressure": water.pressure_kpa,
            }
            truths[f"meter-{self.node:02}"] = {"waterConsumption": water.volume_m3}
        if (lights := self.lights) is not None:
            truths[f"cabinet-{self.node:02}"] = {
                "voltageR": lights.voltage,
                "intensityR": lights.current_a,
                "totalActivePower": lights.power_w / 1000,
                "energyConsumed": lights.energy_wh / 1000,
                "cosPhi": lights.power_factor,
                "powerState": "on" if lights.lit else "off",
                "illuminance": self.sky.lux(),
                "doorOpen": lights.door_open,
            }
        return truths


def build(
    seed: int,
    clock: VirtualClock,
    *,
    node: int = 1,
    bins: int = 4,
    domains: Sequence[Domain] = ALL,
    sysfs: Path | None = None,
    village: Village | None = None,
    files_every_s: float = FILES_EVERY_S,
) -> SimCommune:
    """Make a commune's node number `node`: the same seed, clock and calls give the same readings.

    It looks at a `village` that others may look at too, or at one of its own. Up to 6 bins have lid
    contacts, up to 10 fit on the header; raise ValueError for more. `files_every_s` is how often the
    kernel's files are written anew. With "switching", and where the bins leave two lines free, the
    node switches the lamps, which needs `lat` and `lon` in its [site]; else they have their own photocell.
    """
    if not 0 <= bins <= MOST_BINS:
        raise ValueError(f"{bins} bins: a Pi's header has lines for at most {MOST_BINS}; build more nodes")
    if village is None:
        names = bin_names(node, bins) if "waste" in domains else ()
        sizes = Sizes(names, water="water" in domains, lights="lighting" in domains, number=node)
        village = Village(clock, f"{seed}/{node}", sizes)
    return SimCommune(
        SimIO(clock, sysfs),
        village,
        node=node,
        bins=bins,
        domains=domains,
        files_every_s=files_every_s,
    )


def bin_names(node: int, count: int) -> list[str]:
    """Return the names of the bins at a node; no two nodes have one in common."""
    return [f"bin-{(node - 1) * MOST_BINS + each:04}" for each in range(1, count + 1)]


def _supply(lights: Feeder, watts: float) -> Supply:
    return Supply(
        lights.voltage, lights.current_a, max(0.0, watts), lights.energy_wh, 50.0, lights.power_factor
    )
