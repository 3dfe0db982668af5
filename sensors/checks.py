"""Pure checks of values that a driver has decoded: they make a sample worse, never better."""

from collections.abc import Sequence
from dataclasses import replace

from sensors.sample import Quality, Sample, bad


def in_range(sample: Sample, lowest: float, highest: float, severity: Quality = Quality.UNCERTAIN) -> Sample:
    """Return the sample, made as bad as `severity`, reason `range`, when outside [lowest, highest]."""
    if isinstance(sample.value, str) or sample.value is None or lowest <= sample.value <= highest:
        return sample
    return doubted(sample, "range", severity)


def doubted(sample: Sample, reason: str, severity: Quality = Quality.UNCERTAIN) -> Sample:
    """Return the sample at least as bad as `severity`; a worse one keeps its own reason."""
    if severity <= sample.quality:
        return sample
    if severity is Quality.BAD:
        return bad(sample.metric, reason, sample.raw, sample.value)
    return replace(sample, quality=severity, reason=reason)


def stuck(raws: Sequence[float], count: int) -> bool:
    """Whether the last `count` (2 or more) raw readings are one and the same."""
    return len(raws) >= count >= 2 and len(set(list(raws)[-count:])) == 1
