"""A lid or door contact, its level read each time: a lost edge cannot leave a wrong state behind.

Wire a normally closed reed to ground and say `invert = true`: active then means open, and a cut wire
looks like an open lid, not like a shut one.
"""

from collections.abc import Sequence
from typing import ClassVar

from sensors.io import IO, DigitalIn, Line, Pull
from sensors.sample import Metric, Sample, bad
from sensors.settings import Settings


class Contact:
    """One contact on a GPIO line."""

    class Config(Settings, frozen=True):
        """Its line; with pull up it is active when pulled to ground, inverted when not."""

        line: Line
        pull: Pull = "up"
        invert: bool = False

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("active", "C62", "state", "contact active"),)

    def __init__(self, config: Config, io: IO) -> None:
        self._config = config
        self._io = io
        self._contact: DigitalIn | None = None

    def open(self) -> None:
        """Take the line; raise ConfigError when it is taken."""
        self._contact = self._io.digital_in(
            self._config.line, pull=self._config.pull, invert=self._config.invert
        )

    def read(self) -> Sequence[Sample]:
        """Return whether the contact is active now."""
        if self._contact is None:
            return [bad("active", "closed")]
        return [Sample("active", self._contact.active())]

    def close(self) -> None:
        """Give the line back."""
        if self._contact is not None:
            self._contact.close()
            self._contact = None
