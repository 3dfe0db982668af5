"""How full a bin is for how far away its waste is: its depth, and its shape if it is no box."""

import itertools
from typing import Annotated

import msgspec

from sensors.settings import Settings
from sensors.text import said

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Geometry(Settings, frozen=True):
    """Distance in m from the ranger to the bottom of the empty bin, and to the waste when it is full.

    `taper` is the width at the bottom over that at the brim: 1 is a box. `shape` is for what is neither:
    pairs of height and volume, both as shares of the full bin.
    """

    empty_m: Annotated[float, msgspec.Meta(gt=0, le=6)]
    full_m: Annotated[float, msgspec.Meta(ge=0)]
    taper: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    shape: tuple[tuple[Share, Share], ...] = ()

    def __post_init__(self) -> None:
        if self.full_m >= self.empty_m:
            raise ValueError(
                said(
                    "full_m ({full_m}) must be less than empty_m ({empty_m})",
                    full_m=self.full_m,
                    empty_m=self.empty_m,
                )
            )
        if self.shape and self.taper != 1:
            raise ValueError(said("taper and shape say the same thing: give one of them"))
        if any(
            after <= before
            for pair in zip(self.shape, self.shape[1:], strict=False)
            for before, after in zip(*pair, strict=True)
        ):
            raise ValueError(said("shape: heights and volumes must both rise from pair to pair"))


def level(geometry: Geometry, distance_m: float) -> float:
    """Return the share of the bin's volume that is filled, 0 to 1."""
    depth_m = geometry.empty_m - geometry.full_m
    height = min(1.0, max(0.0, (geometry.empty_m - distance_m) / depth_m))
    if geometry.shape:
        return round(_between(((0.0, 0.0), *geometry.shape, (1.0, 1.0)), height), 4)
    if geometry.taper < 1:
        # a frustum: the volume under a height is the difference of two similar pyramids
        bottom, width = geometry.taper, geometry.taper + (1 - geometry.taper) * height
        return round((width**3 - bottom**3) / (1 - bottom**3), 4)
    return round(height, 4)


def _between(pairs: tuple[tuple[float, float], ...], at: float) -> float:
    for (low, low_share), (high, high_share) in itertools.pairwise(pairs):
        if at <= high:
            return (
                low_share if high == low else low_share + (high_share - low_share) * (at - low) / (high - low)
            )
    return 1.0
