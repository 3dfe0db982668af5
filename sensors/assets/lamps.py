"""How many of a feeder's lamps are dead, from its power against what it draws at the same voltage when well.

One dead lamp of twenty is 5 % less: only the feeder's own baseline shows that. It is kept for each 5 V of the
supply, because what a lamp draws follows the voltage as its driver or ballast wants.
"""

from collections import deque
from statistics import median

from sensors.io import Kept

BIN_V = 5
WARM_S = 900.0  # a sodium lamp takes ten minutes to its full power, an LED driver settles in one
LEARN_S = 2 * 3600.0  # of light at a voltage, before that voltage is judged
FOLLOW_S = 200 * 3600.0  # how slowly the baseline follows: lamps fade by a fifth in 50 000 h
STEADY = 5  # readings whose median is judged: a pump next door is no dead lamp
LONGEST_S = 3600.0  # between two readings; more was a gap, which tells nothing


class Lamps:
    """The lamps of one feeder: burning hours and how many are dead. `count` is how many there are."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._watts: dict[int, float] = {}
        self._learnt_s: dict[int, float] = {}
        self._ratios: deque[float] = deque(maxlen=STEADY)
        self._lit_s = 0.0
        self._seen_ns: int | None = None
        self.burnt_s = 0.0
        """Seconds lit since the node was set up."""
        self.dead: int | None = None
        """How many draw nothing; None until the baseline is known."""

    def take(self, mono_ns: int, power_w: float | None, voltage_v: float | None, *, lit: bool) -> None:
        """Take in a reading: power and voltage (None when not good), and whether the lamps are fully lit."""
        passed_s = 0.0 if self._seen_ns is None else (mono_ns - self._seen_ns) / 1e9
        self._seen_ns = mono_ns
        if not 0 < passed_s <= LONGEST_S:
            passed_s = 0.0
        if not lit:
            self._lit_s = 0.0
            self._ratios.clear()
            return
        self.burnt_s += passed_s
        self._lit_s += passed_s
        if power_w is not None and voltage_v is not None and self._lit_s >= WARM_S:
            self._compare(power_w, int(voltage_v // BIN_V) * BIN_V, passed_s)

    def recall(self, kept: Kept) -> None:
        """Go on from what `remember` returned."""
        self.burnt_s = kept.get("burnt_s", 0.0)
        for key, value in kept.items():
            kind, _, volts = key.partition(" ")
            if volts.isdigit():
                {"watts": self._watts, "learnt_s": self._learnt_s}.get(kind, {})[int(volts)] = value
        self.dead = int(kept["dead"]) if "dead" in kept else None

    def remember(self) -> Kept:
        """Return what is to be kept."""
        kept: Kept = {"burnt_s": self.burnt_s}
        kept |= {f"watts {volts}": watts for volts, watts in self._watts.items()}
        kept |= {f"learnt_s {volts}": seconds for volts, seconds in self._learnt_s.items()}
        return kept if self.dead is None else kept | {"dead": self.dead}

    def _compare(self, power_w: float, volts: int, passed_s: float) -> None:
        learnt_s = self._learnt_s.get(volts, 0.0)
        if learnt_s < LEARN_S:
            # a voltage not seen before, while lamps are known to be dead: what well ones would draw
            self._learn(volts, power_w / self._well(), passed_s, learnt_s)
            return
        self._ratios.append(power_w / self._watts[volts])
        if len(self._ratios) < STEADY:
            return
        ratio, lamp = median(self._ratios), 1 / max(self._count, 1)
        self.dead = min(self._count, max(0, round((1 - ratio) / lamp)))
        if ratio > 1 + lamp / 2:  # more than ever: lamps were mended or added that the baseline never knew
            self._watts.clear()
            self._learnt_s.clear()
            self._ratios.clear()
        elif not self.dead:
            self._learn(volts, power_w, passed_s, FOLLOW_S)

    def _learn(self, volts: int, power_w: float, passed_s: float, known_s: float) -> None:
        before = self._watts.get(volts, power_w)
        share = passed_s / (known_s + passed_s) if passed_s else 0.0
        self._watts[volts] = before + share * (power_w - before)
        self._learnt_s[volts] = self._learnt_s.get(volts, 0.0) + passed_s

    def _well(self) -> float:
        return 1 - (self.dead or 0) / max(self._count, 1) or 1.0
