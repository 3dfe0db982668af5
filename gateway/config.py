"""The node's configuration: what stands where, and what reads it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gateway.alarms.config import AlarmConfig, Alarms
from gateway.check.config import Desk
from gateway.commands.config import Commands, Lighting
from gateway.feed.limits import Limit
from gateway.feed.tls import Tls
from gateway.homeassistant import HomeAssistant
from gateway.wiring import marked
from sensors.quality import Checks
from sensors.secrets import read_secret
from sensors.settings import Bytes, Seconds, Settings

STALE_CYCLES = 3  # one lost cycle is weather, three are a fault

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class Site(Settings, frozen=True):
    """Table [site]: which commune the node serves, by its official unit codes, and the node's own name."""

    province: str
    commune: str
    gw: str
    name: str = ""
    lat: Latitude | None = None
    lon: Longitude | None = None


class Mqtt(Tls, frozen=True):
    """Table [mqtt]: the broker, and who takes custody of what is sent: the edge, or the broker itself."""

    host: str = "localhost"
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1883
    username: str | None = None
    password_file: Path | None = None
    custody: Literal["edge", "broker"] = "edge"
    keepalive: Seconds = Seconds(30)

    def password(self) -> str | None:
        """Read the password from its file, without the line's end; raise ConfigError when that fails."""
        return read_secret(self.password_file, "[mqtt] password_file") if self.password_file else None


class Spool(Settings, frozen=True):
    """Table [spool]: where readings wait, and how long a commit may wait for company, for the card's sake.

    `max_bytes` is what may wait, `min_free` what stays free on the disk; beyond, the oldest are thinned.
    """

    path: Path = Path("/var/lib/commune/node.db")
    linger: Seconds = Seconds(1.5)
    max_bytes: Bytes = Bytes(1_000_000_000)
    min_free: Bytes = Bytes(200_000_000)


class Clock(Settings, frozen=True):
    """Table [clock]: whether readings wait for a synchronised clock before they are dated."""

    require_sync: bool = True


class DeviceConfig(Settings, frozen=True):
    """One [[device]]: a chip or meter. Its driver checks `config`; without `bus` the wiring names it.

    `checks` are rules for its metrics, over the usual ones.
    """

    id: str
    driver: str
    bus: str | None = None
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    checks: list[Checks] = msgspec.field(default_factory=list)


class AssetConfig(Settings, frozen=True):
    """One [[asset]]: a bin, a water works, a lamp cabinet. `inputs` maps its inputs to "device.metric".

    `stale_after` is three times `every` when it is left out. `limits` maps a field to [low, high].
    """

    id: str
    type: str
    every: Seconds
    name: str = ""
    stale_after: Seconds = Seconds(0)
    lat: Latitude | None = None
    lon: Longitude | None = None
    limits: dict[str, list[float]] = msgspec.field(default_factory=dict)
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    inputs: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.stale_after:
            msgspec.structs.force_setattr(self, "stale_after", Seconds(STALE_CYCLES * self.every))


class Calibration(Settings, frozen=True):
    """Table [calibration]: the file of the history; beside the spool when it is left out."""

    path: Path | None = None


class NodeConfig(Settings, frozen=True):
    """A whole node.toml; `load` has checked that its parts fit each other."""

    site: Site
    mqtt: Mqtt = Mqtt()
    spool: Spool = Spool()
    clock: Clock = Clock()
    alarms: Alarms = Alarms()
    rules: list[AlarmConfig] = msgspec.field(default_factory=list, name="alarm")
    limits: list[Limit] = msgspec.field(default_factory=list, name="limit")
    commands: Commands = Commands()
    lights: list[Lighting] = msgspec.field(default_factory=list, name="lighting")
    calibration: Calibration = Calibration()
    desk: Desk = Desk()
    homeassistant: HomeAssistant = HomeAssistant()
    devices: list[DeviceConfig] = msgspec.field(default_factory=list, name="device")
    assets: list[AssetConfig] = msgspec.field(default_factory=list, name="asset")

    @property
    def calibrations(self) -> Path:
        """Return where the history of calibrations is kept."""
        return self.calibration.path or self.spool.path.with_name("calibrations.jsonl")


def bus_of(device: DeviceConfig, settings: msgspec.Struct) -> str:
    """Name the bus whose worker reads the device: as configured, else its serial port, gpio or sysfs."""
    if device.bus is not None:
        return device.bus
    for _, port in marked(settings, "port"):
        return port
    return "gpio" if any(marked(settings, "line")) else "sysfs"
