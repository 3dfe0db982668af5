"""What a contact to ground does on its line: closed pulls it low, open or cut leaves it to the pull-up."""

from simulators.clock import VirtualClock
from simulators.pins import SimPin


class ContactSignal:
    """One reed or door switch."""

    def __init__(self, clock: VirtualClock, pin: SimPin, *, closed: bool = True) -> None:
        self._clock = clock
        self._pin = pin
        self.set(closed=closed)

    def set(self, *, closed: bool, bounces: int = 0, bounce_s: float = 0.001) -> None:
        """Move the contact; it chatters `bounces` times first."""
        for each in range(bounces):
            self._clock.after(bounce_s * 2 * each, lambda: self._level(closed=closed))
            self._clock.after(bounce_s * (2 * each + 1), lambda: self._level(closed=not closed))
        if bounces:
            self._clock.after(bounce_s * 2 * bounces, lambda: self._level(closed=closed))
        else:
            self._level(closed=closed)

    def _level(self, *, closed: bool) -> None:
        self._pin.wire(False if closed else None)
