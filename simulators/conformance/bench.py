"""A test bench: one driver, a simulated device on its lines, and the truth that it is held against."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from sensors.sample import Value
from simulators.io import SimIO

Truth = Mapping[str, Value]
"""metric -> what a perfect sensor would say."""


class Bench:
    """Subclass it: name the driver, wire a device to `io` in `wire`, and say what can go wrong with it.

    A fault that the device cannot have stands in `cannot`, with the reason.
    """

    driver: ClassVar[str]
    """Its name in the entry points `commune.drivers`."""
    config: ClassVar[Mapping[str, Any]] = {}
    units: ClassVar[Mapping[str, str]]
    """metric -> UN/CEFACT code, in the driver's order."""
    within: ClassVar[Mapping[str, float]] = {}
    """metric -> how far from the truth it may be, in its unit; others must be exact."""
    within_share: ClassVar[Mapping[str, float]] = {}
    """metric -> how far from the truth it may be as a share of it, beside `within`."""
    unknown: ClassVar[frozenset[str]] = frozenset()
    """Metrics whose truth the bench does not set."""
    longest_s: ClassVar[float] = 30.0
    """How long a read may take, in virtual and in real time."""
    recovers_within: ClassVar[int] = 5
    """After so many reads it must be good again when the fault is gone."""
    cannot: ClassVar[Mapping[str, str]] = {}
    """Of "absent", "garbage" and "slow", those that this device cannot be, and why."""

    def __init__(self, io: SimIO) -> None:
        """Keep the IO and wire the device."""
        self.io = io
        self.wire()

    def wire(self) -> None:
        """Put the device on its lines, files or bus, sound and showing anything."""
        raise NotImplementedError("write `wire`: put the device on its lines")

    def truths(self) -> Sequence[Truth]:
        """Return the truths to be shown: the ends of its range, and enough between."""
        raise NotImplementedError("write `truths`: what is to be shown")

    def show(self, truth: Truth) -> None:
        """Let the world be so, and let the time pass that the device needs to notice."""
        raise NotImplementedError("write `show`: let the world be so")

    def again(self) -> None:
        """Let a moment pass before the next read of the same truth."""
        self.io.clock.sleep(1)

    def prepared(self, driver: Any) -> None:
        """Do what must be done between `open` and the first read, such as switching a relay on."""

    def absent(self) -> None:
        """Take the device away: unplugged, cut, without supply."""
        raise NotImplementedError("write `absent`, or say in `cannot` why not")

    def garbage(self) -> None:
        """Let the device say nonsense."""
        raise NotImplementedError("write `garbage`, or say in `cannot` why not")

    def slow(self) -> None:
        """Let the device answer later than any sheet allows, or hang."""
        raise NotImplementedError("write `slow`, or say in `cannot` why not")

    def mend(self) -> None:
        """Let the device be sound again."""
        raise NotImplementedError("write `mend`: let the device be sound again")

    def faults(self) -> dict[str, Callable[[], None]]:
        """Return the faults that this device can have."""
        every = {"absent": self.absent, "garbage": self.garbage, "slow": self.slow}
        return {name: fault for name, fault in every.items() if name not in self.cannot}

    def off_by(self, metric: str, value: Value, truth: Value) -> float:  # noqa: ARG002 - for subclasses
        """Return how far a value is from the truth, in its unit; 0 or infinity of texts and states."""
        if isinstance(truth, str | bool) or isinstance(value, str | bool):
            return 0.0 if value == truth and type(value) is type(truth) else float("inf")
        return abs(value - truth)

    def allowed(self, metric: str, truth: Value) -> float:
        """Return how far from the truth a value may be."""
        share = 0.0 if isinstance(truth, str) else self.within_share.get(metric, 0.0) * abs(truth)
        return self.within.get(metric, 0.0) + share
