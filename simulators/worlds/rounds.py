"""The collection: a lorry on its round from bin to bin, late or not at all now and then, and its weighing."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulators.clock import NS, VirtualClock
from simulators.worlds.bins import Bin
from simulators.worlds.sun import DAY_S, UTC_OFFSET_S
from simulators.worlds.truth import Chronicle

TARE_KG = 4_200.0  # a small compactor lorry
CAPACITY_KG = 4_000.0
DIVISION_KG = 10.0  # a lorry scale of class III shows whole divisions (OIML R 76)
DRIVE_S, BETWEEN_BINS_S, UNLOAD_S = 1_200.0, 180.0, 600.0
DELAY_SD_S = 1_500.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Every how many days and at which local hour a round begins; shares of rounds and of bins left out."""

    every_days: int = 2
    at_h: float = 6.0
    missed: float = 0.02
    skipped: float = 0.01


@dataclass(frozen=True, slots=True)
class Weighing:
    """One lorry on the weighbridge, in kg: full, then empty; `at_ns` is when it was weighed empty."""

    at_ns: int
    gross_kg: float
    tare_kg: float

    @property
    def net_kg(self) -> float:
        """Return what was unloaded."""
        return self.gross_kg - self.tare_kg


class Weighbridge:
    """The scale at a plant's gate; `on_weighing` hears each lorry when it leaves."""

    on_weighing: Callable[[Weighing], None] | None = None

    def __init__(self, clock: VirtualClock, rng: random.Random, name: str, chronicle: Chronicle) -> None:
        self.name = name
        self.weighings: list[Weighing] = []
        self._clock = clock
        self._rng = rng
        self._chronicle = chronicle

    def arrive(self, load_kg: float) -> None:
        """Let a lorry drive on with its load; it leaves, weighed empty, when it has unloaded."""
        tare_kg = TARE_KG + self._rng.gauss(0, 40)  # fuel, crew, mud
        gross_kg = _shown(tare_kg + load_kg)

        def leave() -> None:
            weighing = Weighing(self._clock.true_ns(), gross_kg, _shown(tare_kg))
            self.weighings.append(weighing)
            self._chronicle.done(self.name, "weighed", net_kg=weighing.net_kg, load_kg=round(load_kg, 1))
            if self.on_weighing is not None:
                self.on_weighing(weighing)

        self._clock.after(UNLOAD_S, leave)

    def tonnes(self, from_ns: int, to_ns: int) -> float:
        """Return what was weighed in a stretch of time, in t."""
        return sum(each.net_kg for each in self.weighings if from_ns <= each.at_ns < to_ns) / 1000


class Rounds:
    """One lorry and its bins, in the order of the road."""

    def __init__(
        self,
        clock: VirtualClock,
        rng: random.Random,
        bins: Sequence[Bin],
        bridge: Weighbridge,
        chronicle: Chronicle,
        plan: Plan,
    ) -> None:
        self.collected_kg = 0.0
        self._clock = clock
        self._rng = rng
        self._bins = bins
        self._bridge = bridge
        self._chronicle = chronicle
        self._plan = plan
        self._misses = 0
        if bins:
            self._next()

    def miss_next(self, rounds: int = 1) -> None:
        """Let the next rounds not take place: the lorry is broken, the road is under water."""
        self._misses += rounds

    def collect(self, bin_: Bin) -> float:
        """Empty one bin now; return the kg."""
        kg = bin_.collect()
        self.collected_kg += kg
        self._chronicle.done(bin_.name, "collected", kg=round(kg, 1))
        return kg

    def _next(self) -> None:
        local_s = self._clock.true_ns() // NS + UTC_OFFSET_S
        day = local_s // DAY_S
        day += -day % self._plan.every_days
        at_s = day * DAY_S + round(self._plan.at_h * 3600)
        if at_s <= local_s:
            at_s += self._plan.every_days * DAY_S
        self._clock.at((at_s - UTC_OFFSET_S) * NS, self._begin)

    def _begin(self) -> None:
        if self._misses or self._rng.random() < self._plan.missed:
            self._misses = max(0, self._misses - 1)
            self._chronicle.done("lorry-01", "roundMissed")
        else:
            delay_s = abs(self._rng.gauss(0, DELAY_SD_S)) / 3
            self._chronicle.done("lorry-01", "roundBegun", delay_s=round(delay_s))
            self._clock.after(delay_s, lambda: self._visit(0, 0.0))
        self._next()

    def _visit(self, index: int, load_kg: float) -> None:
        if index == len(self._bins):
            self._clock.after(DRIVE_S, lambda: self._bridge.arrive(load_kg))
            return
        wait_s = max(30.0, self._rng.gauss(BETWEEN_BINS_S, 60))
        if load_kg > CAPACITY_KG:  # to the plant and back
            self._clock.after(DRIVE_S, lambda: self._bridge.arrive(load_kg))
            self._clock.after(2 * DRIVE_S + UNLOAD_S, lambda: self._visit(index, 0.0))
            return
        bin_ = self._bins[index]
        if self._rng.random() < self._plan.skipped:
            self._chronicle.done(bin_.name, "skipped")
        else:
            load_kg += self.collect(bin_)
        self._clock.after(wait_s, lambda: self._visit(index + 1, load_kg))


class Plant:
    """A treatment plant that takes the lorries of many communes, so many tonnes a day, from 5 to 18 h."""

    def __init__(
        self, clock: VirtualClock, rng: random.Random, bridge: Weighbridge, tonnes_a_day: float
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._bridge = bridge
        self._per_s = tonnes_a_day / (_LOAD_KG / 1000) / (13 * 3600) if tonnes_a_day else 0.0
        if self._per_s:
            self._next()

    def _next(self) -> None:
        self._clock.after(self._rng.expovariate(self._per_s), self._come)

    def _come(self) -> None:
        hour = (self._clock.true_ns() / NS + UTC_OFFSET_S) % DAY_S / 3600
        if 5 <= hour < 18:
            self._bridge.arrive(min(CAPACITY_KG * 1.2, max(800.0, self._rng.gauss(_LOAD_KG, 600))))
        self._next()


_LOAD_KG = 3_500.0


def _shown(kg: float) -> float:
    return round(kg / DIVISION_KG) * DIVISION_KG
