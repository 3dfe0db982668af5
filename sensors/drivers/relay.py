"""A relay that switches a lamp circuit, and the contact that says whether it did.

An auxiliary contact of the contactor (IEC 60947-5-1, mostly its terminals 13-14) tells a welded or a dead
one from one that follows. Without it the state is what was commanded, and nothing more is known.
"""

from collections.abc import Sequence
from typing import ClassVar

from sensors import checks
from sensors.errors import BusError
from sensors.findings import Finding
from sensors.io import IO, DigitalIn, DigitalOut, Line, Pull
from sensors.sample import Metric, Quality, Sample, bad
from sensors.settings import Seconds, Settings
from sensors.text import said

LONGEST_SETTLE_S = 10.0  # `switch` holds up its bus so long


class Relay:
    """One relay on a GPIO line, off when opened and when closed; an `Actuator`."""

    class Config(Settings, frozen=True):
        """Its line, inverted when low switches on; the line of its feedback, closed to ground when on.

        The feedback has `settle` (10 s at most) to follow before it is believed.
        """

        line: Line
        invert: bool = False
        feedback: Line | None = None
        feedback_pull: Pull = "up"
        feedback_invert: bool = False
        settle: Seconds = Seconds(0.2)

        def __post_init__(self) -> None:
            if self.settle > LONGEST_SETTLE_S:
                raise ValueError(
                    said("settle: {settle:g} s is too long; a contactor needs 0.2 s", settle=self.settle)
                )

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("on", "C62", "state", "circuit switched on"),
        Metric("commanded", "C62", "state", "what was commanded"),
    )

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._out: DigitalOut | None = None
        self._feedback: DigitalIn | None = None
        self._commanded = False

    def open(self) -> None:
        """Take the lines, off; raise ConfigError when one is taken."""
        config = self._config
        self._out = self._io.digital_out(config.line, invert=config.invert)
        self._commanded = False
        if config.feedback is not None:
            self._feedback = self._io.digital_in(
                config.feedback, pull=config.feedback_pull, invert=config.feedback_invert
            )

    def switch(self, on: bool) -> None:
        """Switch, and wait `settle`; raise BusError not-followed when the feedback says otherwise."""
        if self._out is None:
            raise BusError("closed", f"{self._config.line} is not open")
        self._out.set(on)
        self._commanded = on
        if self._feedback is not None:
            self._io.clock.sleep(self._config.settle)
            if self._feedback.active() is not on:
                raise BusError(
                    "not-followed",
                    f"{self._config.line}: {_word(on)} was commanded, it is {_word(not on)}",
                )

    def read(self) -> Sequence[Sample]:
        """Return whether the circuit is on, as its feedback says if it has one, and what was commanded."""
        if self._out is None:
            return [bad(metric.key, "closed") for metric in self.metrics]
        on = Sample("on", self._commanded if self._feedback is None else self._feedback.active())
        if on.value is not self._commanded:
            on = checks.doubted(on, "not-followed", Quality.UNCERTAIN)
        return [on, Sample("commanded", self._commanded)]

    def diagnose(self) -> Sequence[Finding]:
        """Compare what was commanded with what is fed back; switch nothing."""
        config, feedback = self._config, self._feedback
        if feedback is None or config.feedback is None or feedback.active() is self._commanded:
            return []
        code = "relay-dead" if self._commanded else "relay-welded"
        return [Finding(code, config.line, feedback=config.feedback)]

    def close(self) -> None:
        """Switch off and give the lines back."""
        if self._out is not None:
            self._out.close()
            self._out = None
        if self._feedback is not None:
            self._feedback.close()
            self._feedback = None


def _word(on: bool) -> str:
    return "on" if on else "off"
