"""One ready simulated commune: worlds behind a Pi's lines, files and buses, and the node.toml to match."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sensors.sample import Value
from simulators.clock import VirtualClock
from simulators.io import SimIO
from simulators.signals.contact import ContactSignal
from simulators.signals.hcsr04 import RangerSignal
from simulators.signals.iio import LuxFiles
from simulators.signals.modbus import Cell, RtuBus, Supply, probe_bank, pzem_bank
from simulators.signals.pulses import PulseSignal
from simulators.signals.thermal import ThermalFiles
from simulators.toml import Table, document
from simulators.worlds.bins import Bin
from simulators.worlds.lights import Feeder
from simulators.worlds.sun import LATITUDE, LONGITUDE
from simulators.worlds.village import Sizes, Village
from simulators.worlds.water import WaterWorks

Domain = Literal["waste", "water", "lighting"]
ALL: tuple[Domain, ...] = ("waste", "water", "lighting")

PORT = "/dev/ttyUSB0"
PH_UNIT, TURBIDITY_UNIT, CHLORINE_UNIT, PZEM_UNIT = 1, 2, 3, 11
LITRES_PER_PULSE = 10.0
DOME = 2.5  # the light sensor's dome passes two fifths, so that noon does not saturate it
FILES_EVERY_S = 60
# the header's lines without GPIO0..3 (identity, fixed pull-ups) and 14, 15 (the serial console)
METER_LINE, DOOR_LINE = "GPIO4", "GPIO27"
BIN_LINES = tuple(f"GPIO{n}" for n in (*range(5, 14), *range(16, 27)))
MOST_BINS, MOST_WITH_LIDS = len(BIN_LINES) // 2, len(BIN_LINES) // 3


@dataclass(frozen=True, slots=True)
class Site:
    """One bin with its ranger and, where there are lines enough, its lid's reed."""

    asset: str
    bin: Bin
    ranger: RangerSignal
    lid: ContactSignal | None
    lines: tuple[str, ...]


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
        self.water = village.water if "water" in domains else None
        self.meter: PulseSignal | None = None
        self.lights = village.lights if "lighting" in domains else None
        self.door: ContactSignal | None = None
        if self.water is not None:
            self._add_water(self.water)
        if self.lights is not None:
            self._add_lights(self.lights)
        thermal = ThermalFiles(io.sysfs, self.cpu_c)
        self._clock.every(files_every_s, thermal.refresh)

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
            self._bin_tables(site, devices, assets)
        if self.water is not None:
            self._water_tables(devices, assets)
        if self.lights is not None:
            self._light_tables(devices, assets)
        devices.append({"id": "pi", "driver": "pi-health", "config": {"path": "/"}})
        inputs = {"cpuTemperature": "pi.cpuTemperature", "diskFree": "pi.diskFree"}
        assets.append({"id": self.gw, "type": "Device", "name": f"Trạm đo {self.gw}", "inputs": inputs})
        for index, asset in enumerate(assets):
            asset |= {"every": every, "stale_after": stale_after}
            asset |= {"lat": round(LATITUDE + 0.001 * index, 5), "lon": LONGITUDE + 0.01 * self.node}
        return document({"device": devices, "asset": assets})

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
        return Site(asset, world, ranger, lid, lines)

    def _add_water(self, water: WaterWorks) -> None:
        self.meter = PulseSignal(self._clock, self.io.pin(METER_LINE), LITRES_PER_PULSE)
        water.meter(self.meter.flow)
        bus = self.bus = self.io.wire_bus(PORT)
        ph = {0: Cell("u16", 0.01, lambda: water.ph), 1: Cell("s16", 0.1, lambda: water.water_c)}
        bus.add(PH_UNIT, 3, probe_bank(ph))
        bus.add(TURBIDITY_UNIT, 3, probe_bank({0: Cell("f32", 1.0, lambda: water.turbidity)}))
        bus.add(CHLORINE_UNIT, 4, probe_bank({16: Cell("u16", 0.001, lambda: water.chlorine)}))

    def _add_lights(self, lights: Feeder) -> None:
        bus = self.bus = self.io.wire_bus(PORT)
        bus.add(PZEM_UNIT, 4, pzem_bank(lambda: _supply(lights)))
        self.door = reed = ContactSignal(self._clock, self.io.pin(DOOR_LINE))
        lights.on_door = lambda is_open: reed.set(closed=not is_open)
        lux = LuxFiles(self.io.sysfs, lambda: self.sky.lux() / DOME)
        self._clock.every(self._files_every_s, lux.refresh)

    def _truths(self) -> dict[str, dict[str, Value]]:
        truths: dict[str, dict[str, Value]] = {
            site.asset: {"fillingLevel": site.bin.level, "status": "lidOpen" if site.bin.lid_open else "ok"}
            for site in self.bins
        }
        truths[self.gw] = {"cpuTemperature": self.cpu_c()}
        if (water := self.water) is not None:
            truths[f"quality-{self.node:02}"] = {
                "pH": water.ph,
                "turbidity": water.turbidity,
                "freeChlorine": water.chlorine,
                "temperature": water.water_c,
            }
            truths[f"network-{self.node:02}"] = {"waterFlow": water.flow_m3_h}
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

    def _bin_tables(self, site: Site, devices: list[Table], assets: list[Table]) -> None:
        number = site.asset.removeprefix("bin-")
        echo = f"echo-{number}"
        ranger: Table = {"trigger": site.lines[0], "echo": site.lines[1], "temperature": 28.0}
        devices.append({"id": echo, "driver": "hcsr04", "bus": "gpio", "config": ranger})
        inputs: Table = {"distance": f"{echo}.distance"}
        if site.lid is not None:
            devices.append(_contact(f"lid-{number}", site.lines[2]))
            inputs["lid"] = f"lid-{number}.active"
        kind = site.bin.kind
        geometry: Table = {"empty_m": kind.empty_m, "full_m": kind.mount_m}
        assets.append(
            {
                "id": site.asset,
                "type": "WasteContainer",
                "name": f"Thùng rác {number}",
                "config": geometry,
                "inputs": inputs,
            }
        )

    def _water_tables(self, devices: list[Table], assets: list[Table]) -> None:
        ph = [
            {"metric": "pH", "address": 0, "unit": "Q30", "scale": 0.01, "min": 0.0, "max": 14.0},
            {"metric": "temperature", "address": 1, "unit": "CEL", "type": "s16", "scale": 0.1},
        ]
        turbidity = [{"metric": "turbidity", "address": 0, "unit": "NTU", "type": "f32", "min": 0.0}]
        chlorine = [
            {
                "metric": "freeChlorine",
                "address": 16,
                "unit": "M1",
                "function": 4,
                "scale": 0.001,
                "max": 20.0,
            }
        ]
        for name, unit, registers in (
            ("ph", PH_UNIT, ph),
            ("turbidity", TURBIDITY_UNIT, turbidity),
            ("chlorine", CHLORINE_UNIT, chlorine),
        ):
            config: Table = {"port": PORT, "unit": unit, "registers": registers}
            devices.append({"id": name, "driver": "modbus-probe", "config": config})
        meter: Table = {"line": METER_LINE, "litres_per_pulse": LITRES_PER_PULSE, "max_flow": 60.0}
        devices.append({"id": "meter", "driver": "pulse-flow", "config": meter})
        probes: Table = {
            "pH": "ph.pH",
            "temperature": "ph.temperature",
            "turbidity": "turbidity.turbidity",
            "freeChlorine": "chlorine.freeChlorine",
        }
        for kind, type_name, name, inputs in (
            ("quality", "WaterQualityObserved", "Chất lượng nước", probes),
            ("network", "WaterDistributionNetwork", "Mạng cấp nước", {"flow": "meter.flow"}),
            ("meter", "WaterConsumptionObserved", "Đồng hồ tổng", {"volume": "meter.volume"}),
        ):
            asset = f"{kind}-{self.node:02}"
            assets.append({"id": asset, "type": type_name, "name": name, "inputs": inputs})

    def _light_tables(self, devices: list[Table], assets: list[Table]) -> None:
        devices.append({"id": "power", "driver": "pzem004t", "config": {"port": PORT, "unit": PZEM_UNIT}})
        devices.append({"id": "lux", "driver": "bh1750", "config": {"dome": DOME}})
        devices.append(_contact("door", DOOR_LINE))
        inputs: Table = {
            name: f"power.{name}" for name in ("voltage", "current", "power", "energy", "powerFactor")
        }
        inputs |= {"illuminance": "lux.illuminance", "door": "door.active"}
        assets.append(
            {
                "id": f"cabinet-{self.node:02}",
                "type": "StreetlightControlCabinet",
                "name": "Tủ điện chiếu sáng",
                "inputs": inputs,
            }
        )


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
    kernel's files are written anew.
    """
    if not 0 <= bins <= MOST_BINS:
        raise ValueError(f"{bins} bins: a Pi's header has lines for at most {MOST_BINS}; build more nodes")
    if village is None:
        names = bin_names(node, bins) if "waste" in domains else ()
        sizes = Sizes(names, water="water" in domains, lights="lighting" in domains, number=node)
        village = Village(clock, f"{seed}/{node}", sizes)
    return SimCommune(
        SimIO(clock, sysfs), village, node=node, bins=bins, domains=domains, files_every_s=files_every_s
    )


def bin_names(node: int, count: int) -> list[str]:
    """Return the names of the bins at a node; no two nodes have one in common."""
    return [f"bin-{(node - 1) * MOST_BINS + each:04}" for each in range(1, count + 1)]


def _contact(device: str, line: str) -> Table:
    return {"id": device, "driver": "contact", "config": {"line": line, "invert": True}}


def _supply(lights: Feeder) -> Supply:
    return Supply(
        lights.voltage, lights.current_a, lights.power_w, lights.energy_wh, 50.0, lights.power_factor
    )
