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
        self._lines = lines
        self._pieces = [lines]

    @property
    def finished(self) -> bool:
        """Whether each line has been confirmed or refused."""
        return not self._pieces

    def step(self, write: Write) -> None:
        """Send one piece. When `write` raises, the piece waits, in halves if it was too slow."""
        lines = self._pieces[-1]
        body = join_lines(lines)
        try:
            error = write(body)
        except UpstreamError as failure:
            if failure.too_slow and len(lines) > 1 and len(body) > _SMALL_BYTES:
                self._halve(lines)
            raise
        if error is None:
            self._pieces.pop()
        elif len(lines) > 1:
            self._halve(lines)
        else:
            self._pieces.pop()
            self.refused.append((lines[0], str(error)))

    def halve(self) -> None:
        """The piece to be sent next is known to be refused: do not try it again as it is."""
        if len(self._pieces[-1]) > 1:
            self._halve(self._pieces[-1])

    def start_again(self) -> None:
        """What was confirmed may be forgotten: all but the refused lines are sent once more."""
        bad = {line for line, _ in self.refused}
        lines = [line for line in self._lines if line not in bad]
        self._pieces = [lines] if lines else []

    def _halve(self, lines: list[bytes]) -> None:
        middle = len(lines) // 2
        self._pieces[-1:] = [lines[middle:], lines[:middle]]
