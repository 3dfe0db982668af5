"""What an A02YYUW sends on its serial line: a frame with the distance in millimetres, ten times a second."""

from collections.abc import Callable

from simulators.clock import VirtualClock
from simulators.signals.faults import VALUE_FAULTS, Distorted, Faults
from simulators.signals.uart import SerialLine

EVERY_S = 0.1
NEAREST_M = 0.03
NO_ECHO, INTERFERENCE = 0xFFFD, 0xFFFE


class SerialRangerSignal:
    """One serial ranger over a surface; `distance` returns m, or None when no echo comes back."""

    def __init__(
        self,
        clock: VirtualClock,
        line: SerialLine,
        distance: Callable[[], float | None],
        every_s: float = EVERY_S,
    ) -> None:
        self._line = line
        self._distance = distance
        self.faults = Faults(
            **VALUE_FAULTS,
            silent="it sends nothing: no supply, or its TX wire is off; no size",
            garbage="it sends bytes that are no frames: a loose wire; no size",
            crc="the sum of each frame is wrong; no size",
            nothing="no sound comes back; no size",
            interference="another sensor's sound disturbs it; no size",
        )
        self._seen = Distorted(clock, self._true_m, self.faults, "serial")
        clock.every(every_s, self._send)

    def _true_m(self) -> float:
        return self._distance() or 0.0

    def _send(self) -> None:
        faults = self.faults
        if "silent" in faults:
            return
        if "garbage" in faults:
            self._line.put(b"\xff\x00\xff\x37")
            return
        code = self._code()
        body = bytes([0xFF, code >> 8, code & 0xFF])
        total = sum(body) & 0xFF
        self._line.put(body + bytes([total ^ 0x55 if "crc" in faults else total]))

    def _code(self) -> int:
        distance_m = self._distance()
        if "interference" in self.faults:
            return INTERFERENCE
        if distance_m is None or "nothing" in self.faults:
            return NO_ECHO
        if self.faults:
            distance_m = self._seen()
        return 0 if distance_m < NEAREST_M else min(0xFFFC, round(distance_m * 1000))
