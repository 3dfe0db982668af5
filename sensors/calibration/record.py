"""One calibration as it is kept for ever: what was measured, by whom, and the straight line it gives."""

import math
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec

Kind = Literal["offset", "two-point", "ph", "current-loop", "k-factor", "scale", "empty-full", "factory"]
KINDS: tuple[Kind, ...] = (
    "offset", "two-point", "ph", "current-loop", "k-factor", "scale", "empty-full", "factory",
)  # fmt: skip

Point = tuple[float, float]
"""What the device said, and what was true."""

_SUM = b',"crc":"'
_SUM_BYTES = len(_SUM) + len('00000000"}')


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One calibration of `of`: "device.metric", or an asset's id for what only the asset knows.

    value = gain * own + offset, where `own` is the device's own number in the metric's unit. `at` is when it
    was done and from when it holds, RFC 3339 in UTC. `facts` has what belongs to the kind: slope_percent,
    offset_mv, temperature_c, ...
    """

    v: Literal[1] = 1
    of: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}(\.[A-Za-z0-9_-]{1,64})?$")]
    kind: Kind
    at: str
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    gain: float
    offset: float
    points: tuple[Point, ...] = ()
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    facts: dict[str, float] = {}

    def __post_init__(self) -> None:
        numbers = [self.gain, self.offset, *self.facts.values(), *(n for point in self.points for n in point)]
        if not all(math.isfinite(number) for number in numbers) or self.gain == 0:
            raise ValueError("a calibration is made of finite numbers, and its gain is not 0")
        if datetime.fromisoformat(self.at).tzinfo is None:
            raise ValueError(f"at: {self.at!r} has no time zone")

    @property
    def at_ns(self) -> int:
        """Return since when it holds, in ns since 1970."""
        return round(datetime.fromisoformat(self.at).timestamp() * 1e3) * 1_000_000

    def apply(self, own: float) -> float:
        """Return the true value for the device's own number."""
        return self.gain * own + self.offset


@dataclass(frozen=True, slots=True)
class Calibration:
    """The record that holds for a value now, and the reason code of the doubt it brings, if any."""

    record: Record | None
    doubt: str = ""

    def apply(self, own: float) -> float:
        """Return the true value for the device's own number; without a record it is that number."""
        return own if self.record is None else self.record.apply(own)


def to_line(record: Record) -> bytes:
    """Write a record as one line of JSON with its checksum as the last key."""
    body = msgspec.json.encode(record)
    return body[:-1] + _SUM + f'{zlib.crc32(body):08x}"}}\n'.encode()


def from_line(line: bytes) -> Record:
    """Read a line that `to_line` wrote; raise ValueError that says what is wrong with it."""
    line = line.rstrip(b"\r\n")
    body, end = line[:-_SUM_BYTES] + b"}", line[-_SUM_BYTES:]
    if end != _SUM + f'{zlib.crc32(body):08x}"}}'.encode():
        raise ValueError("its checksum does not fit: it was cut off or changed")
    return msgspec.json.decode(body, type=Record)
