"""A water meter with a pulse output: flow from the times between edges, volume from their number.

Rate from edge times is exact at any polling interval; counting pulses an interval is off by one pulse. The
index is kept over restarts; what flows while the Pi is off is not seen, so the first reading after a
restart says so.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, ClassVar

import msgspec

from sensors import checks
from sensors.findings import Finding
from sensors.io import IO, Edge, Keeper, Line, PulseCounter, PulseSnapshot
from sensors.sample import Metric, Sample, bad
from sensors.settings import Seconds, Settings
from sensors.text import said

OVER_RANGE = 1.2  # more than this much above the meter's greatest flow is interference, not water
NS_PER_HOUR = 3_600_000_000_000
LISTEN_NS, LISTEN_STEP_S = 10_000_000_000, 0.5  # at 1 l/s and 10 l a pulse one comes in that time
TWO_PULSES = 2  # a rate needs both
SILENT_NS = 24 * NS_PER_HOUR  # a village that draws no water for a day is a meter that does not turn


class KPoint(Settings, frozen=True):
    """One point of a meter's K-factor: at `hz` pulses a second it gives so many pulses a litre."""

    hz: Annotated[float, msgspec.Meta(gt=0)]
    pulses_per_litre: Annotated[float, msgspec.Meta(gt=0)]


class PulseFlow:
    """One pulse meter on a GPIO line."""

    class Config(Settings, frozen=True):
        """Its line, litres a pulse, greatest flow in m3/h, and the index in m3 when the count began.

        A turbine whose pulses a litre depend on the flow has `k_factors` instead of `litres_per_pulse`: 2
        to 5 points, rising in hz, with straight lines between. Without a pulse for `still` the flow is 0.
        Edges closer than `debounce` are one. The index is kept on the card every `keep`; another `start`
        begins it anew.
        """

        line: Line
        litres_per_pulse: Annotated[float, msgspec.Meta(gt=0)] | None = None
        k_factors: Annotated[tuple[KPoint, ...], msgspec.Meta(max_length=5)] = ()
        max_flow: Annotated[float, msgspec.Meta(gt=0)] = float("inf")
        start: Annotated[float, msgspec.Meta(ge=0)] = 0.0
        still: Seconds = Seconds(300)
        debounce: Seconds = Seconds(0.005)
        edge: Edge = "falling"
        keep: Seconds = Seconds(300)

        def __post_init__(self) -> None:
            if (self.litres_per_pulse is None) != bool(self.k_factors):
                raise ValueError(said("litres_per_pulse: give it, or k_factors, and not both"))
            rising = all(one.hz < next_.hz for one, next_ in pairwise(self.k_factors))
            if len(self.k_factors) == 1 or not rising:
                raise ValueError(said("k_factors: 2 to 5 points, each with a greater hz than the one before"))

        @property
        def most_litres(self) -> float:
            """The most litres that one pulse stands for: how fine the index is."""
            return self.litres_per_pulse or 1 / min(point.pulses_per_litre for point in self.k_factors)

        def litres(self, pulses: int, hz: float) -> float:
            """Return the litres of so many pulses that came `hz` a second."""
            if self.litres_per_pulse is not None:
                return pulses * self.litres_per_pulse
            return pulses / _between(self.k_factors, hz)

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
        self._hz = 0.0
        self._lost = 0
        self._keeper: Keeper = io.keeper(f"pulse-flow-{config.line}")
        self._counted = 0  # pulses of this counter that are in the index already
        self._litres = 0.0  # of the index, since `start`
        self._kept_ns = 0
        self._unkept = False
        self._resumed = False

    def open(self) -> None:
        """Take the line and count from the kept index on; raise ConfigError when it is taken."""
        self._counter = self._io.pulses(
            self._config.line, edge=self._config.edge, debounce_s=self._config.debounce
        )
        self._opened_ns = self._kept_ns = self._io.clock.monotonic_ns()
        self._base = None
        self._rate = self._hz = 0.0
        self._lost = self._counted = 0
        kept = self._keeper.load()
        self._resumed = kept is not None and kept.get("start") == self._config.start
        self._litres = kept["litres"] if kept is not None and self._resumed else 0.0
        if not self._resumed:
            self._keep()

    def read(self) -> Sequence[Sample]:
        """Return flow in m3/h and volume in m3."""
        if self._counter is None:
            return [bad("flow", "closed"), bad("volume", "closed")]
        count = self._counter.snapshot()
        flow = self._flow(count)
        volume = self._volume(count)
        if flow.reason == "range":
            volume = checks.doubted(volume, "range")  # what the flow denies has been counted all the same
        if self._resumed:
            volume = checks.doubted(volume, "restart-gap")
            self._resumed = False
        if count.lost > self._lost:
            flow = checks.doubted(flow, "pulses-lost")
            volume = checks.doubted(volume, "pulses-lost")
            self._lost = count.lost
        return [flow, volume]

    def diagnose(self) -> Sequence[Finding]:
        """Say when no pulse comes, when some came too fast, or more than the meter can give.

        A meter that has not given two yet is listened to for ten seconds, so that one need only open a tap.
        """
        if self._counter is None:
            return []
        until_ns = self._io.clock.monotonic_ns() + LISTEN_NS
        while self._counter.snapshot().total < TWO_PULSES and self._io.clock.monotonic_ns() < until_ns:
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
        """Keep the index and give the line back."""
        if self._counter is not None:
            self._volume(self._counter.snapshot())
            self._keep()
            self._counter.close()
            self._counter = None

    def _volume(self, count: PulseSnapshot) -> Sample:
        fresh = count.total - self._counted
        if fresh:
            self._litres += self._config.litres(fresh, self._hz)
            self._counted = count.total
            self._unkept = True
        due = self._io.clock.monotonic_ns() - self._kept_ns >= self._config.keep * 1e9
        if self._unkept and due:
            self._keep()
        return Sample("volume", round(self._config.start + self._litres / 1000, 6), raw=float(count.total))

    def _keep(self) -> None:
        self._keeper.save({"start": self._config.start, "litres": self._litres})
        self._kept_ns = self._io.clock.monotonic_ns()
        self._unkept = False

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
            self._hz = pulses * 1e9 / since_ns
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
        return self._config.litres(pulses, pulses * 1e9 / ns) / 1000 * NS_PER_HOUR / ns


def _between(points: Sequence[KPoint], hz: float) -> float:
    """Return the pulses a litre at `hz`: on a line between two points, beyond the ends that of the end."""
    if hz <= points[0].hz:
        return points[0].pulses_per_litre
    for low, high in pairwise(points):
        if hz <= high.hz:
            share = (hz - low.hz) / (high.hz - low.hz)
            return low.pulses_per_litre + share * (high.pulses_per_litre - low.pulses_per_litre)
    return points[-1].pulses_per_litre
