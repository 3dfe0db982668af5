"""What a device says, judged: each metric through its checks, and calibrated by the record that holds."""

from collections.abc import Sequence

from gateway.config import DeviceConfig
from sensors.calibration import Calibration, Calibrations
from sensors.io import Clock
from sensors.quality import Pipeline, rules_for
from sensors.sample import Sample


class Judge:
    """The checks and calibrations of one device; used by the thread of its bus alone."""

    def __init__(
        self, config: DeviceConfig, metrics: Sequence[str], clock: Clock, history: Calibrations
    ) -> None:
        self._id = config.id
        self._clock = clock
        self._history = history
        self._rules = {metric: rules_for(metric, config.checks) for metric in metrics}
        self._pipelines = {metric: Pipeline(rules) for metric, rules in self._rules.items()}
        self._wanted = {each.metric for each in config.checks if each.calibrate_every}

    def judge(self, samples: dict[str, Sample]) -> dict[str, Sample]:
        """Return the samples as an asset may use them."""
        self._history.refresh()
        now_ns = self._clock.monotonic_ns()
        return {
            metric: self._pipelines[metric].judge(sample, now_ns, self._calibration(metric))
            if metric in self._pipelines
            else sample
            for metric, sample in samples.items()
        }

    def _calibration(self, metric: str) -> Calibration | None:
        rules = self._rules[metric]
        wanted = metric in self._wanted
        of = f"{self._id}.{metric}"
        if not wanted and self._history.newest(of) is None:
            return None
        found = self._history.holding(of, wall_ns(self._clock), rules.calibrate_every, wanted=wanted)
        return found if found.record or found.doubt else None


def wall_ns(clock: Clock) -> int | None:
    """Return ns since 1970, or None while nobody can say that the clock is right."""
    try:
        return clock.wall_ns() if clock.synchronised() else None
    except OSError:
        return None
