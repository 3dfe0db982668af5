"""Which line, bus and unit each device of a simulated commune is on, and what its node.toml says of it."""

from dataclasses import dataclass

from simulators.signals.contact import ContactSignal
from simulators.signals.hcsr04 import RangerSignal
from simulators.signals.w1 import ThermometerFiles
from simulators.toml import Table
from simulators.worlds.bins import Bin

CARD = "mmcblk0"
PORT = "/dev/ttyUSB0"
PH_UNIT, TURBIDITY_UNIT, CHLORINE_UNIT, PZEM_UNIT, BRIDGE_UNIT = 1, 2, 3, 11, 12
LITRES_PER_PULSE = 10.0
LEVEL_M, PRESSURE_KPA = 5.0, 600.0  # at 20 mA: a submersible level probe, a gauge on the main
LEVEL_CHANNEL, PRESSURE_CHANNEL = "0", "1"
DOME = 2.5  # the light sensor's dome passes two fifths, so that noon does not saturate it
# the header's lines without GPIO0..3 (identity, fixed pull-ups) and 14, 15 (the serial console, or here
# the thermometers' 1-Wire: dtoverlay=w1-gpio,gpiopin=15)
METER_LINE, DOOR_LINE = "GPIO4", "GPIO27"
RELAY_LINES = ("GPIO25", "GPIO26")  # the contactor and its feedback, where the bins leave them free
BIN_LINES = tuple(f"GPIO{n}" for n in (*range(5, 14), *range(16, 27)))
MOST_BINS, MOST_WITH_LIDS = len(BIN_LINES) // 2, len(BIN_LINES) // 3


@dataclass(frozen=True, slots=True)
class Site:
    """One bin with its ranger, its thermometer and, where there are lines enough, its lid's reed."""

    asset: str
    bin: Bin
    ranger: RangerSignal
    thermometer: ThermometerFiles
    thermometer_name: str
    lid: ContactSignal | None
    lines: tuple[str, ...]


def bin_tables(site: Site, devices: list[Table], assets: list[Table]) -> None:
    """Add a bin: its ranger, its thermometer and, where it has one, its lid."""
    number = site.asset.removeprefix("bin-")
    echo = f"echo-{number}"
    ranger: Table = {"trigger": site.lines[0], "echo": site.lines[1], "temperature": 28.0}
    devices.append({"id": echo, "driver": "hcsr04", "bus": "gpio", "config": ranger})
    warmth = f"temperature-{number}"
    devices.append({"id": warmth, "driver": "ds18b20", "config": {"device": site.thermometer_name}})
    inputs: Table = {"distance": f"{echo}.distance", "temperature": f"{warmth}.temperature"}
    if site.lid is not None:
        devices.append(_contact(f"lid-{number}", site.lines[2]))
        inputs["lid"] = f"lid-{number}.active"
    size = site.bin.kind
    geometry: Table = {"empty_m": size.empty_m, "full_m": size.mount_m}
    assets.append(
        {
            "id": site.asset,
            "type": "WasteContainer",
            "name": f"Thùng rác {number}",
            "config": geometry,
            "inputs": inputs,
        }
    )


def bridge_tables(asset: str, devices: list[Table], assets: list[Table]) -> None:
    """Add the weighbridge: its indicator keeps the last weighing, with a number, until the next lorry."""
    metrics = (("ticket", 0, "C62"), ("gross", 2, "KGM"), ("tare", 4, "KGM"))
    registers = [
        {"metric": metric, "address": address, "unit": unit, "type": "u32"}
        for metric, address, unit in metrics
    ]
    config: Table = {"port": PORT, "unit": BRIDGE_UNIT, "registers": registers}
    devices.append({"id": "bridge", "driver": "modbus-probe", "config": config})
    inputs: Table = {metric: f"bridge.{metric}" for metric, _, _ in metrics}
    assets.append(
        {
            "id": asset,
            "type": "WasteObserved",
            "name": "Cân xe rác",
            "stale_after": "7d",  # no lorry comes every hour
            "inputs": inputs,
        }
    )


def water_tables(node: int, devices: list[Table], assets: list[Table]) -> None:
    """Add the probes on RS-485, the meter, the tank's level and the main's pressure."""
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
    for name, channel, metric, code, high in (
        ("level", LEVEL_CHANNEL, "waterLevel", "MTR", LEVEL_M),
        ("pressure", PRESSURE_CHANNEL, "waterPressure", "KPA", PRESSURE_KPA),
    ):
        loop: Table = {"channel": channel, "metric": metric, "unit": code, "low": 0.0, "high": high}
        devices.append({"id": name, "driver": "ads1115", "config": loop})
    mains: Table = {
        "flow": "meter.flow",
        "level": "level.waterLevel",
        "pressure": "pressure.waterPressure",
    }
    probes: Table = {
        "pH": "ph.pH",
        "temperature": "ph.temperature",
        "turbidity": "turbidity.turbidity",
        "freeChlorine": "chlorine.freeChlorine",
    }
    for kind, type_name, name, inputs in (
        ("quality", "WaterQualityObserved", "Chất lượng nước", probes),
        ("network", "WaterDistributionNetwork", "Mạng cấp nước", mains),
        ("meter", "WaterConsumptionObserved", "Đồng hồ tổng", {"volume": "meter.volume"}),
    ):
        asset = f"{kind}-{node:02}"
        assets.append({"id": asset, "type": type_name, "name": name, "inputs": inputs})


def light_tables(
    node: int, lamps: int, devices: list[Table], assets: list[Table], *, relay: bool = False
) -> None:
    """Add the lamp cabinet: its power meter, its light sensor, its door, and its contactor if it has one."""
    devices.append({"id": "power", "driver": "pzem004t", "config": {"port": PORT, "unit": PZEM_UNIT}})
    devices.append({"id": "lux", "driver": "bh1750", "config": {"dome": DOME}})
    devices.append(_contact("door", DOOR_LINE))
    inputs: Table = {
        name: f"power.{name}" for name in ("voltage", "current", "power", "energy", "powerFactor")
    }
    inputs |= {"illuminance": "lux.illuminance", "door": "door.active"}
    if relay:
        coil, feedback = RELAY_LINES
        devices.append({"id": "relay", "driver": "relay", "config": {"line": coil, "feedback": feedback}})
        inputs["relay"] = "relay.commanded"
    assets.append(
        {
            "id": f"cabinet-{node:02}",
            "type": "StreetlightControlCabinet",
            "name": "Tủ điện chiếu sáng",
            "config": {"lamps": lamps},
            "inputs": inputs,
        }
    )


def _contact(device: str, line: str) -> Table:
    return {"id": device, "driver": "contact", "config": {"line": line, "invert": True}}


def health_tables(gw: str, devices: list[Table], assets: list[Table]) -> None:
    """Add the Pi itself, its supply and its card."""
    devices.append({"id": "pi", "driver": "pi-health", "config": {"path": "/", "supply": True, "card": CARD}})
    inputs: Table = {
        name: f"pi.{name}" for name in ("cpuTemperature", "diskFree", "underVoltage", "cardWear")
    }
    assets.append({"id": gw, "type": "Device", "name": f"Trạm đo {gw}", "inputs": inputs})
