"""What samples mean for lamps: what they draw, whether they are lit, and whether that is as it should be."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from sensors.assets.daylight import Daylight
from sensors.assets.fold import Fold
from sensors.assets.lamps import Lamps
from sensors.assets.moment import NOWHERE, Moment
from sensors.io import Kept
from sensors.sample import Observation, Quality, Sample
from sensors.settings import Settings

SECONDS_PER_HOUR = 3600


class StreetlightControlCabinet:
    """The cabinet of one feeder, its meter on phase R. `relay` is true while it is to be lit."""

    type: ClassVar[str] = "StreetlightControlCabinet"
    inputs: ClassVar[tuple[str, ...]] = (
        "voltage", "current", "power", "energy", "powerFactor", "illuminance", "door", "relay",
    )  # fmt: skip
    needs: ClassVar[tuple[str, ...]] = ("power",)

    class Config(Settings, frozen=True):
        """Power in W from which the lamps count as on, and below which as dimmed (0: they cannot be).

        `lamps` is how many the feeder has; 0 where dead ones are not to be looked for.
        """

        on_w: Annotated[float, msgspec.Meta(gt=0)] = 20.0
        low_w: Annotated[float, msgspec.Meta(ge=0)] = 0.0
        lamps: Annotated[int, msgspec.Meta(ge=0, le=500)] = 0

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lamps = Lamps(config.lamps)
        self._daylight = Daylight()

    def recall(self, kept: Kept) -> None:
        """Go on from what `remember` returned."""
        self._lamps.recall(kept)
        self._daylight.recall(kept)

    def remember(self) -> Kept:
        """Return burning hours and baselines, to be kept over a restart."""
        return self._lamps.remember() | self._daylight.remember()

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:
        """Return V, A, kW, kWh, power factor, lx, the door, and what the power shows of the lamps."""
        fold = Fold(samples)
        fold.take("voltage", "voltageR")
        fold.take("current", "intensityR")
        fold.take("power", "totalActivePower", _kilowatts)
        fold.take("energy", "energyConsumed")
        fold.take("powerFactor", "cosPhi")
        fold.take("power", "powerState", self._state)
        fold.take("illuminance", "illuminance")
        fold.take("door", "doorOpen", bool)
        lux = fold.value("illuminance")
        doubt = self._daylight.judge(float(lux), moment) if isinstance(lux, (int, float)) else None
        if doubt is not None:
            fold.doubt("illuminance", *doubt)
        power_w, voltage_v = _good(samples, "power"), _good(samples, "voltage")
        lit = power_w is not None and self._state(power_w) == "on"
        self._lamps.take(moment.mono_ns, power_w, voltage_v, lit=lit)
        fold.put("burningHours", round(self._lamps.burnt_s / SECONDS_PER_HOUR, 2))
        if self._config.lamps and self._lamps.dead is not None:
            fold.put("lampsFailed", self._lamps.dead)
        fold.put("status", self._status(power_w, fold.value("relay")))
        return fold.observation()

    def _state(self, power_w: float) -> str:
        if power_w < self._config.on_w:
            return "off"
        return "low" if power_w < self._config.low_w else "on"

    def _status(self, power_w: float | None, relay: object) -> str:
        if power_w is None:
            return "unknown"
        burns = power_w >= self._config.on_w
        if relay is False and burns:
            return "dayBurner"  # off, and yet a current: a welded contactor
        if relay is True and not burns:
            return "tripped"  # on, and yet none: a breaker, or a cable that was taken
        return "defectiveLamp" if self._config.lamps and self._lamps.dead else "ok"


class Streetlight:
    """One lamp, switched by a relay whose input `relay` is true while it should burn."""

    type: ClassVar[str] = "Streetlight"
    inputs: ClassVar[tuple[str, ...]] = (
        "relay", "voltage", "current", "power", "powerFactor", "dimming",
    )  # fmt: skip
    needs: ClassVar[tuple[str, ...]] = ()

    class Config(Settings, frozen=True):
        """Power in W from which the lamp counts as burning, and below which as dimmed (0: it cannot be)."""

        on_w: Annotated[float, msgspec.Meta(gt=0)] = 5.0
        low_w: Annotated[float, msgspec.Meta(ge=0)] = 0.0

    def __init__(self, config: Config) -> None:
        self._config = config

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:  # noqa: ARG002
        """Return V, A, W, power factor, dimming 0..1, powerState, and status from relay and power."""
        fold = Fold(samples)
        for name, field in (
            ("voltage", "voltage"),
            ("current", "current"),
            ("power", "powerConsumption"),
            ("powerFactor", "powerFactor"),
        ):
            fold.take(name, field)
        fold.take("dimming", "illuminanceLevel", lambda share: min(1.0, max(0.0, share)))
        if "power" in samples:
            fold.take("power", "powerState", self._state)
        else:
            fold.take("relay", "powerState", lambda on: "on" if on else "off")
        relay = samples.get("relay")
        if relay is not None and relay.quality is not Quality.GOOD:
            fold.doubt("status", relay.reason)
        fold.put("status", self._status(_good(samples, "power"), fold.value("relay"), "power" in samples))
        return fold.observation()

    def _state(self, power_w: float) -> str:
        if power_w < self._config.on_w:
            return "off"
        return "low" if power_w < self._config.low_w else "on"

    def _status(self, power_w: float | None, relay: object, metered: bool) -> str:
        if relay is None or (metered and power_w is None):
            return "unknown"
        if not metered or power_w is None:
            return "ok"
        burns = power_w >= self._config.on_w
        if relay and not burns:
            return "defectiveLamp"
        return "dayBurner" if burns and not relay else "ok"


def _good(samples: Mapping[str, Sample], name: str) -> float | None:
    sample = samples.get(name)
    if sample is None or sample.quality is not Quality.GOOD or not isinstance(sample.value, (int, float)):
        return None
    return float(sample.value)


def _kilowatts(watts: float) -> float:
    return watts / 1000
