"""A commune as its sensors would see it, without drivers: a month passes in seconds, faults included."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sensors.errors import ConfigError
from sensors.sample import Observation, Quality, Value
from sensors.settings import did_you_mean
from simulators.fleet.assets import Asset
from simulators.scenario import Scenario
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults
from simulators.worlds.bins import Bin
from simulators.worlds.village import Village

SILENT = {
    "silence": "it does not answer; no size",
    "cut": "its wire is cut; no size",
    "crc": "its answers come garbled; no size",
}
"""Faults that leave no value at all."""
NODE_FAULTS = {
    "brown-out": "the node is without power, and reads nothing; no size",
    "clock-step": "a hand sets its clock wrong by so many seconds, until a time source has it back",
}
BOARD_FAULTS = {"under-voltage": "its supply is too weak; no size"}
_REASONS = {"silence": "no-comm", "cut": "no-comm", "crc": "crc"}


@dataclass(frozen=True, slots=True)
class Sight:
    """One field of an asset: which device sees what, how many digits stay, what the asset makes of it."""

    field: str
    device: str
    value: Callable[[], Value]
    digits: int = 3
    made: Callable[[float], float] | None = None


class Sights:
    """All assets of a village, and the faults of the devices that look at them by device."""

    def __init__(self, scenario: Scenario, village: Village) -> None:
        self._village = village
        self.gw = "gw-01"
        self.faults: dict[str, Faults] = {self.gw: Faults(**NODE_FAULTS)}
        self.faults["pi"] = Faults(**VALUE_FAULTS, **SILENT, **BOARD_FAULTS)
        self.assets: list[Asset] = []
        self._sights: dict[str, list[Sight]] = {}
        self._seed = scenario.seed
        self._add(
            Asset(self.gw, "Device", f"Trạm đo {self.gw}", 0.0),
            [
                Sight("cpuTemperature", "pi", self._cpu_c, 1),
                Sight("underVoltage", "pi", lambda: "under-voltage" in self.faults["pi"]),
            ],
        )
        for name, bin_ in village.bins.items():
            self._add_bin(name, bin_)
        self._add_water()
        self._add_lights()
        self._schedule(scenario)
        self.bridge = Asset(village.bridge.name, "WasteObserved", "Cân xe rác", 0.5)

    def observe(self, asset: Asset) -> Observation | None:
        """Return what is seen of an asset now; None while the node is without power."""
        if "brown-out" in self.faults[self.gw]:
            return None
        fields: dict[str, Value] = {}
        reasons: dict[str, str] = {}
        quality = Quality.GOOD
        for sight in self._sights[asset.name]:
            broken = next((kind for kind in SILENT if kind in self.faults[sight.device]), None)
            if broken is not None:
                reasons[sight.field], quality = _REASONS[broken], Quality.BAD
                continue
            value = sight.value()
            if type(value) is float:
                value = round(value if sight.made is None else sight.made(value), sight.digits)
            fields[sight.field] = value
        bin_ = self._village.bins.get(asset.name)
        if bin_ is not None and bin_.lid_open and "fillingLevel" in fields:
            reasons["fillingLevel"], quality = "lid-open", max(quality, Quality.UNCERTAIN)
        return Observation(fields, quality, reasons or None)

    def _add(self, asset: Asset, sights: list[Sight]) -> None:
        self.assets.append(asset)
        self._sights[asset.name] = [self._through_faults(each) for each in sights]

    def _through_faults(self, sight: Sight) -> Sight:
        faults = self.faults.setdefault(sight.device, Faults(**VALUE_FAULTS, **SILENT))
        first = sight.value()
        if type(first) is not float:
            return sight
        seed = f"{self._seed}/{sight.device}/{sight.field}"
        # what a closure returns is a float from here on: only such fields tremble and drift
        seen = Distorted(self._village.clock, lambda: float(sight.value()), faults, seed)
        return replace(sight, value=seen)

    def _cpu_c(self) -> float:
        return self._village.sky.air_c() + 20.0

    def _add_bin(self, name: str, bin_: Bin) -> None:
        number = name.removeprefix("bin-")

        def distance() -> float:
            distance_m = bin_.distance_m()
            return bin_.kind.empty_m if distance_m is None else distance_m

        def level(distance_m: float) -> float:
            return min(1.0, max(0.0, (bin_.kind.empty_m - distance_m) / bin_.kind.depth_m))

        def status() -> str:
            return "burning" if bin_.temperature_c() > 60 else "lidOpen" if bin_.lid_open else "ok"

        self._add(
            Asset(name, "WasteContainer", f"Thùng rác {number}", int(number) * 0.618 % 1),
            [
                Sight("fillingLevel", f"echo-{number}", distance, 4, level),
                Sight("temperature", f"temperature-{number}", bin_.temperature_c, 1),
                Sight("status", f"lid-{number}", status),
            ],
        )

    def _add_water(self) -> None:
        water = self._village.water
        if water is None:
            return
        quality = [
            Sight("pH", "ph", lambda: water.ph, 2),
            Sight("temperature", "ph", lambda: water.water_c, 1),
            Sight("turbidity", "turbidity", lambda: water.turbidity, 2),
            Sight("freeChlorine", "chlorine", lambda: water.chlorine, 3),
        ]
        network = [
            Sight("waterFlow", "meter", lambda: water.flow_m3_h, 2),
            Sight("waterLevel", "level", lambda: water.level_m, 3),
            Sight("waterPressure", "pressure", lambda: water.pressure_kpa, 1),
        ]
        self._add(Asset("quality-01", "WaterQualityObserved", "Chất lượng nước", 0.1), quality)
        self._add(Asset("network-01", "WaterDistributionNetwork", "Mạng cấp nước", 0.2), network)
        consumption = [Sight("waterConsumption", "meter", lambda: water.volume_m3, 2)]
        self._add(Asset("meter-01", "WaterConsumptionObserved", "Đồng hồ tổng", 0.3), consumption)

    def _add_lights(self) -> None:
        lights = self._village.lights
        if lights is None:
            return
        sights = [
            Sight("voltageR", "power", lambda: lights.voltage, 1),
            Sight("intensityR", "power", lambda: lights.current_a, 3),
            Sight("totalActivePower", "power", lambda: lights.power_w / 1000, 4),
            Sight("energyConsumed", "power", lambda: lights.energy_wh / 1000, 3),
            Sight("cosPhi", "power", lambda: lights.power_factor, 2),
            Sight("powerState", "power", lambda: "on" if lights.power_w > 20 else "off"),
            Sight("illuminance", "lux", self._village.sky.lux, 1),
            Sight("doorOpen", "door", lambda: lights.door_open),
        ]
        self._add(Asset(lights.name, "StreetlightControlCabinet", "Tủ điện chiếu sáng", 0.4), sights)

    def _schedule(self, scenario: Scenario) -> None:
        switch(scenario, self._village, self.faults)


def switch(scenario: Scenario, village: Village, faults: Mapping[str, Faults]) -> None:
    """Put a scenario's faults on the clock; raise ConfigError that names the table when one cannot be."""
    problems = []
    for number, each in enumerate(scenario.faults, 1):
        where = f"{scenario.name}: [[fault]] {number}: "
        if each.on not in faults:
            problems.append(f"{where}on: no device {each.on!r} here{did_you_mean(each.on, faults)}")
            continue
        known = faults[each.on].known
        if each.kind not in known:
            problems.append(
                f"{where}kind: {each.on} cannot have {each.kind!r}; it can have: {', '.join(sorted(known))}"
            )
            continue
        village.clock.after(each.at, lambda it=each: faults[it.on].inject(it.kind, it.size))  # type: ignore[misc]
        if each.for_ is not None:
            village.clock.after(each.at + each.for_, lambda it=each: faults[it.on].mend(it.kind))  # type: ignore[misc]
    if problems:
        raise ConfigError("\n".join(problems))
