"""What samples mean for a weighbridge: one observation for each lorry, none while nothing stands on it."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from sensors.assets.fold import Fold
from sensors.assets.moment import NOWHERE, Moment
from sensors.io import Kept
from sensors.sample import Observation, Quality, Sample
from sensors.settings import Settings

Kilograms = Annotated[float, msgspec.Meta(ge=0)]


class WasteObserved:
    """A weighbridge. It speaks once a weighing, while it cannot weigh, and once when it can, without weights.

    With `ticket`, the number that an indicator gives each weighing, a new number is one. Without, a weighing
    is a load that stands still: two rounds in a row with the same weight, until the platform is empty again.
    """

    type: ClassVar[str] = "WasteObserved"
    inputs: ClassVar[tuple[str, ...]] = ("gross", "tare", "ticket")
    needs: ClassVar[tuple[str, ...]] = ("gross",)

    class Config(Settings, frozen=True):
        """The vehicle's weight in kg where no input `tare` says it.

        A load counts from `least_kg` on (OIML R 76: 20 divisions), and stands still within `steady_kg`.
        """

        tare_kg: Kilograms = 0.0
        least_kg: Kilograms = 200.0
        steady_kg: Kilograms = 10.0

    def __init__(self, config: Config) -> None:
        self._config = config
        self._ticket: float | None = None
        self._gross_kg: float | None = None
        self._told = False
        self._ready = False

    def recall(self, kept: Kept) -> None:
        """Go on from what `remember` returned."""
        ticket, told = kept.get("ticket"), kept.get("told", False)
        self._ticket = float(ticket) if isinstance(ticket, (int, float)) else None
        self._told = bool(told)

    def remember(self) -> Kept:
        """Return which weighing was told last: a restart does not count a lorry twice."""
        return {"told": self._told} | ({} if self._ticket is None else {"ticket": self._ticket})

    def combine(self, samples: Mapping[str, Sample], moment: Moment = NOWHERE) -> Observation:  # noqa: ARG002
        """Return gross, tare and net weight in kg; a net below zero is uncertain."""
        fold = Fold(samples)
        fold.take("gross", "grossWeight")
        fold.take("tare", "tareWeight")
        if "tare" not in samples:
            fold.put("tareWeight", self._config.tare_kg)
        gross, tare = fold.value("gross"), fold.value("tare") if "tare" in samples else self._config.tare_kg
        if isinstance(gross, (int, float)) and isinstance(tare, (int, float)):
            net = float(gross) - float(tare)
            fold.put("weight", round(net, 3))
            if net < 0:
                fold.doubt("weight", "range")
        for name in self.inputs:
            sample = samples.get(name)
            if sample is not None and sample.quality is not Quality.GOOD:
                fold.doubt("weight", sample.reason, sample.quality)
        return fold.observation()

    def worth_telling(self, seen: Observation, samples: Mapping[str, Sample]) -> Observation | None:
        """Return what is to be told of what `combine` made; None while there is no new weighing."""
        if seen.quality is Quality.BAD:
            self._ready = False
            return Observation({}, seen.quality, seen.reasons)  # half a weighing is none
        ticket = samples.get("ticket")
        new = self._is_new(seen) if ticket is None else self._is_next(ticket.value)
        was_ready, self._ready = self._ready, True
        if new:
            return seen
        return None if was_ready else Observation({})

    def _is_next(self, ticket: object) -> bool:
        number = float(ticket) if isinstance(ticket, (int, float)) else None
        before, self._ticket = self._ticket, number
        return before not in (None, number)  # that of a bridge never seen before may be of yesterday

    def _is_new(self, seen: Observation) -> bool:
        gross, net = seen.fields.get("grossWeight"), seen.fields.get("weight")
        if not isinstance(gross, float) or not isinstance(net, float):
            return False
        before, self._gross_kg = self._gross_kg, gross
        if net < self._config.least_kg:
            self._told = False
            return False
        still = before is not None and abs(gross - before) <= self._config.steady_kg
        new, self._told = still and not self._told, self._told or still
        return new
