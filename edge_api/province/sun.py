"""When it is dark: lamps are judged by the sun over the place where they stand."""

import datetime as dt
from functools import lru_cache

from edge_api.province.days import NS, date_of, start_of

Span = tuple[int, int]
_LOCAL = dt.timezone(dt.timedelta(hours=7))


@lru_cache(maxsize=256)
def _rise_and_set(day: int, lat: float, lon: float) -> Span:
    """Return sunrise and sunset of a local day in ns (astral: NOAA's equations, to the minute)."""
    from astral import Observer  # noqa: PLC0415 - only an edge that counts for a programme needs it
    from astral.sun import sunrise, sunset  # noqa: PLC0415

    observer, date = Observer(lat, lon), date_of(day)
    rise, fall = (each(observer, date, tzinfo=_LOCAL) for each in (sunrise, sunset))
    return int(rise.timestamp()) * NS, int(fall.timestamp()) * NS


def dark(day: int, lat: float, lon: float, twilight_s: float) -> list[Span]:
    """Return when lamps must burn on a local day: not within `twilight_s` of sunset and sunrise."""
    rise, fall = _rise_and_set(day, round(lat, 1), round(lon, 1))
    twilight_ns = round(twilight_s * NS)
    return [(start_of(day), rise - twilight_ns), (fall + twilight_ns, start_of(day + 1))]


def light(day: int, lat: float, lon: float, twilight_s: float) -> list[Span]:
    """Return the span of a local day in which no lamp should burn."""
    rise, fall = _rise_and_set(day, round(lat, 1), round(lon, 1))
    twilight_ns = round(twilight_s * NS)
    return [(rise + twilight_ns, fall - twilight_ns)]


def overlap_s(first_ns: int, last_ns: int, spans: list[Span]) -> float:
    """Return how many seconds of first..last lie in the spans."""
    return sum(max(0, min(last_ns, end) - max(first_ns, begin)) for begin, end in spans) / NS
