"""What a contact to ground does on its line: closed pulls it low, open or cut leaves it to the pull-up."""

from simulators.clock import VirtualClock
from simulators.pins import SimPin
from simulators.signals.faults import Faults

CHATTER_S = 0.02


class ContactSignal:
    """One reed or door switch. After a fault was injected or mended, `refresh` lets it show."""

    def __init__(self, clock: VirtualClock, pin: SimPin, *, closed: bool = True) -> None:
        self._clock = clock
        self._pin = pin
        self._closed = closed
        self.faults = Faults(
            cut="its wire is cut: open, whatever the contact does; no size",
            short="its wires touch: closed, whatever the contact does; no size",
            stuck="it stays as it is; no size",
            loose="it chatters by itself; no size",
        )
        self._chattering = False
        self.set(closed=closed)

    def set(self, *, closed: bool, bounces: int = 0, bounce_s: float = 0.001) -> None:
        """Move the contact; it chatters `bounces` times first."""
        if "stuck" in self.faults:
            return
        self._closed = closed
        for each in range(bounces):
            self._clock.after(bounce_s * 2 * each, lambda: self._level(closed=closed))
            self._clock.after(bounce_s * (2 * each + 1), lambda: self._level(closed=not closed))
        if bounces:
            self._clock.after(bounce_s * 2 * bounces, lambda: self._level(closed=closed))
        else:
            self._level(closed=closed)

    def refresh(self) -> None:
        """Let a fault that was injected or mended show on the line."""
        self._level(closed=self._closed)
        if "loose" in self.faults and not self._chattering:
            self._chattering = True
            self._clock.after(CHATTER_S, lambda: self._chatter(closed=not self._closed))

    def _chatter(self, *, closed: bool) -> None:
        self._chattering = "loose" in self.faults
        self._level(closed=closed if self._chattering else self._closed)
        if self._chattering:
            self._clock.after(CHATTER_S, lambda: self._chatter(closed=not closed))

    def _level(self, *, closed: bool) -> None:
        held = ("short" in self.faults) or (closed and "cut" not in self.faults)
        self._pin.wire(False if held else None)
