"""Leaves a silent bus unit alone for some polls, so that its timeouts do not starve the others."""

from types import TracebackType

from sensors.errors import BusError

SILENCES = 2  # so many in a row and the unit is taken for absent; one may be a chance hit


class Backoff:
    """Around each poll of one unit: `with backoff: bus.read(...)`."""

    def __init__(self, skip: int) -> None:
        """Skip the next `skip` polls of a unit that has been silent; 0 never skips."""
        self._skip = skip
        self._silent = 0
        self._left = 0

    def __enter__(self) -> None:
        """Raise BusError no-comm at once when this poll is to be skipped."""
        if self._left:
            self._left -= 1
            raise BusError("no-comm", f"was silent; asked again after {self._left} more polls")

    def forget(self) -> None:
        """Ask again at the next poll: the unit was heard otherwise."""
        self._silent = self._left = 0

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Learn from how the poll went."""
        if isinstance(error, BusError) and error.reason == "no-comm":
            self._silent += 1
            if self._silent >= SILENCES:
                self._left = self._skip
        else:
            self._silent = 0
