"""Finds drivers by name: each is an entry point of the group `commune.drivers`, ours and third parties'."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import msgspec

from sensors.errors import ConfigError
from sensors.io import IO
from sensors.sample import Metric, Sample
from sensors.text import said

GROUP = "commune.drivers"


class Driver(Protocol):
    """One chip or meter.

    `read` blocks for a bounded time. Of its bus it lets only `BusError` escape, which the runner turns into
    BAD samples of all metrics. A driver whose metrics depend on its config sets them in `__init__`.
    """

    Config: ClassVar[type[msgspec.Struct]]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The quantities that `read` returns, in its order."""

    def __init__(self, config: Any, io: IO) -> None: ...

    def open(self) -> None:
        """Take the lines and ports that the config names."""

    def read(self) -> Sequence[Sample]:
        """Read once: one sample for each metric."""

    def close(self) -> None:
        """Give everything back; safe to call twice."""


@runtime_checkable
class Actuator(Driver, Protocol):
    """A driver that also switches something. `switch` belongs to the thread that reads its bus."""

    def switch(self, on: bool) -> None:
        """Switch; raise BusError not-followed when its feedback says otherwise, closed before `open`."""


def drivers() -> list[str]:
    """Return the names of all installed drivers, sorted."""
    return sorted(point.name for point in _points())


def driver(name: str) -> type[Driver]:
    """Return the driver class of that name; raise ConfigError that lists the known ones."""
    for point in _points().select(name=name):
        return cast("type[Driver]", point.load())
    raise ConfigError(
        said("unknown driver {name!r}; installed are: {known}", name=name, known=", ".join(drivers()))
    )


@cache
def _points() -> EntryPoints:
    """Read what is installed once: that takes as long as a start on a Pi may not."""
    return entry_points(group=GROUP)
