"""Because an indicator is worth what it says of the world: what really happened, minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from edge_api.province.days import day_of
from edge_api.province.figures import Figure, quantile
from edge_api.province.measures import FALLS, NIGHT, OVERFLOW
from edge_api.province.office import Office
from edge_api.province.sun import dark, light
from gateway.feed.limits import shipped, valid
from simulators.clock import NS
from simulators.worlds.truth import Span
from simulators.worlds.village import Village

MINUTE_S = 60.0
H = 3600.0
QUALITY = "WaterQualityObserved"


@dataclass(slots=True)
class Ground:
    """Looks at a village each minute; the figures that perfect sensors, always on, would come to.

    `level_error` is what a bin's sensor may err by, either way (fillingLevel, 0..1); `peaks` is how full bins
    were when they were emptied.
    """

    village: Village
    office: Office
    level_error: float = 0.0
    seconds: float = 0.0
    overflow_s: float = 0.0
    least_overflow_s: float = 0.0
    most_overflow_s: float = 0.0
    outside_s: dict[str, float] = field(default_factory=dict)
    night: list[float] = field(default_factory=list)
    supplied_s: float = 0.0
    dark_s: float = 0.0
    lit_dark_s: float = 0.0
    lit_light_s: float = 0.0
    lit_s: float = 0.0
    peaks: list[float] = field(default_factory=list)
    from_ns: int = 0
    first_wh: float = 0.0
    _levels: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.from_ns = self.village.clock.true_ns()
        lights = self.village.lights
        self.first_wh = lights.energy_wh if lights else 0.0
        self._levels = [each.level for each in self.village.bins.values()]
        self.village.clock.every(MINUTE_S, self._look)

    def _look(self) -> None:
        now_ns = self.village.clock.true_ns()
        self.seconds += MINUTE_S
        levels = [each.level for each in self.village.bins.values()]
        self.peaks += [was for was, now in zip(self._levels, levels, strict=True) if was - now > FALLS]
        self._levels = levels
        self.overflow_s += MINUTE_S * sum(each >= OVERFLOW for each in levels)
        self.least_overflow_s += MINUTE_S * sum(each >= OVERFLOW + self.level_error for each in levels)
        self.most_overflow_s += MINUTE_S * sum(each >= OVERFLOW - self.level_error for each in levels)
        water, lights, day = self.village.water, self.village.lights, day_of(now_ns)
        config = self.office.config
        if water is not None:
            values = {"pH": water.ph, "turbidity": water.turbidity, "freeChlorine": water.chlorine}
            for limit in valid(shipped(), QUALITY, day):
                value = values[limit.field]
                low, high = limit.low, limit.high
                outside = (low is not None and value < low) or (high is not None and value > high)
                self.outside_s[limit.field] = self.outside_s.get(limit.field, 0.0) + MINUTE_S * outside
            if NIGHT[0] <= self.village.sky.local_hour() < NIGHT[1]:
                self.night.append(water.flow_m3_h)
            self.supplied_s += MINUTE_S * (water.pressure_kpa >= config.supply_kpa)
        if lights is not None:
            where = (config.lat, config.lon, float(config.twilight))
            in_dark, in_light = (
                any(begin <= now_ns < end for begin, end in spans(day, *where)) for spans in (dark, light)
            )
            self.dark_s += MINUTE_S * in_dark
            if lights.lit:
                self.lit_s += MINUTE_S
                self.lit_dark_s += MINUTE_S * in_dark
                self.lit_light_s += MINUTE_S * in_light

    def full(self) -> list[Span]:
        """Return when which bin was full."""
        return self.village.chronicle.spans("binFull")

    def responses_h(self) -> list[float]:
        """Return how long bins were full before they were emptied."""
        return [(each.to_ns - each.from_ns) / NS / H for each in self.full() if each.to_ns]

    def figures(self) -> dict[str, float | None]:
        """Return every figure that the world knows, by its indicator's name."""
        now_ns, config = self.village.clock.true_ns(), self.office.config
        times_s = [each * H for each in self.responses_h()]
        overdue = sum(
            each.to_ns is None and (now_ns - each.from_ns) / NS > config.respond_within
            for each in self.full()
        )
        in_time = sum(each <= config.respond_within for each in times_s)
        half = quantile(times_s, 50)
        found: dict[str, float | None] = {
            "collection-rate": 100 * self.village.rounds.collected_kg / self.village.generated_kg,
            "weighed": self.village.bridge.tonnes(self.from_ns, now_ns),
            "generated": self.village.generated_kg / 1000,
            "overflow-hours": self.overflow_s / H,
            "emptied-on-time": 100 * in_time / (len(times_s) + overdue) if times_s or overdue else None,
            "response-p50": None if half is None else half / H,
        }
        if self.village.water is not None:
            found |= {
                "outside-ph": self.outside_s["pH"] / H,
                "outside-turbidity": self.outside_s["turbidity"] / H,
                "outside-chlorine": self.outside_s["freeChlorine"] / H,
                "night-flow": fmean(self.night),
                "supply-hours": 24 * self.supplied_s / self.seconds,
            }
        if (lights := self.village.lights) is not None:
            found |= {
                "lit-in-darkness": 100 * self.lit_dark_s / self.dark_s,
                "lit-hours": self.lit_s / H,
                "burning-by-day": self.lit_light_s / H,
                "energy": (lights.energy_wh - self.first_wh) / 1000,
            }
        return found

    def uncovered(self, figure: Figure) -> float:
        """Return by how much a figure may err for what its coverage leaves out, in its own unit.

        What was not seen may have been anything: of hours none or all, of a share either end, of a flow any
        that there was, of the lorries all that came in that time.
        """
        gap = 1 - (figure.coverage or 0.0)
        hours = self.seconds / H
        if figure.name == "overflow-hours":
            return gap * hours * len(self.village.bins)
        if figure.name.startswith("outside") or figure.name in {"lit-hours", "burning-by-day"}:
            return gap * hours
        if figure.name in {"lit-in-darkness", "emptied-on-time"}:
            return 100 * gap
        if figure.name == "supply-hours":
            return 24 * gap
        if figure.name == "night-flow":
            return gap * (max(self.night) - min(self.night))
        if figure.name in {"weighed", "collection-rate", "energy"}:
            return 3 * gap * (self.figures()[figure.name] or 0.0)  # lorries come in the morning, all at once
        return gap * hours if figure.name.startswith("response") else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """An indicator beside the truth; `sensor` is what its sensors and their rhythm may err by."""

    figure: Figure
    truth: float | None
    sensor: float
    uncovered: float

    @property
    def error(self) -> float:
        """Return ours less the truth; 0 where neither knows any."""
        if self.figure.value is None or self.truth is None:
            return 0.0 if self.figure.value == self.truth else float("nan")
        return self.figure.value - self.truth

    @property
    def explained(self) -> bool:
        """Whether coverage, and what the sensor may err by, are enough."""
        return abs(self.error) <= self.sensor + self.uncovered

    def line(self) -> str:
        """Write it as a row of the table."""
        value, truth = ("-" if each is None else f"{each:.2f}" for each in (self.figure.value, self.truth))
        coverage = "-" if self.figure.coverage is None else f"{100 * self.figure.coverage:.1f} %"
        cells = (f"`{self.figure.name}`", self.figure.unit, truth, value, f"{self.error:+.2f}", coverage)
        return f"| {' | '.join([*cells, f'{self.sensor:.2f}', f'{self.uncovered:.2f}'])} |"


HEAD = "| indicator | unit | truth | ours | error | coverage | of the sensor | of what is not covered |"


def compare(ground: Ground, figures: Sequence[Figure], sensor: dict[str, float]) -> list[Row]:
    """Hold figures against the truth; `sensor` is a tolerance for each, in its unit."""
    truths = ground.figures()
    return [
        Row(each, truths[each.name], sensor[each.name], ground.uncovered(each))
        for each in figures
        if each.name in truths and each.name in sensor
    ]


def table(rows: Sequence[Row]) -> str:
    """Write rows as a table for a page."""
    return "\n".join([HEAD, "|" + " --- |" * (HEAD.count("|") - 1), *(row.line() for row in rows)])
