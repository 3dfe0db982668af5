"""What a fault on the bench is: a name, a story, and what a reading and a check must say of it."""

from collections.abc import Callable
from dataclasses import dataclass

from simulators.bench import Bench


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong: with which device, and what a reading and a check must say of it.

    `story` is English, to be translated when it is shown. `reason` is the code in the reading, empty when
    the values stay good; `finding` the first of the check.
    """

    device: str
    name: str
    story: str
    reason: str
    finding: str
    happens: Callable[[Bench], object]
    also: tuple[str, ...] = ()  # other devices that suffer the same

    @property
    def full_name(self) -> str:
        """The name that the command line takes."""
        return f"{self.device}:{self.name}"
