"""Old values made anew: from the raw number that each reading carries, and the calibration of its time."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.config import AssetConfig, NodeConfig
from gateway.feed import to_ns
from sensors import assets, settings
from sensors.calibration import Calibrations
from sensors.errors import ConfigError
from sensors.sample import Sample, Value
from sensors.settings import did_you_mean


@dataclass(frozen=True, slots=True)
class Again:
    """One value: what it was when it was published, and what it is by the calibrations that are known now."""

    ts: str
    field: str
    raw: float
    was: Value | None
    now: Value | None


class Recalculator:
    """Makes the values of one asset anew, with its geometry and its inputs as they are configured."""

    def __init__(self, config: NodeConfig, history: Calibrations, asset: str) -> None:
        """Raise ConfigError when there is no such asset."""
        known = {each.id: each for each in config.assets}
        if asset not in known:
            raise ConfigError(f"there is no asset {asset!r}{did_you_mean(asset, list(known))}")
        self._asset: AssetConfig = known[asset]
        self._history = history

    def values(self, ts: str, raw: str, fields: dict[str, Value]) -> Iterator[Again]:
        """Yield each field whose raw number a reading carries; raise ValueError for no `raw` or time."""
        at_ns = to_ns(ts)
        for pair in raw.split():
            field, sign, text = pair.partition("=")
            if not sign:
                raise ValueError(f"raw: {pair!r} is not field=number")
            own = float(text)
            yield Again(ts, field, own, fields.get(field), self._made(field, own, at_ns))

    def _made(self, field: str, own: float, at_ns: int) -> Value | None:
        """Let the asset's own model make the field; None when no input of today's configuration makes it."""
        kind = assets.asset_class(self._asset.type)
        for name, source in self._asset.inputs.items():
            model = kind(settings.convert(self._asset.config, kind.Config, f"asset {self._asset.id}: "))
            if isinstance(model, assets.Calibratable):
                model.calibrate(self._history.newest(self._asset.id, at_ns))
            value = self._history.again(source, own, at_ns)
            seen = model.combine({name: Sample(name, value, uncalibrated=own)})
            if field in seen.fields and (field in (seen.raws or {}) or len(seen.fields) == 1):
                return seen.fields[field]
        return None
