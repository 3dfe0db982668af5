"""A street's lamps and the cabinet that switches and feeds them."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from simulators.clock import VirtualClock
from simulators.worlds.sun import Sky
from simulators.worlds.truth import Chronicle

STEP_S = 60
LAMP_W, POWER_FACTOR = 75.0, 0.95
FADE, LIFE_H, WEIBULL = 0.2, 50_000.0, 2.0  # a fifth dimmer after 50 000 h; failures wear out with age
FAILED_A = 0.004  # what a dead lamp's driver still lets through
ON_LUX, OFF_LUX = 20.0, 35.0
NEVER_ON_DEG, ALWAYS_ON_DEG = 3.0, -6.0  # whatever a dirty light sensor says


@dataclass(slots=True)
class Lamp:
    """One LED lamp: hours lit so far, and the hours at which it will fail."""

    hours: float
    fails_at_h: float

    @property
    def works(self) -> bool:
        """Whether it still lights."""
        return self.hours < self.fails_at_h

    @property
    def watts(self) -> float:
        """Return what it draws when switched on."""
        return LAMP_W * (1 - FADE * min(1.0, self.hours / LIFE_H)) if self.works else 0.0


class Feeder:
    """One cabinet with its lamps: the truth that its power meter looks at."""

    on_door: Callable[[bool], None] | None = None
    on_weld: Callable[[bool], None] | None = None
    controlled = False
    """Whether a node's relay switches it; else it has a photocell of its own."""

    def __init__(
        self,
        clock: VirtualClock,
        rng: random.Random,
        sky: Sky,
        lamps: int = 20,
        *,
        name: str = "cabinet",
        chronicle: Chronicle | None = None,
    ) -> None:
        self.name = name
        self.welded = False
        self.tripped = False
        self._chronicle = chronicle or Chronicle(clock)
        self._clock = clock
        self._rng = rng
        self._sky = sky
        self.lamps = [self._lamp() for _ in range(lamps)]
        self.switched_on = self._wanted(lit=False)
        self.door_open = False
        self.voltage = 230.0
        self.energy_wh = rng.uniform(1e5, 5e6)
        clock.every(STEP_S, self._step)

    @property
    def lit(self) -> bool:
        """Whether the lamps have power: the contactor is closed, or welded, and the breaker holds."""
        return (self.switched_on or self.welded) and not self.tripped

    @property
    def dead(self) -> int:
        """Return how many lamps do not light any more."""
        return sum(not lamp.works for lamp in self.lamps)

    @property
    def power_w(self) -> float:
        """Return the active power."""
        return sum(lamp.watts for lamp in self.lamps) if self.lit else 0.0

    @property
    def current_a(self) -> float:
        """Return the current: lit lamps at their power factor, dead ones their leak."""
        if not self.lit:
            return 0.0
        return self.power_w / self.voltage / POWER_FACTOR + self.dead * FAILED_A

    @property
    def power_factor(self) -> float:
        """Return active by apparent power, 0 when nothing flows."""
        apparent_va = self.voltage * self.current_a
        return self.power_w / apparent_va if apparent_va else 0.0

    def fail_lamp(self, index: int) -> None:
        """Let a lamp fail now."""
        self.lamps[index].fails_at_h = self.lamps[index].hours
        self._note()

    def fail_lamps(self, count: int) -> None:
        """Let so many lamps that still work fail now, or all there are."""
        for index in [index for index, lamp in enumerate(self.lamps) if lamp.works][:count]:
            self.fail_lamp(index)

    def mend_lamps(self) -> None:
        """Put new lamps in the place of dead ones."""
        fresh = [Lamp(0.0, LIFE_H * self._rng.expovariate(1) ** (1 / WEIBULL)) for _ in self.lamps]
        pairs = zip(self.lamps, fresh, strict=True)
        self.lamps = [lamp if lamp.works else new for lamp, new in pairs]
        self._note()

    def weld(self, *, yes: bool = True) -> None:
        """Let the contactor's contacts stick together, or replace it."""
        self.welded = yes
        if self.on_weld is not None:
            self.on_weld(yes)
        self._note()

    def switch(self, on: bool) -> None:
        """Let the contactor close or open, as whoever controls it wants."""
        self.switched_on = on
        self._note()

    def trip(self, *, yes: bool = True) -> None:
        """Let the breaker trip, or close it again; a stolen cable is the same."""
        self.tripped = yes
        self._note()

    def open_door(self, *, yes: bool = True) -> None:
        """Open the cabinet's door, or shut it."""
        self.door_open = yes
        self._note()
        if self.on_door is not None:
            self.on_door(yes)

    def _note(self) -> None:
        height_deg, lit = self._sky.sun_deg(), self.lit
        by_day, in_the_dark = lit and height_deg > NEVER_ON_DEG, not lit and height_deg < ALWAYS_ON_DEG
        for kind, holds in (("dayBurner", by_day), ("dark", in_the_dark), ("doorOpen", self.door_open)):
            self._chronicle.condition(self.name, kind, holds=holds)
        self._chronicle.condition(self.name, "lampFailed", holds=(dead := self.dead) > 0, dead=dead)

    def _lamp(self) -> Lamp:
        # a lamp that still works today: its life, drawn anew for what is left of the distribution
        hours = self._rng.uniform(0, 20_000)
        survived = (hours / LIFE_H) ** WEIBULL
        fails_at_h = LIFE_H * (survived + self._rng.expovariate(1)) ** (1 / WEIBULL)
        return Lamp(hours, fails_at_h)

    def _wanted(self, *, lit: bool) -> bool:
        height_deg = self._sky.sun_deg()
        if height_deg > NEVER_ON_DEG:
            return False
        if height_deg < ALWAYS_ON_DEG:
            return True
        return self._sky.lux() < (OFF_LUX if lit else ON_LUX)

    def _step(self) -> None:
        if self.lit:
            self.energy_wh += self.power_w * STEP_S / 3600
            for lamp in self.lamps:
                if lamp.works:
                    lamp.hours += STEP_S / 3600
        if not self.controlled:
            self.switched_on = self._wanted(lit=self.switched_on)
        self._note()
        supper = math.exp(-(((self._sky.local_hour() - 19) / 2) ** 2))  # everyone cooks: the network sags
        self.voltage = 232 - 7 * supper + self._rng.gauss(0, 1)
