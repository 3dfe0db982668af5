"""What is wrong with a signal now: one shape for all, so that a scenario can break any of them by name."""

import math
import random
from collections.abc import Callable

from simulators.clock import NS, VirtualClock


class Faults:
    """The faults of one signal: it says which it can have; whoever tells the world's story switches them on.

    A size has the meaning that the signal's own words give it.
    """

    def __init__(self, **known: str) -> None:
        """Name each fault that this signal can have, with one sentence on what its size means."""
        self.known = known
        self._now: dict[str, float] = {}

    def inject(self, kind: str, size: float = 1.0) -> None:
        """Switch a fault on; raise ValueError that lists the known ones."""
        if kind not in self.known:
            raise ValueError(f"no such fault {kind!r} here; there are: {', '.join(sorted(self.known))}")
        self._now[kind] = size

    def mend(self, kind: str | None = None) -> None:
        """Switch one fault off, or all."""
        if kind is None:
            self._now.clear()
        else:
            self._now.pop(kind, None)

    def size(self, kind: str) -> float:
        """Return the size of a fault that is on, 0 of one that is not."""
        return self._now.get(kind, 0.0)

    def __contains__(self, kind: str) -> bool:
        return kind in self._now

    def __bool__(self) -> bool:
        return bool(self._now)

    @property
    def now(self) -> dict[str, float]:
        """What is on, with its size."""
        return dict(self._now)


VALUE_FAULTS = {
    "stuck": "the value stays what it was; the size means nothing",
    "drift": "it runs away by so many units an hour",
    "noise": "it trembles with this standard deviation, in units",
    "spike": "the next look sees so many units more, once",
    "gain": "what is seen is multiplied by this: an insect on a dome 0.1, a fouled probe 0.8",
}


class Distorted:
    """A true value as a sensor with faults sees it; call it as the value itself."""

    def __init__(
        self,
        clock: VirtualClock,
        value: Callable[[], float],
        faults: Faults,
        seed: int | str = 1,
        *,
        tremble: float = 0.0,
    ) -> None:
        """Distort `value` by those of `VALUE_FAULTS` that are on; the same seed trembles the same way.

        `tremble` is the standard deviation of a sensor that is well, in units of the value.
        """
        self._tremble = tremble
        self._clock = clock
        self._value = value
        self._faults = faults
        self._random = random.Random(str(seed))  # noqa: S311 - a simulation, no secret
        self._held: float | None = None
        self._drifts_since_ns: int | None = None

    def __call__(self) -> float:
        """Return what the sensor sees of the value now."""
        faults = self._faults
        if "stuck" in faults:
            if self._held is None:
                self._held = self._value()
            return self._held
        self._held = None
        seen = self._value() * (faults.size("gain") if "gain" in faults else 1.0)
        seen += self._drift() + self._spike()
        if sigma := math.hypot(self._tremble, faults.size("noise")):
            seen += self._random.gauss(0, sigma)
        return seen if math.isfinite(seen) else 0.0

    def _drift(self) -> float:
        if "drift" not in self._faults:
            self._drifts_since_ns = None
            return 0.0
        now_ns = self._clock.true_ns()
        if self._drifts_since_ns is None:
            self._drifts_since_ns = now_ns
        return self._faults.size("drift") * (now_ns - self._drifts_since_ns) / NS / 3600

    def _spike(self) -> float:
        size = self._faults.size("spike")
        self._faults.mend("spike")
        return size
