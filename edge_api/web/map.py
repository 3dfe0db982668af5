"""A map without tiles: where assets lie to each other, to scale, as marks in an SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge_api.history import AssetNow
from sensors.figures import number

__all__ = ["Mark", "Plan", "plan"]

# Marks and letters have the same size in both: a phone's map holds fewer names, not smaller ones.
_WIDE, _NARROW = (1000, 440), (480, 600)
_LEAST_HEIGHT = 320
_MARGIN = 60
_MOST_NAMES = 40
_NAME_HIGH, _LETTER_WIDE, _NAME_OFF, _NAME_LONG = 26, 13, 22, 24
_M_A_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km
_LEAST_M = 200.0  # a map of one point still shows a little of the ground


@dataclass(slots=True)
class Mark:
    """One asset on the map; x to the east and y to the south, in units of the drawing."""

    asset: AssetNow
    x: float
    y: float
    name: str = ""  # where there is room for it
    before: bool = False  # the name stands to the left


@dataclass(frozen=True, slots=True)
class Plan:
    """The map: its height, its marks, and a scale bar of `bar` units that stands for `bar_text`."""

    height: int
    marks: list[Mark]
    bar: float
    bar_text: str
    elsewhere: int  # assets without coordinates
    width: int


def plan(assets: Sequence[AssetNow], lang: str, *, narrow: bool = False) -> Plan | None:
    """Draw the assets that have coordinates, for a phone if `narrow`; None when none has any."""
    width, most_height = _NARROW if narrow else _WIDE
    placed = [(each, each.lat, each.lon) for each in assets if each.lat is not None and each.lon is not None]
    if not placed:
        return None
    middle = sum(lat for _, lat, _ in placed) / len(placed)
    shrink = max(math.cos(math.radians(middle)), 0.01)
    east = [lon * _M_A_DEGREE * shrink for _, _, lon in placed]
    north = [lat * _M_A_DEGREE for _, lat, _ in placed]
    wide, high = max(max(east) - min(east), _LEAST_M), max(max(north) - min(north), _LEAST_M)
    scale = min((width - 2 * _MARGIN) / wide, (most_height - 2 * _MARGIN) / high)
    height = max(_LEAST_HEIGHT, round(high * scale + 2 * _MARGIN))
    mid_x, mid_y = (max(east) + min(east)) / 2, (max(north) + min(north)) / 2
    marks = [
        Mark(asset, round(width / 2 + (x - mid_x) * scale, 1), round(height / 2 - (y - mid_y) * scale, 1))
        for (asset, _, _), x, y in zip(placed, east, north, strict=True)
    ]
    _name(marks, width)
    length = _nice(width / 5 / scale)
    text = f"{number(length / 1000, lang, 1)} km" if length >= 1000 else f"{length:g} m"
    return Plan(height, marks, round(length * scale, 1), text, len(assets) - len(placed), width)


def _name(marks: Sequence[Mark], width: int) -> None:
    """Write names beside the marks, as long as none lies over another."""
    taken: list[tuple[float, float, float]] = [(each.x - 15, each.x + 15, each.y) for each in marks]
    for mark in marks[:_MOST_NAMES]:
        name = (mark.asset.name or mark.asset.id)[:_NAME_LONG]
        wide = len(name) * _LETTER_WIDE
        mark.before = mark.x + _NAME_OFF + wide > width
        left = mark.x - _NAME_OFF - wide if mark.before else mark.x + _NAME_OFF
        if left >= 0 and not any(
            left < right and other < left + wide and abs(mark.y - y) < _NAME_HIGH for other, right, y in taken
        ):
            mark.name = name
            taken.append((left, left + wide, mark.y))


def _nice(length_m: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not longer."""
    power: float = 10.0 ** math.floor(math.log10(length_m))
    return next(each * power for each in (5, 2, 1) if each * power <= length_m or each == 1)
