"""Because one number of one run is gossip: rivals take turns, and medians and spread are told."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Timing:
    """Processor time of one contender over all rounds, in microseconds a reading."""

    name: str
    rounds_us: tuple[float, ...]

    @property
    def median_us(self) -> float:
        """The middle round."""
        return statistics.median(self.rounds_us)

    @property
    def spread(self) -> float:
        """The slowest round over the fastest."""
        return max(self.rounds_us) / min(self.rounds_us)


def measure(
    contenders: dict[str, Callable[[], object]], readings: int, *, rounds: int = ROUNDS
) -> list[Timing]:
    """Let the contenders do the same work in turn, so that a busy machine slows all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for work in contenders.values():
        work()  # the first round fills caches and counts for nobody
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, work in contenders.items():
                began = time.process_time_ns()
                work()
                taken[name].append((time.process_time_ns() - began) / readings / 1000)
    finally:
        gc.enable()
    return [Timing(name, tuple(times)) for name, times in taken.items()]
