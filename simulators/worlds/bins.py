"""Bins by the road: households throw waste in, the heap runs over, sometimes one burns."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from simulators.clock import NS, VirtualClock
from simulators.worlds.sun import DAY_S, Sky
from simulators.worlds.truth import Chronicle

PEOPLE_PER_HOUSEHOLD = 3.5  # census of 2019
KG_PER_PERSON_DAY = 0.45
DEPOSITS_PER_HOUSEHOLD_DAY = 1.5
# share of each hour in the day's deposits, times 24: before work, and around supper
HOUR_WEIGHTS = (
    0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 1.2, 2.0, 2.0, 1.2, 0.9, 1.1,
    0.9, 0.6, 0.6, 0.9, 1.8, 2.2, 2.3, 2.2, 1.5, 0.8, 0.5, 0.2,
)  # fmt: skip
# of each weekday from Monday, mean 1: markets and families at home at the week's end
DAY_WEIGHTS = (0.95, 0.94, 0.95, 0.97, 1.0, 1.09, 1.1)
LID_OPEN_S = 8.0
FULL = 0.9  # from here on a bin counts as full
BRIM = 1.1  # a heap over the brim; what comes after that lies beside the bin
FIRE_K, FIRE_TAU_S = 600.0, 900.0


@dataclass(frozen=True, slots=True)
class BinKind:
    """The size of a bin, in litres and m, and the households that use it."""

    litres: float
    depth_m: float
    households: int
    mount_m: float = 0.05  # from the ranger down to the brim
    kg_per_m3: float = 220.0  # loose and wet

    @property
    def empty_m(self) -> float:
        """Return the distance from the ranger to the bottom."""
        return self.mount_m + self.depth_m


SMALL = BinKind(litres=240, depth_m=0.95, households=12)
LARGE = BinKind(litres=660, depth_m=1.05, households=30)


class Bin:
    """One bin: the truth that a ranger, a reed and a thermometer look at."""

    on_lid: Callable[[bool], None] | None = None

    def __init__(
        self,
        clock: VirtualClock,
        rng: random.Random,
        sky: Sky,
        kind: BinKind,
        *,
        name: str = "bin",
        chronicle: Chronicle | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.kg = 0.0
        self.beside_kg = 0.0
        self.generated_kg = 0.0
        self.deposits = 0
        self.lid_open = False
        self._clock = clock
        self._rng = rng
        self._sky = sky
        self._surface_m = 0.0
        self._tilted_m = 1.0
        self._burning_since_ns: int | None = None
        self._full_kg = BRIM * kind.litres / 1000 * kind.kg_per_m3
        self._chronicle = chronicle or Chronicle(clock)
        self._next_deposit()

    @property
    def people(self) -> float:
        """Return how many people bring their waste here."""
        return self.kind.households * PEOPLE_PER_HOUSEHOLD

    @property
    def burning(self) -> bool:
        """Whether it burns."""
        return self._burning_since_ns is not None

    @property
    def level(self) -> float:
        """Return how full it is, 0..1."""
        return min(1.0, self.kg / self.kind.kg_per_m3 / (self.kind.litres / 1000))

    def distance_m(self) -> float | None:
        """Return what is in front of the ranger: the waste, or when the lid is open anything at all."""
        if self.lid_open:
            return self._tilted_m
        kind = self.kind
        fill = self.kg / kind.kg_per_m3 / (kind.litres / 1000)
        noise_m = self._rng.gauss(0, 0.0015)  # ping to ping; datasheet: 3 mm
        return max(0.02, kind.mount_m + kind.depth_m * (1 - fill) + self._surface_m + noise_m)

    def temperature_c(self) -> float:
        """Return the temperature of the inside in C."""
        if self._burning_since_ns is None:
            return self._sky.air_c()
        burning_s = (self._clock.true_ns() - self._burning_since_ns) / NS
        return self._sky.air_c() + FIRE_K * (1 - math.exp(-burning_s / FIRE_TAU_S))

    def deposit(self, kg: float) -> None:
        """Open the lid, throw a bag in, shut the lid some seconds later."""
        self.deposits += 1
        self.kg += kg
        self.generated_kg += kg
        if self.kg > self._full_kg:
            self.beside_kg += self.kg - self._full_kg
            self.kg = self._full_kg
        # where the ranger hits the new heap: roughness, and the top of the cone or its foot
        self._surface_m = self._rng.gauss(0, 0.02) + self._rng.uniform(-0.05, 0.05)
        self._note()
        self._lid(is_open=True)
        self._clock.after(LID_OPEN_S, lambda: self._lid(is_open=False))

    def collect(self) -> float:
        """Empty the bin and what lies beside it, put out what burns; return the kg taken away."""
        taken_kg = self.kg + self.beside_kg
        self.kg = self.beside_kg = 0.0
        self._surface_m = self._rng.gauss(0, 0.005)
        self._burning_since_ns = None
        self._note()
        return taken_kg

    def ignite(self) -> None:
        """Set the waste on fire."""
        if self._burning_since_ns is None:
            self._burning_since_ns = self._clock.true_ns()
            self._note()

    def extinguish(self) -> None:
        """Put the fire out; what is left of the waste stays."""
        self._burning_since_ns = None
        self._note()

    def _note(self) -> None:
        level = round(self.level, 3)
        self._chronicle.condition(self.name, "binFull", holds=self.level >= FULL, level=level)
        overflows = self.beside_kg > 0
        self._chronicle.condition(
            self.name, "binOverflow", holds=overflows, beside_kg=round(self.beside_kg, 1)
        )
        self._chronicle.condition(self.name, "fire", holds=self.burning)

    def _lid(self, *, is_open: bool) -> None:
        self.lid_open = is_open
        self._tilted_m = self._rng.uniform(0.3, 2.5)
        if self.on_lid is not None:
            self.on_lid(is_open)

    def _next_deposit(self) -> None:
        # a Poisson process of varying rate by thinning: draw at the peak's rate, keep some
        per_s = (
            self.kind.households * DEPOSITS_PER_HOUSEHOLD_DAY * max(HOUR_WEIGHTS) * max(DAY_WEIGHTS) / DAY_S
        )
        self._clock.after(self._rng.expovariate(per_s), self._maybe_deposit)

    def _maybe_deposit(self) -> None:
        weight = HOUR_WEIGHTS[int(self._sky.local_hour())] * DAY_WEIGHTS[self._sky.weekday()]
        if self._rng.random() < weight / max(HOUR_WEIGHTS) / max(DAY_WEIGHTS):
            mean_kg = PEOPLE_PER_HOUSEHOLD * KG_PER_PERSON_DAY / DEPOSITS_PER_HOUSEHOLD_DAY
            self.deposit(self._rng.gammavariate(2, mean_kg / 2))
        self._next_deposit()
