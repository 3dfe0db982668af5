"""Contact, ultrasonic echo and pulse counter on any gpiozero pin factory: a Pi's pins and mock pins alike.

Of gpiozero only plain pins are used: its DistanceSensor has a thread and no temperature, and its
`when_activated` forgets when the edge was. A pin keeps only a weak reference to its callback, so every
callback here is a method of the object that the caller holds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpiozero import GPIOZeroError, InputDevice, OutputDevice

from sensors.errors import ConfigError, IOUnavailable, SensorError
from sensors.io import Clock, Edge, Pull, PulseSnapshot

TRIGGER_S = 10e-6  # HC-SR04 datasheet: at least 10 us high starts a burst
LATCH_S = 0.05  # shorter is chatter or a spark, not a door: reeds bounce for some milliseconds
ECHO_WINDOW_S = 0.045  # the longest echo, "nothing there", is 38 ms; the rest is for late edge events
_PULL_UP = {"up": True, "down": False, "none": None}


class GpioContact:
    """A contact whose level is read when asked."""

    def __init__(self, factory: Any, line: str, pull: Pull, *, invert: bool) -> None:
        """Take the line; a contact to ground (pull up) is active when low, any other when high."""
        active_state = True if pull == "none" else None
        with line_errors(line, factory):
            self._pin = InputDevice(
                line, pull_up=_PULL_UP[pull], active_state=active_state, pin_factory=factory
            )
        self._invert = invert
        self._factory = factory
        self._since: Any = None
        self._was = False
        self._pin.pin.edges = "both"
        self._pin.pin.when_changed = self._edge

    def active(self) -> bool:
        """Whether the contact is active now."""
        return bool(self._pin.is_active) != self._invert

    def latched(self) -> bool:
        """Whether it is active now, or was for LATCH_S or longer since this was asked last."""
        was, self._was = self._was, False
        return self.active() or was

    def _edge(self, ticks: Any, _state: int) -> None:
        if self.active():
            self._since = ticks
        elif self._since is not None:
            self._was = self._was or self._factory.ticks_diff(ticks, self._since) >= LATCH_S
            self._since = None

    def close(self) -> None:
        """Give the line back."""
        self._pin.close()


class GpioEcho:
    """A trigger line and an echo line; the echo's width comes from the edges' own times."""

    def __init__(self, factory: Any, clock: Clock, trigger: str, echo: str) -> None:
        self._clock = clock
        self._factory = factory
        self._rise: Any = None
        self._fall: Any = None
        with line_errors(trigger, factory):
            self._trigger = OutputDevice(trigger, pin_factory=factory)
        try:
            with line_errors(echo, factory):
                self._echo = InputDevice(echo, pull_up=None, active_state=True, pin_factory=factory)
        except SensorError:
            self._trigger.close()
            raise
        self._echo.pin.edges = "both"
        self._echo.pin.when_changed = self._edge

    def ping(self) -> float | None:
        """Return the echo pulse's width in seconds, ECHO_WINDOW_S of one that does not end.

        None when none came or the line was still high.
        """
        if self._echo.is_active:
            return None
        self._rise = self._fall = None
        self._trigger.on()
        self._clock.sleep(TRIGGER_S)
        self._trigger.off()
        self._clock.sleep(ECHO_WINDOW_S)
        rise, fall = self._rise, self._fall
        if rise is None:
            return None
        return ECHO_WINDOW_S if fall is None else float(self._factory.ticks_diff(fall, rise))

    def held(self) -> bool:
        """Whether the echo line is high now, which between pings it must not be."""
        return bool(self._echo.is_active)

    def close(self) -> None:
        """Give both lines back."""
        self._echo.close()
        self._trigger.close()

    def _edge(self, ticks: Any, state: int) -> None:
        if state:
            self._rise, self._fall = ticks, None
        else:
            self._fall = ticks


class PulseTally:
    """The count behind a pulse counter: what to make of edge times, whoever delivers them."""

    def __init__(self, debounce_s: float = 0.0) -> None:
        self._debounce_ns = round(debounce_s * 1e9)
        self._lock = threading.Lock()
        self._total = 0
        self._lost = 0
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._seen_ns: int | None = None

    def edge(self, at_ns: int, lost: int = 0) -> None:
        """Count one edge at a monotonic time, and `lost` edges before it that nobody saw."""
        with self._lock:
            self._lost += lost
            self._total += lost
            bounce = self._seen_ns is not None and at_ns - self._seen_ns < self._debounce_ns
            self._seen_ns = at_ns
            if bounce:
                return
            self._total += 1
            self._last_ns = at_ns
            if self._first_ns is None:
                self._first_ns = at_ns

    def snapshot(self) -> PulseSnapshot:
        """Return what has been counted so far."""
        with self._lock:
            return PulseSnapshot(self._total, self._lost, self._first_ns, self._last_ns)


class GpioPulses:
    """Counts edges on a gpiozero pin, pulled up as for a reed or an open collector."""

    def __init__(self, factory: Any, clock: Clock, line: str, edge: Edge, debounce_s: float) -> None:
        self._clock = clock
        self._factory = factory
        self._tally = PulseTally(debounce_s)
        self._anchor: tuple[Any, int] | None = None
        with line_errors(line, factory):
            self._pin = InputDevice(line, pull_up=True, pin_factory=factory)
        self._pin.pin.edges = edge
        self._pin.pin.when_changed = self._edge

    def snapshot(self) -> PulseSnapshot:
        """Return what has been counted so far."""
        return self._tally.snapshot()

    def close(self) -> None:
        """Give the line back."""
        self._pin.close()

    def _edge(self, ticks: Any, _state: int) -> None:
        # A factory's ticks may count from any moment: only their differences are put on our clock.
        if self._anchor is None:
            self._anchor = ticks, self._clock.monotonic_ns()
        first_ticks, first_ns = self._anchor
        self._tally.edge(first_ns + round(self._factory.ticks_diff(ticks, first_ticks) * 1e9))


@contextmanager
def line_errors(line: str, factory: Any = None) -> Iterator[None]:
    """Name the line: ConfigError when this process has it, IOUnavailable when the kernel does not give it.

    With a factory the kernel is asked first: a device that fails half-made would have the line for good.
    """
    try:
        if factory is not None:
            factory.pin(line)
        yield
    except GPIOZeroError as error:
        raise ConfigError(f"{line}: {error}") from error
    except Exception as error:  # lgpio's own is a bare Exception that says "GPIO busy" and not of which line
        raise IOUnavailable(f"{line}: {error}") from error
