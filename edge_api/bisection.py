"""Finds the lines of a segment that an upstream refuses, step by step, so that nothing else need wait."""

from collections.abc import Callable

from edge_api.lines import join_lines
from edge_api.upstream import UpstreamError
from gateway.spool.outbox import Batch

Write = Callable[[bytes], UpstreamError | None]
"""Sends a body; returns the error that splitting can cure, raises any other."""

_SMALL_BYTES = (
    4_000  # a body that a line cannot carry in time when it is no larger than this: the line is down
)


class Bisection:
    """One segment on its way in pieces. A piece that is refused is halved, down to the single line."""

    def __init__(self, batch: Batch, lines: list[bytes]) -> None:
        self.batch = batch
        self.refused: list[tuple[bytes, str]] = []
        self._pieces = [lines]
        self._confirmed: list[list[bytes]] = []

    @property
    def finished(self) -> bool:
        """Whether each line has been confirmed or refused."""
        return not self._pieces

    def step(self, write: Write) -> None:
        """Send one piece. When `write` raises, the piece waits, in halves if it was too slow."""
        lines = self._pieces.pop()
        body = join_lines(lines)
        try:
            error = write(body)
        except UpstreamError as failure:
            too_slow = failure.too_slow and len(body) > _SMALL_BYTES
            self._pieces += _halves(lines) if too_slow else [lines]
            raise
        if error is None:
            self._confirmed.append(lines)
        elif len(lines) > 1:
            self._pieces += _halves(lines)
        else:
            self.refused.append((lines[0], str(error)))

    def halve(self) -> None:
        """The piece to be sent next is known to be refused: do not try it again as it is."""
        self._pieces += _halves(self._pieces.pop())

    def start_again(self) -> None:
        """What was confirmed may be forgotten: it is sent once more, in the pieces that went through."""
        self._pieces += self._confirmed
        self._confirmed = []


def _halves(lines: list[bytes]) -> list[list[bytes]]:
    """Cut in two, the first half last: the last is sent first."""
    middle = len(lines) // 2
    return [half for half in (lines[middle:], lines[:middle]) if half]
