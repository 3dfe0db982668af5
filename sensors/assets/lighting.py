"""What samples mean for a lamp cabinet: what its lamps draw, and whether they are lit."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from sensors.assets.fold import Fold
from sensors.sample import Observation, Sample
from sensors.settings import Settings


class StreetlightControlCabinet:
    """The cabinet of one feeder, its meter on phase R."""

    type: ClassVar[str] = "StreetlightControlCabinet"
    inputs: ClassVar[tuple[str, ...]] = (
        "voltage", "current", "power", "energy", "powerFactor", "illuminance", "door",
    )  # fmt: skip
    needs: ClassVar[tuple[str, ...]] = ("power",)

    class Config(Settings, frozen=True):
        """Power in W from which the lamps count as on, and below which as dimmed (0: they cannot be)."""

        on_w: Annotated[float, msgspec.Meta(gt=0)] = 20.0
        low_w: Annotated[float, msgspec.Meta(ge=0)] = 0.0

    def __init__(self, config: Config) -> None:
        self._config = config

    def combine(self, samples: Mapping[str, Sample]) -> Observation:
        """Return V, A, kW, kWh, power factor, lx, the door, and powerState as the power shows it."""
        fold = Fold(samples)
        fold.take("voltage", "voltageR")
        fold.take("current", "intensityR")
        fold.take("power", "totalActivePower", _kilowatts)
        fold.take("energy", "energyConsumed")
        fold.take("powerFactor", "cosPhi")
        fold.take("power", "powerState", self._state)
        fold.take("illuminance", "illuminance")
        fold.take("door", "doorOpen", bool)
        return fold.observation()

    def _state(self, power_w: float) -> str:
        if power_w < self._config.on_w:
            return "off"
        return "low" if power_w < self._config.low_w else "on"


def _kilowatts(watts: float) -> float:
    return watts / 1000
