"""One asset's round of questions to its devices, and what their answers make of it."""

import logging
from dataclasses import dataclass, field

from gateway.config import AssetConfig
from gateway.device import Device
from gateway.feed import TYPES
from sensors import assets, settings
from sensors.sample import Observation, Quality, Sample, bad

NS = 1_000_000_000
APART_NS = 1_000_000  # the feed cuts times to milliseconds, and two readings of an asset must stay two

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class WatchedAsset:
    """One asset with the devices that feed it, and where it stands in its rhythm. Times are monotonic."""

    config: AssetConfig
    every_ns: int
    model: assets.Asset
    inputs: list[tuple[str, Device, str]]
    devices: list[Device]
    due_ns: int = 0
    observed_ns: int = -APART_NS
    busy: bool = False
    broken: bool = False

    @classmethod
    def make(cls, config: AssetConfig, devices: dict[str, Device]) -> "WatchedAsset":
        """Wire a checked asset to its devices by id; raise ConfigError when its settings cannot work."""
        kind = assets.asset_class(config.type)
        model = kind(settings.convert(config.config, kind.Config, f"asset {config.id}: [config] "))
        inputs = []
        for name, source in config.inputs.items():
            device, _, metric = source.partition(".")
            inputs.append((name, devices[device], metric))
        asked = list({device.id: device for _, device, _ in inputs}.values())
        return cls(config, round(config.every * NS), model, inputs, asked)

    def observe(self, answers: dict[str, dict[str, Sample]]) -> Observation:
        """Make sense of the answers by device; a device without one has not communicated."""
        samples = {
            name: answers[device.id][metric] if device.id in answers else bad(metric, "no-comm")
            for name, device, metric in self.inputs
        }
        try:
            observation = self.model.combine(samples)
        except Exception:
            # A third party's model may fail in any way; the asset is then bad, and the others go on.
            if not self.broken:
                log.exception("asset %s cannot be made of %s", self.config.id, samples)
            self.broken = True
            fields = TYPES[self.config.type].units
            return Observation({}, Quality.BAD, dict.fromkeys(fields, "fault"))
        self.broken = False
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
