"""What samples mean for a bin: how full it is, and whether that can be believed."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from sensors.assets.fold import Fold
from sensors.sample import Observation, Quality, Sample
from sensors.settings import Settings

BURNING_C = 60.0  # no sun heats a bin's inside that far; a smouldering fire passes it within minutes
BELOW_BOTTOM_M = 0.15  # farther than the empty bin's bottom by this much: it is not the bottom that is seen


class WasteContainer:
    """A bin with a ranger under its lid, looking down."""

    type: ClassVar[str] = "WasteContainer"
    inputs: ClassVar[tuple[str, ...]] = ("distance", "lid", "temperature")
    needs: ClassVar[tuple[str, ...]] = ("distance",)

    class Config(Settings, frozen=True):
        """Distance in m from the ranger to the bottom of the empty bin, and to the waste when it is full."""

        empty_m: Annotated[float, msgspec.Meta(gt=0, le=6)]
        full_m: Annotated[float, msgspec.Meta(ge=0)]

        def __post_init__(self) -> None:
            if self.full_m >= self.empty_m:
                raise ValueError(f"full_m ({self.full_m}) must be less than empty_m ({self.empty_m})")

    def __init__(self, config: Config) -> None:
        self._config = config

    def combine(self, samples: Mapping[str, Sample]) -> Observation:
        """Return fillingLevel 0..1, temperature and status; an open lid makes the level uncertain."""
        fold = Fold(samples)
        fold.take("distance", "fillingLevel", self._level)
        fold.take("temperature", "temperature")
        distance_m = fold.value("distance")
        if isinstance(distance_m, float) and distance_m > self._config.empty_m + BELOW_BOTTOM_M:
            fold.doubt("fillingLevel", "range")
        if fold.value("lid"):
            fold.doubt("fillingLevel", "lid-open")
        lid = samples.get("lid")
        if lid is not None and lid.quality is not Quality.GOOD:
            fold.doubt("status", lid.reason)
        fold.put("status", self._status(fold))
        return fold.observation()

    def _level(self, distance_m: float) -> float:
        empty_m, full_m = self._config.empty_m, self._config.full_m
        return round(min(1.0, max(0.0, (empty_m - distance_m) / (empty_m - full_m))), 4)

    def _status(self, fold: Fold) -> str:
        temperature_c = fold.value("temperature")
        if isinstance(temperature_c, (int, float)) and temperature_c > BURNING_C:
            return "burning"
        if fold.value("lid"):
            return "lidOpen"
        return "unknown" if fold.value("distance") is None else "ok"
