"""One asset's round of questions to its devices, and what their answers make of it."""

import logging
from dataclasses import dataclass, field

from gateway.config import AssetConfig
from gateway.device import Device
from gateway.feed import TYPES
from gateway.judging import wall_ns
from sensors import assets, settings
from sensors.calibration import Calibrations
from sensors.io import IO, Keeper
from sensors.sample import Observation, Quality, Sample, bad

NS = 1_000_000_000
SAVE_NS = 900 * NS  # what a model learns is worth a quarter of an hour, and a card not many writes
SPREAD_NS = 2 * NS  # between the first cycles of two assets: soon after the start, and not all at once
# Assets are read a few at once: one commit holds their readings, which spares a card. On one bus they wait
# for each other, so each must have as much of its interval as TURN_NS; or all are due within a small part.
TOGETHER, TURN_NS = 10, 3 * NS
TOGETHER_NS, TOGETHER_SHARE = 6 * NS, 10
APART_NS = 1_000_000  # the feed cuts times to milliseconds, and two readings of an asset must stay two

log = logging.getLogger(__name__)


def first_due_ns(number: int, count: int, every_ns: int) -> int:
    """Return how long after the start the asset of this number, from 0 of `count`, is first read.

    Assets share their interval evenly, a few at a time.
    """
    apart_ns = min(SPREAD_NS, every_ns // count)
    few, near = min(TOGETHER, every_ns // TURN_NS), min(TOGETHER_NS, every_ns // TOGETHER_SHARE) // apart_ns
    together = max(few, near, 1)
    return (number - number % together) * apart_ns


@dataclass(slots=True, eq=False)
class WatchedAsset:
    """One asset with the devices that feed it, and where it stands in its rhythm. Times are monotonic."""

    config: AssetConfig
    every_ns: int
    model: assets.Asset
    inputs: list[tuple[str, Device, str]]
    devices: list[Device]
    io: IO
    history: Calibrations
    keeper: Keeper | None = None
    saved_ns: int = 0
    due_ns: int = 0
    observed_ns: int = -APART_NS
    busy: bool = False
    broken: bool = False

    @classmethod
    def make(
        cls, config: AssetConfig, devices: dict[str, Device], io: IO, history: Calibrations
    ) -> "WatchedAsset":
        """Wire a checked asset to its devices by id; raise ConfigError when its settings cannot work.

        What its model learnt before a restart is given back to it.
        """
        kind = assets.asset_class(config.type)
        model = kind(settings.convert(config.config, kind.Config, f"asset {config.id}: [config] "))
        inputs = []
        for name, source in config.inputs.items():
            device, _, metric = source.partition(".")
            inputs.append((name, devices[device], metric))
        asked = list({device.id: device for _, device, _ in inputs}.values())
        asset = cls(config, round(config.every * NS), model, inputs, asked, io, history)
        if isinstance(model, assets.Remembering):
            asset.keeper = io.keeper(f"asset-{config.id}")
            asset.saved_ns = io.clock.monotonic_ns()
            model.recall(asset.keeper.load() or {})
        return asset

    def save(self) -> None:
        """Keep what the model has learnt."""
        if self.keeper is not None and isinstance(self.model, assets.Remembering):
            self.keeper.save(self.model.remember())

    def observe(self, answers: dict[str, dict[str, Sample]]) -> Observation | None:
        """Make sense of the answers by device; a device without one has not communicated.

        None when the asset speaks only now and then, and has nothing to say.
        """
        samples = {
            name: answers[device.id][metric] if device.id in answers else bad(metric, "no-comm")
            for name, device, metric in self.inputs
        }
        try:
            observation = self._combine(samples)
        except Exception:
            # A third party's model may fail in any way; the asset is then bad, and the others go on.
            if not self.broken:
                log.exception("asset %s cannot be made of %s", self.config.id, samples)
            self.broken = True
            fields = TYPES[self.config.type].units
            return Observation({}, Quality.BAD, dict.fromkeys(fields, "fault"))
        self.broken = False
        return observation

    def _combine(self, samples: dict[str, Sample]) -> Observation | None:
        clock = self.io.clock
        moment = assets.Moment(clock.monotonic_ns(), wall_ns(clock), self.config.lat, self.config.lon)
        if isinstance(self.model, assets.Calibratable):
            self.history.refresh()
            self.model.calibrate(self.history.newest(self.config.id))
        observation: Observation | None = self.model.combine(samples, moment)
        told = False
        if observation is not None and isinstance(self.model, assets.Occasional):
            observation = self.model.worth_telling(observation, samples)
            told = observation is not None  # at once: a restart must not tell it again
        if self.keeper is not None and (told or moment.mono_ns - self.saved_ns >= SAVE_NS):
            self.saved_ns = moment.mono_ns
            self.save()
        return observation


@dataclass(slots=True, eq=False)
class Cycle:
    """One round of asking: which devices have not answered yet, and until when they may."""

    asset: WatchedAsset
    began_ns: int
    deadline_ns: int
    missing: set[str]
    observed_ns: int
    answers: dict[str, dict[str, Sample]] = field(default_factory=dict)

    def take(self, device: Device, samples: dict[str, Sample], now_ns: int) -> None:
        """Note what a device has answered, if the cycle has asked it."""
        if device.id in self.missing:
            self.missing.discard(device.id)
            self.answers[device.id] = samples
            self.observed_ns = max(self.observed_ns, now_ns)
