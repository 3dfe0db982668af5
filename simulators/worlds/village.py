"""One commune's world on one clock: sky, bins and their collection, water works, lamps, and what happened."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulators.clock import VirtualClock
from simulators.worlds.bins import KG_PER_PERSON_DAY, LARGE, SMALL, Bin
from simulators.worlds.lights import Feeder
from simulators.worlds.rounds import Plan, Plant, Rounds, Weighbridge
from simulators.worlds.sun import Sky
from simulators.worlds.truth import Chronicle
from simulators.worlds.water import PEOPLE, WaterWorks

LARGE_EVERY = 4  # every fourth bin stands at a market or a school


@dataclass(frozen=True, slots=True)
class Sizes:
    """What there is in a commune. `people` draw water; `plant_t` tonnes a day come from elsewhere."""

    bins: Sequence[str] = ()
    water: bool = True
    lights: bool = True
    people: int = PEOPLE
    lamps: int = 20
    weather: bool = True
    plant_t: float = 0.0
    number: int = 1
    plan: Plan = field(default_factory=Plan)


class Village:
    """The physics of one commune and its chronicle. The same clock, seed and sizes give the same story."""

    def __init__(self, clock: VirtualClock, seed: str, sizes: Sizes) -> None:
        self.clock = clock
        self.sizes = sizes
        self._seed = seed
        self.chronicle = Chronicle(clock)
        self.sky = Sky(clock, self._rng("sky"))
        number, chronicle = f"{sizes.number:02}", self.chronicle
        self.bins = {name: self._bin(name, index) for index, name in enumerate(sizes.bins)}
        self.bridge = Weighbridge(clock, self._rng("bridge"), f"weighbridge-{number}", chronicle)
        bins = list(self.bins.values())
        self.rounds = Rounds(clock, self._rng("rounds"), bins, self.bridge, chronicle, sizes.plan)
        self.plant = Plant(clock, self._rng("plant"), self.bridge, sizes.plant_t)
        self.water: WaterWorks | None = None
        self.lights: Feeder | None = None
        if sizes.water:
            rng, people = self._rng("water"), sizes.people
            self.water = WaterWorks(
                clock, rng, self.sky, people=people, weather=sizes.weather, name=number, chronicle=chronicle
            )
        if sizes.lights:
            name = f"cabinet-{number}"
            self.lights = Feeder(
                clock, self._rng("lights"), self.sky, sizes.lamps, name=name, chronicle=chronicle
            )

    @property
    def population(self) -> float:
        """Return how many people bring waste to the bins."""
        return sum(each.people for each in self.bins.values())

    @property
    def generated_kg(self) -> float:
        """Return all waste that people have brought so far."""
        return sum(each.generated_kg for each in self.bins.values())

    @property
    def expected_kg_a_day(self) -> float:
        """Return what the population makes on a mean day, by the same figure as an indicator would use."""
        return self.population * KG_PER_PERSON_DAY

    def storm(self) -> None:
        """Let a storm come: the raw water clouds, the sky too."""
        self.sky.clouds = 1.0
        if self.water is not None:
            self.water.storm()

    def _bin(self, name: str, index: int) -> Bin:
        kind = LARGE if index % LARGE_EVERY == LARGE_EVERY - 1 else SMALL
        return Bin(self.clock, self._rng(name), self.sky, kind, name=name, chronicle=self.chronicle)

    def _rng(self, name: str) -> random.Random:
        # one stream a world: a bin more does not change the weather
        return random.Random(f"{self._seed}/{name}")  # noqa: S311 - a simulation, no secret
