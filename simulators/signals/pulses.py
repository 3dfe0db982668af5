"""What a pulse meter does on its line: one closing of its contact for every so many litres."""

from simulators.clock import VirtualClock
from simulators.pins import SimPin
from simulators.signals.faults import Faults

CLOSED_S = 0.03  # a reed meter's contact stays closed for a part of the magnet's turn


class PulseSignal:
    """A meter that is told the flow of each coming stretch of time and closes its contact on the way."""

    def __init__(self, clock: VirtualClock, pin: SimPin, litres_per_pulse: float) -> None:
        self._clock = clock
        self._pin = pin
        self._litres_per_pulse = litres_per_pulse
        self._since_pulse_l = 0.0
        self.stopped = False
        self.sent = 0
        self.faults = Faults(
            cut="its wire is cut: water flows, no pulse comes; no size",
            stopped="its wheel is stuck: water flows, it does not turn; no size",
            chatter="each pulse comes so many times, a millisecond apart",
        )

    def flow(self, litres_per_s: float, seconds: float) -> None:
        """Let water flow evenly for the coming seconds; the pulses come when they are due."""
        if self.stopped or "stopped" in self.faults or litres_per_s <= 0:
            return
        total_l = self._since_pulse_l + litres_per_s * seconds
        pulses = int(total_l // self._litres_per_pulse)
        closed_s = min(CLOSED_S, self._litres_per_pulse / litres_per_s / 2) if pulses else CLOSED_S
        for number in range(1, pulses + 1):
            due_s = (number * self._litres_per_pulse - self._since_pulse_l) / litres_per_s
            self._clock.after(due_s, lambda: self.pulse(closed_s))
        self._since_pulse_l = total_l - pulses * self._litres_per_pulse

    def pulse(self, closed_s: float = CLOSED_S) -> None:
        """Close the contact once; `sent` counts what the meter's wheel does, whatever the wire shows."""
        self.sent += 1
        if "cut" in self.faults:
            return
        self._pin.wire(level=False)
        self._clock.after(closed_s, lambda: self._pin.wire(None))
        for extra in range(1, round(self.faults.size("chatter"))):
            self._clock.after(extra * 0.001, lambda: self._pin.wire(None))
            self._clock.after(extra * 0.001 + 0.0005, lambda: self._pin.wire(level=False))
