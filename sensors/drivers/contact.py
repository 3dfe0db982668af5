"""A lid, door or tamper contact, its level read each time: a lost edge cannot leave a wrong state behind.

Wire a normally closed reed to ground and say `normally_closed = true`: active then means open, and a cut
wire looks like an open lid, not like a shut one. A tamper contact also wants `latch`: a door that was open
for a moment between two reads was open.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from sensors.findings import Finding
from sensors.io import IO, DigitalIn, Line, Pull
from sensors.sample import Metric, Quality, Sample, bad
from sensors.settings import Settings
from sensors.text import said

AGAIN, AGAIN_S = 3, 0.004  # a reed that was moved bounces for some ms, then keeps still
LOOKS, LOOK_S = 40, 0.005
FLUTTERS = 3  # a contact that is moved just now changes once; its bounces are over in 20 ms


class Contact:
    """One contact on a GPIO line."""

    class Config(Settings, frozen=True):
        """Its line; with pull up it is active when pulled to ground, inverted or normally closed when not.

        With `latch` it is also active once when it was so for 50 ms or longer since the last read.
        """

        line: Line
        pull: Pull = "up"
        invert: bool = False
        normally_closed: bool = False
        latch: bool = False

        def __post_init__(self) -> None:
            if self.invert and self.normally_closed:
                raise ValueError(said("invert: normally_closed inverts already; give one of both"))

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("active", "C62", "state", "contact active"),)

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._contact: DigitalIn | None = None

    def open(self) -> None:
        """Take the line; raise ConfigError when it is taken."""
        config = self._config
        self._contact = self._io.digital_in(
            config.line, pull=config.pull, invert=config.invert or config.normally_closed
        )

    def read(self) -> Sequence[Sample]:
        """Return whether the contact is active now, or was meanwhile if it is to latch.

        One that changes within 12 ms is not to be believed.
        """
        if self._contact is None:
            return [bad("active", "closed")]
        latched = self._contact.latched() and self._config.latch
        active = self._contact.active()
        for _ in range(AGAIN):
            self._io.clock.sleep(AGAIN_S)
            if self._contact.active() != active:
                return [Sample("active", active or latched, Quality.UNCERTAIN, "unsteady")]
        return [Sample("active", active or latched)]

    def diagnose(self) -> Sequence[Finding]:
        """Watch the line for a fifth of a second: nobody moves a lid that fast, but a loose wire does."""
        if self._contact is None:
            return []
        levels = []
        for _ in range(LOOKS):
            levels.append(self._contact.active())
            self._io.clock.sleep(LOOK_S)
        flips = sum(one != other for one, other in pairwise(levels))
        if flips < FLUTTERS:
            return []
        return [Finding("contact-flutters", self._config.line, flips=flips, seconds=LOOKS * LOOK_S)]

    def close(self) -> None:
        """Give the line back."""
        if self._contact is not None:
            self._contact.close()
            self._contact = None
