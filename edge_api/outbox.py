"""The edge's outbox also knows whose readings wait, so that the page can say how far each node has come."""

import time
from collections.abc import Callable, Iterable, Sequence

from gateway.spool import Outbox, RangeSet, Segment, Spool
from gateway.spool.outbox import Batch
from gateway.spool.segment import Head, Span, parse_span

_MOST_LOOKED_AT = 5_000  # segments; some 50 ms on a Pi
_LOOK_AGAIN_S = 60.0


class EdgeOutbox(Outbox):
    """Keeps the sequence numbers that wait, by stream, as segments come and go.

    Where it cannot know them cheaply (a start with a long backlog) it says so until the backlog is gone.
    """

    def __init__(self, spool: Spool, upstream: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._whose: Span | None = None
        with spool.lock:
            super().__init__(spool, upstream, monotonic)
            self._look()

    def whose(self) -> Span | None:
        """Return the sequence numbers that wait, by stream; None while that is not known."""
        with self.spool.lock:
            if self._whose is None and self._monotonic() - self._looked_at > _LOOK_AGAIN_S:
                self._look()
            if self._whose is None:
                return None
            return {stream: ranges.copy() for stream, ranges in self._whose.items()}

    def done(self, batch: Batch) -> None:
        """Take the confirmed readings out."""
        with self.spool.lock:
            super().done(batch)
            if not any(waiting.points for waiting in self.waiting.values()):
                self._whose = {}
            else:
                self._take_out(head.span for head in batch.heads)

    def forgotten(self) -> int:
        """Put in again what waits again."""
        with self.spool.lock:
            self._expire()
            spans = [head.span for _, batch in self._recent for head in batch.heads]
            points = super().forgotten()
            self._put_in(spans)
            return points

    def _appended(self, segments: Sequence[Segment]) -> None:
        super()._appended(segments)
        self._put_in(each.span for each in segments)

    def _rewritten(self, old: Sequence[Head], new: Sequence[Segment]) -> None:
        waited = [head.span for head in old if head.id not in self.delivered]
        super()._rewritten(old, new)
        self._take_out(waited)
        self._put_in(each.span for each in new if each.id not in self.delivered)

    def _put_in(self, spans: Iterable[str]) -> None:
        if self._whose is not None:
            for span in spans:
                for stream, ranges in parse_span(span).items():
                    self._whose.setdefault(stream, RangeSet()).update(ranges)

    def _take_out(self, spans: Iterable[str]) -> None:
        if self._whose is not None:
            for span in spans:
                for stream, ranges in parse_span(span).items():
                    left = self._whose.get(stream, RangeSet())
                    for first, last in ranges:
                        left.discard(first, last)

    def _look(self) -> None:
        self._looked_at = self._monotonic()
        spans: list[str] = []
        for low, high in self.delivered.missing(0, self.spool.last_id):
            rows = self.spool.query(
                "SELECT span FROM segment WHERE id BETWEEN ? AND ? LIMIT ?",
                (low, high, _MOST_LOOKED_AT + 1 - len(spans)),
            )
            spans += [span for (span,) in rows]
            if len(spans) > _MOST_LOOKED_AT:
                self._whose = None
                return
        self._whose = {}
        self._put_in(spans)
