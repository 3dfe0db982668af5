"""What samples mean for a bin, a water works, a lamp cabinet: one class a feed type."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, cast, runtime_checkable

import msgspec

from sensors.assets.device import Device
from sensors.assets.lighting import Streetlight, StreetlightControlCabinet
from sensors.assets.moment import NOWHERE, Moment, Remembering
from sensors.assets.waste import WasteContainer
from sensors.assets.water import (
    WaterConsumptionObserved,
    WaterDistributionNetwork,
    WaterQualityObserved,
)
from sensors.assets.weighing import WasteObserved
from sensors.calibration import Record
from sensors.errors import ConfigError
from sensors.sample import Observation, Sample
from sensors.text import said

__all__ = ["Asset", "Calibratable", "Moment", "Occasional", "Remembering", "asset_class", "asset_types"]

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

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:
        """Make one observation of the samples by input name; inputs that are not wired are left out.

        A model that learns from the moments it saw is also `Remembering`.
        """


@runtime_checkable
class Calibratable(Protocol):
    """A model with a calibration of its own, beside those of the devices: the empty and full of a bin."""

    def calibrate(self, record: Record | None) -> None:
        """Use the record that holds; None for what the configuration says."""


@runtime_checkable
class Occasional(Protocol):
    """A model of what happens now and then: it is asked in its rhythm, and speaks when there is something."""

    def worth_telling(self, seen: Observation, samples: Mapping[str, Sample]) -> Observation | None:
        """Return what is to be told of what `combine` has just made of these samples; None for nothing."""


# mypy takes a nested class for no class variable, though it is one
_ALL = cast(
    "tuple[type[Asset], ...]",
    (
        WasteContainer,
        WasteObserved,
        WaterQualityObserved,
        WaterDistributionNetwork,
        WaterConsumptionObserved,
        Streetlight,
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
    raise ConfigError(
        said(
            "unknown asset type {type_name!r}; known are: {known}",
            type_name=type_name,
            known=", ".join(asset_types()),
        )
    )
