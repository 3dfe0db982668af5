"""A02YYUW waterproof ultrasonic ranger with its own processor: it sends distances over a serial line.

Maker's sheet (DFRobot SEN0311): 9600 8N1, every 100 to 300 ms a frame FF, high, low, sum of the three;
millimetres, 3 cm to 4.5 m, 0 to 29 mm for "too near". The makers' newer firmware says FFFD for no echo and
FFFE for another sensor's sound. It compensates for temperature itself.
"""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Annotated, ClassVar

import msgspec

from sensors import checks
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO, Port, Uart
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings

HEAD = 0xFF
FRAME_BYTES = 4
LONGEST_S = 0.5  # of silence: the slowest mode sends every 300 ms
NEAREST_M, FARTHEST_M = 0.03, 4.5
SPREAD_M = 0.02
NO_ECHO, INTERFERENCE = 0xFFFD, 0xFFFE


class A02yyuw:
    """One A02YYUW on a serial port of its own."""

    class Config(Settings, frozen=True):
        """Its port, its speed, and how many frames make one reading (0.1 to 0.3 s each)."""

        port: Port
        baud: int = 9600
        frames: Annotated[int, msgspec.Meta(ge=1, le=15)] = 5

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("distance", "MTR", label="distance to the surface"),)

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._port: Uart | None = None

    def open(self) -> None:
        """Open the port; raise IOUnavailable when there is none."""
        self._port = self._io.uart(self._config.port, baud=self._config.baud)

    def read(self) -> Sequence[Sample]:
        """Return the distance in m; raise BusError no-comm (silence) or crc (bytes, but no frame)."""
        if self._port is None:
            return [bad("distance", "closed")]
        codes = self._codes(self._port)
        metres = [code / 1000 for code in codes if code not in (NO_ECHO, INTERFERENCE)]
        if len(metres) * 2 < len(codes):
            return [bad("distance", "interference" if INTERFERENCE in codes else "no-echo")]
        raw = median(metres)
        sample = checks.in_range(Sample("distance", round(raw, 4), raw=raw * 1000), NEAREST_M, FARTHEST_M)
        spread_m = median(abs(each - raw) for each in metres)
        return [checks.doubted(sample, "spread") if spread_m > SPREAD_M else sample]

    def diagnose(self) -> Sequence[Finding]:
        """Tell silence, nonsense and an empty view apart."""
        try:
            (sample,) = self.read()
        except BusError as error:
            code = {"no-comm": "serial-silent", "crc": "serial-garbled"}.get(error.reason)
            return [Finding(code, self._config.port)] if code else []
        return [Finding("echo-nothing", self._config.port)] if sample.reason == "no-echo" else []

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _codes(self, port: Uart) -> list[int]:
        """Gather the frames of one reading, what is old forgotten; bounded in bytes and in silence."""
        port.flush()
        heard = b""
        codes: list[int] = []
        for _ in range(3 * self._config.frames):
            data = port.read(FRAME_BYTES, LONGEST_S)
            if not data:
                break
            heard += data
            codes = list(_frames(heard))
            if len(codes) >= self._config.frames:
                return codes
        if codes:
            return codes
        if heard:
            raise BusError("crc", f"{self._config.port}: {len(heard)} bytes, and no frame among them")
        raise BusError("no-comm", f"{self._config.port}: nothing came for {LONGEST_S} s")


def _frames(heard: bytes) -> Iterator[int]:
    """Yield the codes of whole frames: FF may also be a frame's high byte, only the sum decides."""
    at = 0
    while at + FRAME_BYTES <= len(heard):
        head, high, low, total = heard[at : at + FRAME_BYTES]
        if head == HEAD and (head + high + low) & 0xFF == total:
            yield high << 8 | low
            at += FRAME_BYTES
        else:
            at += 1
