"""When and where an asset is looked at: what a model may know beside its samples."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sensors.io import Kept

NS = 1_000_000_000
DAY_S, HOUR_S = 86_400, 3600
LOCAL_S = 7 * HOUR_S  # Viet Nam has one time zone and no summer time


@dataclass(frozen=True, slots=True)
class Moment:
    """Monotonic ns of this boot; UTC ns since 1970, None while the clock is not set; degrees, if known."""

    mono_ns: int = 0
    wall_ns: int | None = None
    lat: float | None = None
    lon: float | None = None

    @property
    def local_day(self) -> int | None:
        """Return the local day, in days since 1970; None while the clock is not set."""
        return None if self.wall_ns is None else (self.wall_ns // NS + LOCAL_S) // DAY_S

    @property
    def local_hour(self) -> float | None:
        """Return the local hour of the day, 0 to 24; None while the clock is not set."""
        return None if self.wall_ns is None else (self.wall_ns / NS + LOCAL_S) % DAY_S / HOUR_S


NOWHERE = Moment()


@runtime_checkable
class Remembering(Protocol):
    """A model that learns: what it knows outlives a restart, saved some minutes after it changed."""

    def recall(self, kept: Kept) -> None:
        """Go on from what was kept; what does not fit is forgotten."""

    def remember(self) -> Kept:
        """Return what is to be kept."""
