"""What samples mean for a water works: quality at a point, the state of the network, a meter's index."""

from collections.abc import Mapping
from typing import ClassVar

from sensors.assets.fold import Fold
from sensors.sample import Observation, Sample
from sensors.settings import Settings


class _Passed:
    """An asset whose inputs are its fields, one to one, in the fields' units."""

    fields: ClassVar[dict[str, str]]

    class Config(Settings, frozen=True):
        """Nothing to set."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def combine(self, samples: Mapping[str, Sample]) -> Observation:
        """Return each wired input as the field it stands for."""
        fold = Fold(samples)
        for name, field in self.fields.items():
            fold.take(name, field)
        return fold.observation()


class WaterQualityObserved(_Passed):
    """Water quality at one point: pH, NTU, mg/L, uS/cm as in the feed's units."""

    type: ClassVar[str] = "WaterQualityObserved"
    inputs: ClassVar[tuple[str, ...]] = (
        "pH", "turbidity", "freeChlorine", "conductivity", "tds", "temperature",
    )  # fmt: skip
    needs: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[dict[str, str]] = {name: name for name in inputs}


class WaterDistributionNetwork(_Passed):
    """Flow in m3/h, level in m and pressure in kPa of a network."""

    type: ClassVar[str] = "WaterDistributionNetwork"
    inputs: ClassVar[tuple[str, ...]] = ("flow", "level", "pressure")
    needs: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[dict[str, str]] = {
        "flow": "waterFlow",
        "level": "waterLevel",
        "pressure": "waterPressure",
    }


class WaterConsumptionObserved(_Passed):
    """The index of a water meter in m3."""

    type: ClassVar[str] = "WaterConsumptionObserved"
    inputs: ClassVar[tuple[str, ...]] = ("volume",)
    needs: ClassVar[tuple[str, ...]] = ("volume",)
    fields: ClassVar[dict[str, str]] = {"volume": "waterConsumption"}
