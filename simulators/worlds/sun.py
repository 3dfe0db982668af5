"""The sky over Ha Tinh: the sun's height, clouds, daylight in lux, and the air's temperature."""

import bisect
import math
import random

from simulators.clock import NS, VirtualClock

LATITUDE, LONGITUDE = 18.34, 105.9
UTC_OFFSET_S = 7 * 3600
DAY_S = 86_400
J2000_S = 946_728_000  # 2000-01-01 12:00 UTC since 1970
CLOUD_STEP_S = 600
_THURSDAY = 3  # 1 January 1970
# clear-sky illuminance on the ground in lx by the sun's height in degrees: standard twilight values
_HEIGHTS = (-18.0, -12.0, -6.0, -3.0, -0.8, 0.0, 5.0, 20.0, 60.0, 90.0)
_LUX = (6e-4, 8e-3, 3.4, 60.0, 400.0, 700.0, 6_500.0, 34_000.0, 98_000.0, 110_000.0)


class Sky:
    """Weather and light over one commune."""

    def __init__(self, clock: VirtualClock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self.clouds = rng.uniform(0.1, 0.7)  # covered share of the sky
        self._sun_ns, self._sun_deg = -1, 0.0
        clock.every(CLOUD_STEP_S, self._drift)

    def local_hour(self) -> float:
        """Return the hour of the day at UTC+7, 0..24."""
        return (self._clock.true_ns() / NS + UTC_OFFSET_S) % DAY_S / 3600

    def weekday(self) -> int:
        """Return the local weekday, 0 for Monday."""
        days = (self._clock.true_ns() // NS + UTC_OFFSET_S) // DAY_S
        return (days + _THURSDAY) % 7

    def sun_deg(self) -> float:
        """Return the sun's height in degrees."""
        now_ns = self._clock.true_ns()
        if now_ns != self._sun_ns:  # several look at the same minute, and it is the dearest figure of all
            self._sun_ns, self._sun_deg = now_ns, sun_height(now_ns / NS)
        return self._sun_deg

    def lux(self) -> float:
        """Return daylight in lx under the present clouds (Kasten and Czeplak 1980: 1 - 0.75 n^3.4)."""
        return clear_lux(self.sun_deg()) * (1 - 0.75 * math.pow(self.clouds, 3.4))

    def mean_c(self) -> float:
        """Return the season's mean temperature in C: about 18 in January, 30 in July."""
        day = self._clock.true_ns() / NS / DAY_S % 365.25
        return 24.0 - 6.0 * math.cos(2 * math.pi * (day - 15) / 365.25)

    def air_c(self) -> float:
        """Return the air's temperature in C, warmest at 14 h; clouds flatten the day."""
        swing_c = 4.0 * (1 - 0.5 * self.clouds)
        return self.mean_c() + swing_c * math.cos(2 * math.pi * (self.local_hour() - 14) / 24)

    def _drift(self) -> None:
        pulled = self.clouds + 0.05 * (0.45 - self.clouds) + self._rng.gauss(0, 0.06)
        self.clouds = min(1.0, max(0.0, pulled))


def sun_height(unix_s: float, latitude: float = LATITUDE, longitude: float = LONGITUDE) -> float:
    """Return the sun's height in degrees, refraction left out (NOAA solar calculator, after Meeus)."""
    days = (unix_s - J2000_S) / DAY_S
    centuries = days / 36_525
    mean_longitude = math.radians((280.46646 + centuries * (36_000.76983 + centuries * 0.0003032)) % 360)
    anomaly = math.radians(357.52911 + centuries * (35_999.05029 - 0.0001537 * centuries))
    eccentricity = 0.016708634 - centuries * (0.000042037 + 0.0000001267 * centuries)
    centre = (
        math.sin(anomaly) * (1.914602 - centuries * (0.004817 + 0.000014 * centuries))
        + math.sin(2 * anomaly) * (0.019993 - 0.000101 * centuries)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * centuries)
    longitude_of_sun = mean_longitude + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    tilt = math.radians(23.439291 - 0.0130042 * centuries + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(tilt) * math.sin(longitude_of_sun))
    y = math.tan(tilt / 2) ** 2
    equation_of_time_min = 4 * math.degrees(
        y * math.sin(2 * mean_longitude)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * mean_longitude)
        - 0.5 * y * y * math.sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * math.sin(2 * anomaly)
    )
    solar_min = (unix_s % DAY_S) / 60 + equation_of_time_min + 4 * longitude
    hour_angle = math.radians(solar_min / 4 - 180)
    phi = math.radians(latitude)
    sine = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(
        hour_angle
    )
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def clear_lux(height_deg: float) -> float:
    """Return clear-sky illuminance in lx for a height of the sun in degrees, between table points by log."""
    if height_deg <= _HEIGHTS[0]:
        return _LUX[0]
    above = min(bisect.bisect_left(_HEIGHTS, height_deg), len(_HEIGHTS) - 1)
    share = (height_deg - _HEIGHTS[above - 1]) / (_HEIGHTS[above] - _HEIGHTS[above - 1])
    return float(_LUX[above - 1] * (_LUX[above] / _LUX[above - 1]) ** min(1.0, share))
