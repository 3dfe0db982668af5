"""Gathers samples into one observation: the worst quality wins, and each doubt keeps its field's name."""

from collections.abc import Callable, Mapping

from sensors.sample import Observation, Quality, Sample, Value


class Fold:
    """One observation in the making, from samples by input name."""

    def __init__(self, samples: Mapping[str, Sample]) -> None:
        self._samples = samples
        self._fields: dict[str, Value] = {}
        self._reasons: dict[str, str] = {}
        self._raws: dict[str, float] = {}
        self._quality = Quality.GOOD

    def value(self, name: str) -> Value | None:
        """Return an input's value as it is, None when it is bad or not wired."""
        sample = self._samples.get(name)
        return None if sample is None else sample.value

    def take(self, name: str, field: str, convert: Callable[[float], Value] | None = None) -> None:
        """Put an input into a field, converted; a bad one leaves its reason, an unwired one nothing."""
        sample = self._samples.get(name)
        if sample is None:
            return
        if sample.quality is not Quality.GOOD:
            self.doubt(field, sample.reason, sample.quality)
        if sample.value is not None:
            if sample.uncalibrated is not None:
                self._raws[field] = sample.uncalibrated
            self._fields[field] = sample.value if convert is None else convert(float(sample.value))

    def put(self, field: str, value: Value) -> None:
        """Put a value that no single input gave."""
        self._fields[field] = value

    def doubt(self, field: str, reason: str, quality: Quality = Quality.UNCERTAIN) -> None:
        """Say why a field is less than good; its first reason stays, unless a worse quality has another."""
        if field not in self._reasons or quality is Quality.BAD:
            self._reasons[field] = reason
        if quality is Quality.BAD:
            self._fields.pop(field, None)
            self._raws.pop(field, None)
        self._quality = max(self._quality, quality)

    def raw(self, field: str, value: float) -> None:
        """Say what a calibration made a field of."""
        self._raws[field] = value

    def observation(self) -> Observation:
        """Return what has been gathered."""
        return Observation(self._fields, self._quality, self._reasons or None, self._raws or None)
