"""A water meter with a pulse output: flow from the times between edges, volume from their number.

Rate from edge times is exact at any polling interval; counting pulses an interval is off by one pulse.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from sensors import checks
from sensors.findings import Finding
from sensors.io import IO, Edge, Line, PulseCounter, PulseSnapshot
from sensors.sample import Metric, Sample, bad
from sensors.settings import Seconds, Settings

OVER_RANGE = 1.2  # more than this much above the meter's greatest flow is interference, not water
NS_PER_HOUR = 3_600_000_000_000
LISTEN_NS, LISTEN_STEP_S = 10_000_000_000, 0.5  # at 1 l/s and 10 l a pulse one comes in that time
SILENT_NS = 24 * NS_PER_HOUR  # a village that draws no water for a day is a meter that does not turn


class PulseFlow:
    """One pulse meter on a GPIO line."""

    class Config(Settings, frozen=True):
        """Its line, litres a pulse, greatest flow in m3/h, and the index in m3 when the count began.

        Without a pulse for `still` the flow is 0. Edges closer than `debounce` are one.
        """

        line: Line
        litres_per_pulse: Annotated[float, msgspec.Meta(gt=0)]
        max_flow: Annotated[float, msgspec.Meta(gt=0)] = float("inf")
        start: Annotated[float, msgspec.Meta(ge=0)] = 0.0
        still: Seconds = Seconds(300)
        debounce: Seconds = Seconds(0.005)
        edge: Edge = "falling"

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("flow", "MQH", label="flow"),
        Metric("volume", "MTQ", "total", "volume"),
    )

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._counter: PulseCounter | None = None
        self._opened_ns = 0
        self._base: tuple[int, int] | None = None  # pulses and time at the last edge that a rate ended with
        self._rate = 0.0  # m3/h
        self._lost = 0

    def open(self) -> None:
        """Take the line and count from now on; raise ConfigError when it is taken."""
        self._counter = self._io.pulses(
            self._config.line, edge=self._config.edge, debounce_s=self._config.debounce
        )
        self._opened_ns = self._io.clock.monotonic_ns()
        self._base = None
        self._rate = 0.0
        self._lost = 0

    def read(self) -> Sequence[Sample]:
        """Return flow in m3/h and volume in m3."""
        if self._counter is None:
            return [bad("flow", "closed"), bad("volume", "closed")]
        count = self._counter.snapshot()
        flow = self._flow(count)
        litres = count.total * self._config.litres_per_pulse
        volume = Sample("volume", round(self._config.start + litres / 1000, 6), raw=float(count.total))
        if flow.reason == "range":
            volume = checks.doubted(volume, "range")  # what the flow denies has been counted all the same
        if count.lost > self._lost:
            flow = checks.doubted(flow, "pulses-lost")
            volume = checks.doubted(volume, "pulses-lost")
            self._lost = count.lost
        return [flow, volume]

    def diagnose(self) -> Sequence[Finding]:
        """Say when no pulse comes, when some came too fast, or more than the meter can give.

        A meter that has not given one yet is listened to for ten seconds, so that one need only open a tap.
        """
        if self._counter is None:
            return []
        until_ns = self._io.clock.monotonic_ns() + LISTEN_NS
        while self._counter.snapshot().last_ns is None and self._io.clock.monotonic_ns() < until_ns:
            self._io.clock.sleep(LISTEN_STEP_S)
        config, count, now_ns = self._config, self._counter.snapshot(), self._io.clock.monotonic_ns()
        found = []
        quiet_ns = now_ns - (self._opened_ns if count.last_ns is None else count.last_ns)
        if count.last_ns is None or quiet_ns > SILENT_NS:
            found.append(Finding("pulses-none", config.line, seconds=round(quiet_ns / 1e9)))
        if count.lost:
            found.append(Finding("pulses-lost", config.line, lost=count.lost))
        if self._rate > OVER_RANGE * config.max_flow and quiet_ns < config.still * 1e9:
            flow = round(self._rate, 1)
            found.append(Finding("pulses-too-fast", config.line, flow=flow, most=config.max_flow))
        return found

    def close(self) -> None:
        """Give the line back."""
        if self._counter is not None:
            self._counter.close()
            self._counter = None

    def _flow(self, count: PulseSnapshot) -> Sample:
        now_ns = self._io.clock.monotonic_ns()
        still_ns = round(self._config.still * 1e9)
        if count.first_ns is None or count.last_ns is None:
            waited = now_ns - self._opened_ns >= still_ns
            return Sample("flow", 0.0) if waited else bad("flow", "waiting")
        if self._base is None:
            self._base = 1, count.first_ns
        pulses, since_ns = count.total - self._base[0], count.last_ns - self._base[1]
        if pulses > 0 and since_ns > 0:
            self._rate = self._m3_per_h(pulses, since_ns)
            self._base = count.total, count.last_ns
        quiet_ns = now_ns - count.last_ns
        if quiet_ns >= still_ns:
            self._base = count.total, now_ns  # what comes next is not to be spread over the silence
            return Sample("flow", 0.0)
        if self._rate == 0.0:
            return bad("flow", "waiting")
        # one more pulse has not come yet: the flow is at most what would have brought it just now
        rate = min(self._rate, self._m3_per_h(1, quiet_ns)) if quiet_ns else self._rate
        if rate > OVER_RANGE * self._config.max_flow:
            return bad("flow", "range", rate)
        return Sample("flow", round(rate, 6))

    def _m3_per_h(self, pulses: int, ns: int) -> float:
        return pulses * self._config.litres_per_pulse / 1000 * NS_PER_HOUR / ns
