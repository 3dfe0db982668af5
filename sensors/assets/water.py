"""What samples mean for a water works: quality at a point, the state of the network, a meter's index."""

from collections.abc import Mapping
from typing import ClassVar

from sensors.assets.fold import Fold
from sensors.assets.moment import NOWHERE, Moment
from sensors.assets.nightflow import NightFlow
from sensors.io import Kept
from sensors.sample import Observation, Quality, Sample
from sensors.settings import Settings

CHLORINE_PH = (6.0, 8.0)  # outside, an amperometric probe sees less and less of the chlorine that is there
SHUT_FLOW_M3_H = 0.02  # one pulse of ten litres in half an hour: a valve that drips, a meter that shakes
PUMPED_NS = 120_000_000_000  # after so long a pump has filled the pipe up to the meter


class _Passed:
    """An asset whose inputs are its fields, one to one, in the fields' units."""

    fields: ClassVar[dict[str, str]]

    class Config(Settings, frozen=True):
        """Nothing to set."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:
        """Return each wired input as the field it stands for."""
        fold = Fold(samples)
        for name, field in self.fields.items():
            fold.take(name, field)
        self._cross(fold, samples, moment)
        return fold.observation()

    def _cross(self, fold: Fold, samples: Mapping[str, Sample], moment: Moment) -> None:
        """Hold the inputs against each other."""


class WaterQualityObserved(_Passed):
    """Water quality at one point: pH, NTU, mg/L, uS/cm as in the feed's units.

    `flow` is that over the probe, m3/h or true while there is some: still water loses its chlorine there.
    """

    type: ClassVar[str] = "WaterQualityObserved"
    inputs: ClassVar[tuple[str, ...]] = (
        "pH", "turbidity", "freeChlorine", "conductivity", "tds", "temperature", "flow",
    )  # fmt: skip
    needs: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[dict[str, str]] = {name: name for name in inputs if name != "flow"}

    def _cross(self, fold: Fold, samples: Mapping[str, Sample], moment: Moment) -> None:  # noqa: ARG002
        ph, temperature = samples.get("pH"), samples.get("temperature")
        if temperature is not None and temperature.value is None:
            for name in ("pH", "conductivity"):  # both are temperature-corrected
                sample = samples.get(name)
                if sample is not None and sample.value is not None:
                    fold.doubt(name, "no-temperature")
        chlorine = samples.get("freeChlorine")
        if fold.value("flow") == 0 and fold.value("freeChlorine") is not None:
            fold.doubt("freeChlorine", "no-flow")
        if ph is None or chlorine is None or chlorine.value is None:
            return
        value = ph.value
        if isinstance(value, (int, float)) and not CHLORINE_PH[0] <= value <= CHLORINE_PH[1]:
            fold.doubt("freeChlorine", "ph-range")


class WaterDistributionNetwork(_Passed):
    """Flow in m3/h, level in m and pressure in kPa of a network; its night flow, and what leaks of it.

    `valve` is true while the valve behind the meter is shut, `pump` while the pump before it runs.
    """

    type: ClassVar[str] = "WaterDistributionNetwork"
    inputs: ClassVar[tuple[str, ...]] = ("flow", "level", "pressure", "valve", "pump")
    needs: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[dict[str, str]] = {
        "flow": "waterFlow",
        "level": "waterLevel",
        "pressure": "waterPressure",
    }

    def __init__(self, config: _Passed.Config) -> None:
        super().__init__(config)
        self._nights = NightFlow()
        self._pumping_ns: int | None = None  # since when the pump runs

    def recall(self, kept: Kept) -> None:
        """Go on from the nights that `remember` returned."""
        self._nights.recall(kept)

    def remember(self) -> Kept:
        """Return the nights, to be kept over a restart."""
        return self._nights.remember()

    def _cross(self, fold: Fold, samples: Mapping[str, Sample], moment: Moment) -> None:
        flow = samples.get("flow")
        if flow is None:
            return
        known = flow.value if flow.quality is Quality.GOOD else None
        if fold.value("valve") and isinstance(flow.value, (int, float)) and flow.value > SHUT_FLOW_M3_H:
            fold.doubt("waterFlow", "valve-shut", Quality.BAD)
            known = None
        if self._stands_still(fold.value("pump"), flow.value, moment):
            fold.doubt("waterFlow", "meter-stopped")
            known = None
        self._nights.take(float(known) if isinstance(known, (int, float)) else None, moment)
        if self._nights.last is not None:
            fold.put("nightFlow", self._nights.last)
        if self._nights.leak is not None:
            fold.put("leakFlow", self._nights.leak)

    def _stands_still(self, pump: object, flow: object, moment: Moment) -> bool:
        """Whether nothing is counted although the pump has run for long enough to fill the pipe."""
        if not pump:
            self._pumping_ns = None
            return False
        if self._pumping_ns is None:
            self._pumping_ns = moment.mono_ns
        return flow == 0 and moment.mono_ns - self._pumping_ns >= PUMPED_NS


class WaterConsumptionObserved(_Passed):
    """The index of a water meter in m3."""

    type: ClassVar[str] = "WaterConsumptionObserved"
    inputs: ClassVar[tuple[str, ...]] = ("volume",)
    needs: ClassVar[tuple[str, ...]] = ("volume",)
    fields: ClassVar[dict[str, str]] = {"volume": "waterConsumption"}
