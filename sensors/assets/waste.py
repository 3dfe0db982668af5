"""What samples mean for a bin: how full, how warm, how heavy, and whether to believe it."""

from collections import deque
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from sensors.assets.fold import Fold
from sensors.assets.geometry import Geometry, level
from sensors.assets.moment import NOWHERE, Moment
from sensors.calibration import Record
from sensors.sample import Observation, Quality, Sample

BURNING_C = 60.0  # no sun heats a bin's inside that far; a smouldering fire passes it within minutes
BURNING_K_PER_MIN = 5.0
RISE_OVER_NS, RISE_WITHIN_NS = 60_000_000_000, 900_000_000_000  # less is noise, more is the morning sun
BELOW_BOTTOM_M = 0.15  # farther than the empty bin's bottom by this much: it is not the bottom that is seen
UNSURE = frozenset({"jump", "spike", "range"})  # of one reading; a second one like it is believed


class WasteContainer:
    """A bin with a ranger under its lid, looking down."""

    type: ClassVar[str] = "WasteContainer"
    inputs: ClassVar[tuple[str, ...]] = ("distance", "lid", "temperature", "weight")
    needs: ClassVar[tuple[str, ...]] = ("distance",)

    Config = Geometry

    def __init__(self, config: Geometry) -> None:
        self._config = config
        self._geometry = config
        self._calibrated = False
        self._warmth: deque[tuple[int, float]] = deque(maxlen=60)

    def calibrate(self, record: Record | None) -> None:
        """Take the distances of empty and full from a record, (m, 0) and (m, 1), or from the config."""
        self._calibrated = record is not None and record.kind == "empty-full"
        if record is None or not self._calibrated:
            self._geometry = self._config
        else:
            metres = {share: distance_m for distance_m, share in record.points}
            self._geometry = msgspec.structs.replace(self._config, empty_m=metres[0.0], full_m=metres[1.0])

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:
        """Return fillingLevel 0..1, temperature, kg and status; an open lid makes the level uncertain."""
        fold = Fold(samples)
        fold.take("distance", "fillingLevel", lambda metres: level(self._geometry, metres))
        fold.take("temperature", "temperature")
        fold.take("weight", "cargoWeight")
        distance_m = fold.value("distance")
        if isinstance(distance_m, float):
            if self._calibrated:
                fold.raw("fillingLevel", samples["distance"].uncalibrated or distance_m)
            if distance_m > self._geometry.empty_m + BELOW_BOTTOM_M:
                fold.doubt("fillingLevel", "range")
        if fold.value("lid"):
            fold.doubt("fillingLevel", "lid-open")
        lid = samples.get("lid")
        if lid is not None and lid.quality is not Quality.GOOD:
            fold.doubt("status", lid.reason)
        fold.put("status", self._status(fold, samples.get("temperature"), moment))
        return fold.observation()

    def _status(self, fold: Fold, temperature: Sample | None, moment: Moment) -> str:
        if temperature is not None and self._burns(temperature, moment.mono_ns):
            return "burning"
        if fold.value("lid"):
            return "lidOpen"
        return "unknown" if fold.value("distance") is None else "ok"

    def _burns(self, temperature: Sample, now_ns: int) -> bool:
        if not isinstance(temperature.value, (int, float)) or temperature.reason in UNSURE:
            return False
        celsius = float(temperature.value)
        before = [
            (at_ns, warmth)
            for at_ns, warmth in self._warmth
            if RISE_OVER_NS <= now_ns - at_ns <= RISE_WITHIN_NS
        ]
        self._warmth.append((now_ns, celsius))
        if celsius > BURNING_C:
            return True
        if not before:
            return False
        at_ns, warmth = before[-1]  # the latest that is old enough
        return (celsius - warmth) / (now_ns - at_ns) * 60e9 > BURNING_K_PER_MIN
