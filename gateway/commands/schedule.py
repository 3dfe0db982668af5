"""Whether lamps should burn: by the sun where the time is known, by daylight where it is not. Pure."""

import datetime as dt
from functools import lru_cache

from gateway.commands.config import Schedule

ON_LUX, OFF_LUX = 20.0, 35.0
"""Lamps go on below and off above: 20 lx is usual for streets, a hysteresis of 1.5 to 2 for switches."""

_LOCAL = dt.timezone(dt.timedelta(hours=7))  # Viet Nam has one time zone and no summer time


def by_sun(schedule: Schedule, lat: float, lon: float, now_ns: int) -> bool:
    """Say whether lamps should burn at a UTC time; raise ValueError where the sun does not rise or set."""
    now = dt.datetime.fromtimestamp(now_ns / 1e9, _LOCAL)
    hour = now.hour + now.minute / 60 + now.second / 3600
    if any(_within(first, last, hour) for first, last in schedule.dark):
        return False
    for day in (now.date() - dt.timedelta(days=1), now.date()):
        on = _sun(lat, lon, day)[1] + dt.timedelta(minutes=schedule.sunset)
        off = _sun(lat, lon, day + dt.timedelta(days=1))[0] + dt.timedelta(minutes=schedule.sunrise)
        if on <= now < off:
            return True
    return False


def by_lux(lux: float, *, burning: bool) -> bool:
    """Say whether lamps should burn in this daylight."""
    return lux < (OFF_LUX if burning else ON_LUX)


def _within(first: float, last: float, hour: float) -> bool:
    return first <= hour < last if first <= last else hour >= first or hour < last


@lru_cache(maxsize=16)
def _sun(lat: float, lon: float, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return sunrise and sunset of a local day (astral: NOAA's equations, to the minute)."""
    from astral import Observer  # noqa: PLC0415 - only nodes that switch lamps need it
    from astral.sun import sunrise, sunset  # noqa: PLC0415

    observer = Observer(lat, lon)
    return sunrise(observer, day, tzinfo=_LOCAL), sunset(observer, day, tzinfo=_LOCAL)
