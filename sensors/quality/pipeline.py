"""One metric's way from what its driver has decoded to a sample that an asset may use.

The order is fixed: raw, decode (both the driver's), range of the raw value, filter, calibrate, range, rate of
change, stuck. Checks against other inputs come after it, in the asset, which knows them.
"""

from collections import deque
from dataclasses import replace
from statistics import median

from sensors.calibration import Calibration
from sensors.checks import doubted, in_range
from sensors.quality.rules import Checks
from sensors.sample import Quality, Sample

NS_PER_MIN = 60_000_000_000
DECIMALS = 6  # finer than any sensor, coarse enough to keep binary dust off the wire
LEAST_JUMP = 1.0  # below it a value may be any number of times the one before: clear water reads near 0


class Pipeline:
    """The checks of one metric of one device. It knows its last readings and no clock."""

    def __init__(self, rules: Checks) -> None:
        self._rules = rules
        self._window: deque[float] = deque(maxlen=rules.median or 1)
        self._steady: tuple[int, float] | None = None  # the last reading that its step did not put in doubt
        self._odd: float | None = None  # a reading after a jump: a second like it makes the jump true
        self._same: tuple[int, float] | None = None  # since when the device says the same

    def judge(self, sample: Sample, now_ns: int, calibration: Calibration | None = None) -> Sample:
        """Return the sample filtered, calibrated and as bad as it is; `now_ns` is monotonic.

        Words and truths, and what is bad already, pass as they are.
        """
        if sample.value is None or isinstance(sample.value, (bool, str)):
            return sample
        own, rules = float(sample.value), self._rules
        if rules.raw_range is not None:
            sample = in_range(sample, *rules.raw_range, Quality.BAD)
        if sample.value is None:
            return sample
        sample = self._filtered(sample, own)
        if calibration is not None:
            sample = _calibrated(sample, calibration)
        if rules.range is not None:
            sample = in_range(sample, *rules.range, Quality.BAD)
        if rules.plausible is not None:
            sample = in_range(sample, *rules.plausible)
        if not isinstance(sample.value, (int, float)):
            return sample
        value = float(sample.value)
        if self._jumped(value, now_ns):
            sample = doubted(sample, "jump")
        elif self._too_fast(value, now_ns):
            sample = doubted(sample, "rate")
        return doubted(sample, "stuck") if self._stuck(own, now_ns) else sample

    def _filtered(self, sample: Sample, own: float) -> Sample:
        self._window.append(own)
        if len(self._window) > 1:
            middle = median(self._window)
            sample = replace(sample, value=middle)
            deviation = median(abs(each - middle) for each in self._window)
            if self._rules.spread is not None and deviation > self._rules.spread:
                return doubted(sample, "spread")
        return sample

    def _jumped(self, value: float, now_ns: int) -> bool:
        """Whether it is too far from the last steady reading, and not borne out by the one just before."""
        if self._steady is None or self._fits(self._steady[1], value):
            self._odd = None
            return False
        if self._odd is not None and self._fits(self._odd, value):
            self._odd = None
            self._steady = now_ns, value  # twice: it is so, and the way here tells nothing of a rate
            return False
        self._odd = value
        return True

    def _fits(self, before: float, value: float) -> bool:
        rules, change = self._rules, value - before
        if rules.max_times is not None and change >= LEAST_JUMP and value > rules.max_times * before:
            return False
        bounds = (rules.max_step, rules.max_rise if change > 0 else rules.max_fall)
        return all(bound is None or abs(change) <= bound for bound in bounds)

    def _too_fast(self, value: float, now_ns: int) -> bool:
        before, self._steady = self._steady, (now_ns, value)
        if self._rules.max_rate is None or before is None or now_ns <= before[0]:
            return False
        return abs(value - before[1]) / (now_ns - before[0]) * NS_PER_MIN > self._rules.max_rate

    def _stuck(self, own: float, now_ns: int) -> bool:
        if self._same is None or own != self._same[1]:
            self._same = now_ns, own
        limit_s = self._rules.stuck_after
        return bool(limit_s) and now_ns - self._same[0] >= (limit_s or 0) * 1e9


def _calibrated(sample: Sample, calibration: Calibration) -> Sample:
    """Let the device's own number go along, so that the value can be computed anew."""
    own = float(sample.value or 0)
    made = replace(sample, value=round(calibration.apply(own), DECIMALS), uncalibrated=own)
    return doubted(made, calibration.doubt) if calibration.doubt else made
