"""Holds a light sensor against the sun, which is known: covered, dirty, or lit by its own lamp."""

import itertools
import math
from datetime import UTC, datetime

from sensors.assets.moment import NS, Moment
from sensors.io import Kept
from sensors.sample import Quality

HIGH_DEG, NIGHT_DEG = 30.0, -8.0
NOTHING_LX = 1.0  # under the darkest cloud, a high sun gives thousands
NIGHT_LX = 50.0  # a full moon gives 0.3
DIRTY_SHARE, DIRTY_DAYS = (
    0.1,
    3,
)  # clouds take three quarters of the light (Kasten and Czeplak 1980), dirt more
CLEAR_LX = ((30.0, 50e3), (45.0, 76e3), (60.0, 98e3), (90.0, 115e3))  # clear sky, by the sun's height

Doubt = tuple[str, Quality]


class Daylight:
    """What the last days said of one light sensor."""

    def __init__(self) -> None:
        self._day = -1
        self._best = 0.0  # of today: what was seen over what a clear sky gives, at a high sun
        self._dark_days = 0

    def judge(self, lux: float, moment: Moment) -> Doubt | None:
        """Return reason and severity of the doubt in a value; None without any, or without a sun."""
        height_deg = sun_deg(moment)
        if height_deg is None:
            return None
        if height_deg < NIGHT_DEG:
            return ("light-at-night", Quality.UNCERTAIN) if lux > NIGHT_LX else None
        if height_deg < HIGH_DEG:
            return None
        self._note(lux / _clear_lx(height_deg), moment.local_day or 0)
        if lux < NOTHING_LX:
            return "dark-at-noon", Quality.BAD
        dirty = self._dark_days >= DIRTY_DAYS and self._best < DIRTY_SHARE
        return ("dark-at-noon", Quality.UNCERTAIN) if dirty else None

    def recall(self, kept: Kept) -> None:
        """Go on from what `remember` returned."""
        self._day = int(kept.get("lux_day", -1))
        self._best = kept.get("lux_best", 0.0)
        self._dark_days = int(kept.get("lux_dark_days", 0))

    def remember(self) -> Kept:
        """Return what is to be kept."""
        return {"lux_day": self._day, "lux_best": self._best, "lux_dark_days": self._dark_days}

    def _note(self, share: float, day: int) -> None:
        if day != self._day:
            known = self._day >= 0
            self._dark_days = self._dark_days + 1 if known and self._best < DIRTY_SHARE else 0
            self._day, self._best = day, 0.0
        self._best = max(self._best, share)


def sun_deg(moment: Moment) -> float | None:
    """Return the sun's height over the horizon in degrees; None without a clock or a place."""
    if moment.wall_ns is None or moment.lat is None or moment.lon is None:
        return None
    from astral import Observer  # noqa: PLC0415 - only a node with a light sensor needs it
    from astral.sun import elevation  # noqa: PLC0415

    when = datetime.fromtimestamp(moment.wall_ns / NS, UTC)
    return float(elevation(Observer(moment.lat, moment.lon), when, with_refraction=False))


def _clear_lx(height_deg: float) -> float:
    for (low, low_lx), (high, high_lx) in itertools.pairwise(CLEAR_LX):
        if height_deg <= high:
            return math.exp(math.log(low_lx) + math.log(high_lx / low_lx) * (height_deg - low) / (high - low))
    return CLEAR_LX[-1][1]
