"""A village water works: raw water, treatment, a tank, what people draw, and what leaks away."""

import math
import random
from collections.abc import Callable

from simulators.clock import NS, VirtualClock
from simulators.worlds.sun import DAY_S, Sky
from simulators.worlds.truth import Chronicle

STEP_S = 60
PEOPLE, LITRES_PER_DAY = 3_000, 80
# share of each hour in the day's demand, times 24
HOUR_FACTORS = (
    0.3, 0.25, 0.25, 0.25, 0.4, 1.1, 2.1, 1.8, 1.3, 1.0, 0.9, 1.1,
    1.3, 0.9, 0.8, 0.9, 1.2, 1.7, 2.0, 1.6, 1.2, 0.8, 0.5, 0.35,
)  # fmt: skip
DEMAND_SD = 0.12
TANK_M2, TANK_M = 60.0, 4.0
PUMP_L_S, PUMP_ON_M, PUMP_OFF_M = 9.0, 2.0, 3.7
HILL_M = 25.0  # the tank's floor over the village
LEAK_L_S, LEAK_EXPONENT = 0.6, 1.15  # FAVAD: Q = C P^1.15 (Lambert)
DOSE_MG_L = 0.8
DECAY_20_PER_DAY, DECAY_PER_K = 0.5, 1.1  # first order in the bulk, faster when warm
RAW_NTU, STORM_NTU, STORM_TAU_S, PASSED = 3.0, 180.0, 8 * 3600, 0.2
STORM_EVERY_S = 6 * DAY_S


class WaterWorks:
    """The truth that probes in the tank's outlet and the meter behind it look at."""

    def __init__(
        self,
        clock: VirtualClock,
        rng: random.Random,
        sky: Sky,
        *,
        people: int = PEOPLE,
        weather: bool = True,
        name: str = "01",
        chronicle: Chronicle | None = None,
    ) -> None:
        """Serve so many people, 100..6000; without `weather` a storm comes only when it is told to."""
        self._clock = clock
        self._rng = rng
        self._sky = sky
        self._people = people
        self._name = name
        self._chronicle = chronicle or Chronicle(clock)
        self._stored_m3 = TANK_M2 * rng.uniform(2.2, 3.5)
        self.pumping = False
        self.raw_ntu = RAW_NTU
        self.turbidity = RAW_NTU * PASSED
        self.chlorine = 0.5
        self.outflow_l_s = 0.0
        self._m3_at_step = 0.0
        self._step_ns = clock.true_ns()
        self._burst_l_s = 0.0
        self._meters: list[Callable[[float, float], None]] = []
        self._draw()
        clock.every(STEP_S, self._step)
        if weather:
            clock.after(rng.expovariate(1 / STORM_EVERY_S), self._weather)

    @property
    def level_m(self) -> float:
        """Return the water's height in the tank."""
        return self._stored_m3 / TANK_M2

    @property
    def volume_m3(self) -> float:
        """Return all that has ever left through the meter."""
        return self._m3_at_step + self.outflow_l_s / 1000 * (self._clock.true_ns() - self._step_ns) / NS

    @property
    def flow_m3_h(self) -> float:
        """Return what leaves through the meter now."""
        return self.outflow_l_s * 3.6

    @property
    def pressure_kpa(self) -> float:
        """Return the pressure in the village: the head of the tank less what the pipe takes."""
        return 9.81 * (HILL_M + self.level_m - 3.0 * (self.outflow_l_s / 6.0) ** 2)

    @property
    def ph(self) -> float:
        """Return the pH: 7.2 with a slow swing; rain makes it sourer."""
        swing = 0.1 * math.sin(2 * math.pi * self._clock.true_ns() / NS / (3 * DAY_S))
        return 7.2 + swing - 0.4 * (self.raw_ntu - RAW_NTU) / STORM_NTU

    @property
    def water_c(self) -> float:
        """Return the water's temperature in C, the season's mean."""
        return self._sky.mean_c()

    def meter(self, flow: Callable[[float, float], None]) -> None:
        """Tell a meter each coming stretch: litres a second, and for how many seconds."""
        self._meters.append(flow)
        passed_s = (self._clock.true_ns() - self._step_ns) / NS
        flow(self.outflow_l_s, STEP_S - passed_s)

    def storm(self) -> None:
        """Let a storm stir up the raw water; it settles in days."""
        self.raw_ntu += STORM_NTU
        self._chronicle.done(f"quality-{self._name}", "storm")

    def burst(self, litres_per_s: float) -> None:
        """Let a pipe burst, leaking so much at the usual pressure; 0 mends it."""
        self._burst_l_s = litres_per_s
        burst = litres_per_s > 0
        self._chronicle.condition(f"network-{self._name}", "leak", holds=burst, litres_per_s=litres_per_s)

    def _weather(self) -> None:
        self.storm()
        self._clock.after(self._rng.expovariate(1 / STORM_EVERY_S), self._weather)

    def _step(self) -> None:
        out_m3 = self.outflow_l_s * STEP_S / 1000
        in_m3 = PUMP_L_S * STEP_S / 1000 if self.pumping else 0.0
        self._m3_at_step += out_m3
        self._step_ns = self._clock.true_ns()
        self._mix(in_m3)
        self._stored_m3 = min(TANK_M2 * TANK_M, max(0.0, self._stored_m3 + in_m3 - out_m3))
        if self.level_m < PUMP_ON_M:
            self.pumping = True
        elif self.level_m > PUMP_OFF_M:
            self.pumping = False
        self._draw()
        self._judge()
        for meter in self._meters:
            meter(self.outflow_l_s, STEP_S)

    def _judge(self) -> None:
        quality = f"quality-{self._name}"
        for field, value, low, high in (
            ("turbidity", self.turbidity, -math.inf, 2.0),
            ("freeChlorine", self.chlorine, 0.2, 1.0),
            ("pH", self.ph, 6.0, 8.5),
        ):
            broken = not low <= value <= high
            self._chronicle.condition(quality, f"limit-{field}", holds=broken, value=round(value, 3))

    def _mix(self, in_m3: float) -> None:
        self.raw_ntu = RAW_NTU + (self.raw_ntu - RAW_NTU) * math.exp(-STEP_S / STORM_TAU_S)
        share = in_m3 / (self._stored_m3 + in_m3) if in_m3 else 0.0
        self.turbidity += share * (self.raw_ntu * PASSED - self.turbidity)
        per_day = DECAY_20_PER_DAY * DECAY_PER_K ** (self.water_c - 20) * (1 + self.turbidity / 10)
        self.chlorine += share * (DOSE_MG_L - self.chlorine)
        self.chlorine *= math.exp(-per_day * STEP_S / DAY_S)

    def _draw(self) -> None:
        if self._stored_m3 <= 0:
            self.outflow_l_s = 0.0
            return
        factor = HOUR_FACTORS[int(self._sky.local_hour())] * self._rng.lognormvariate(0, DEMAND_SD)
        demand_l_s = self._people * LITRES_PER_DAY / DAY_S * factor
        usual_head_m = HILL_M + 0.75 * TANK_M
        head_m = HILL_M + self.level_m
        leak_l_s = (LEAK_L_S + self._burst_l_s) * (head_m / usual_head_m) ** LEAK_EXPONENT
        self.outflow_l_s = demand_l_s + leak_l_s
