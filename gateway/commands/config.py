"""The tables [commands] and [[lighting]] of node.toml: what switches which lamps, when, and who may else."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec

from gateway.feed import TYPES
from sensors import registry
from sensors.errors import ConfigError
from sensors.settings import Bytes, Settings, did_you_mean
from sensors.text import said

Hour = Annotated[float, msgspec.Meta(ge=0, le=24)]
Minutes = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Action = Literal["on", "off", "auto"]


class Commands(Settings, frozen=True):
    """Table [commands]: off unless `enabled`. Every command is written to `audit`, kept in six files."""

    enabled: bool = False
    audit: Path = Path("/var/lib/commune/commands.log")
    audit_bytes: Bytes = Bytes(1_000_000)


class Schedule(Settings, frozen=True):
    """Table [lighting.schedule]: on from sunset to sunrise, each moved by minutes, dark in between at `dark`.

    `dark` has windows of local hours, such as [23, 4], in which lamps are off to save power.
    """

    sunset: Minutes = 0.0
    sunrise: Minutes = 0.0
    dark: list[tuple[Hour, Hour]] = msgspec.field(default_factory=list)


class Lighting(Settings, frozen=True):
    """One [[lighting]]: the lamps of an asset, the device that switches them, which actions are permitted."""

    asset: str
    device: str
    actions: list[Action] = msgspec.field(default_factory=lambda: ["on", "off", "auto"])
    schedule: Schedule | None = None


class Named(Protocol):
    """A device or an asset of the configuration."""

    @property
    def id(self) -> str:
        """Its name."""


class AssetLike(Named, Protocol):
    """What must be known of an asset."""

    @property
    def type(self) -> str:
        """Its feed type."""


class DeviceLike(Named, Protocol):
    """What must be known of a device."""

    @property
    def driver(self) -> str:
        """The name of its driver."""


def problems(
    lights: Sequence[Lighting],
    assets: Sequence[AssetLike],
    devices: Sequence[DeviceLike],
    *,
    placed: bool,
) -> Iterator[str]:
    """Yield what is wrong with the lamps' tables; `placed` says whether [site] has lat and lon."""
    types = {each.id: each.type for each in assets}
    drivers = {each.id: each.driver for each in devices}
    for number, each in enumerate(lights, 1):
        where = f"lighting {number} ({each.asset}): "
        kind = TYPES.get(types.get(each.asset, ""))
        if each.asset not in types:
            yield where + said(
                "asset: there is no asset {asset!r}{hint}",
                asset=each.asset,
                hint=did_you_mean(each.asset, types),
            )
        elif kind is not None and kind.domain != "lighting":
            yield where + said("asset: it is a {type}, and only lamps are switched", type=types[each.asset])
        if each.device not in drivers:
            yield where + said(
                "device: there is no device {device!r}{hint}",
                device=each.device,
                hint=did_you_mean(each.device, drivers),
            )
        elif not _switches(drivers[each.device]):
            yield where + said(
                "device: driver {driver!r} switches nothing; a relay does", driver=drivers[each.device]
            )
        if each.schedule is not None and not placed:
            yield where + said("[schedule] [site] has no lat and lon, so nobody knows when the sun sets")
        names = [(other.asset, other.device) for other in lights[: number - 1]]
        if any(each.asset == asset or each.device == device for asset, device in names):
            yield where + said("asset and device: each belongs to one [[lighting]] only")


def _switches(name: str) -> bool:
    try:
        return hasattr(registry.driver(name), "switch")
    except ConfigError:
        return True  # an unknown driver is said where the device stands
