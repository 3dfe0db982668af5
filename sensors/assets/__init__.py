"""What samples mean for a bin, a water works, a lamp cabinet: one class a feed type."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, cast

import msgspec

from sensors.assets.device import Device
from sensors.assets.lighting import StreetlightControlCabinet
from sensors.assets.waste import WasteContainer
from sensors.assets.water import (
    WaterConsumptionObserved,
    WaterDistributionNetwork,
    WaterQualityObserved,
)
from sensors.errors import ConfigError
from sensors.sample import Observation, Sample

ConfigClass: TypeAlias = type[msgspec.Struct]


class Asset(Protocol):
    """One kind of thing that the feed speaks of.

    `inputs` names all that it can be made from, `needs` those without which it says nothing.
    """

    type: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]]
    Config: ClassVar[ConfigClass]

    def __init__(self, config: Any) -> None: ...

    def combine(self, samples: Mapping[str, Sample]) -> Observation:
        """Make one observation of the samples by input name; inputs that are not wired are left out."""


# mypy takes a nested class for no class variable, though it is one
_ALL = cast(
    "tuple[type[Asset], ...]",
    (
        WasteContainer,
        WaterQualityObserved,
        WaterDistributionNetwork,
        WaterConsumptionObserved,
        StreetlightControlCabinet,
        Device,
    ),
)


def asset_types() -> list[str]:
    """Return the names of all known types, sorted."""
    return sorted(each.type for each in _ALL)


def asset_class(type_name: str) -> type[Asset]:
    """Return the class of that feed type; raise ConfigError that lists the known ones."""
    for each in _ALL:
        if each.type == type_name:
            return each
    raise ConfigError(f"unknown asset type {type_name!r}; known are: {', '.join(asset_types())}")
