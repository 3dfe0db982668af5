"""Because every driver is tested on the simulated IO, by the code that also runs on a Pi."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.clock import VirtualClock
from simulators.io import SimIO


@pytest.fixture
def clock() -> VirtualClock:
    """Lend a clock that passes only when told to."""
    return VirtualClock()


@pytest.fixture
def io(clock: VirtualClock, tmp_path: Path) -> Iterator[SimIO]:
    """Lend a Pi without anything wired to it."""
    lent = SimIO(clock, tmp_path / "sys")
    yield lent
    lent.close()
