"""What an upstream refuses goes on in pieces, in turn with all the rest; the bad lines end in quarantine."""

import logging
from collections.abc import Callable

from edge_api.bisection import Bisection, Write
from edge_api.lines import DAMAGED, span_of_line, split_lines
from gateway.spool import Refused, Spool
from gateway.spool.outbox import Batch
from gateway.spool.segment import Head

log = logging.getLogger(__name__)

_KNOWN = 1_000  # quarantined lines looked at before one is put there again


class Suspects:
    """A relay's refused segments. `confirmed` hears of each that is through, and how many lines it cost."""

    def __init__(
        self,
        spool: Spool,
        name: str,
        write: Write,
        confirmed: Callable[[Batch, int], None],
        wall_ns: Callable[[], int],
    ) -> None:
        self.quarantined = 0
        self._spool = spool
        self._name = name
        self._write = write
        self._confirmed = confirmed
        self._wall_ns = wall_ns
        self._waiting: list[Bisection] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Batch:
        """Return the segment whose piece goes next; there must be one."""
        return self._waiting[0].batch

    def add(self, lane: str, head: Head) -> None:
        """Take a segment that is refused, or too large, as it is."""
        body = self._spool.body(head.id)
        batch = Batch(lane, (head,))
        try:
            suspect = Bisection(batch, split_lines(body))
        except DAMAGED as damage:
            log.error("%s: segment %d cannot be unpacked, quarantined whole: %s", self._name, head.id, damage)  # noqa: TRY400 - the sentence says it all
            self._quarantine([(body, f"damaged segment: {damage}")])
            self._confirmed(batch, head.points)
        else:
            suspect.halve()
            self._waiting.append(suspect)

    def narrow(self) -> None:
        """Send one piece of the first; quarantine what was refused alone once all its pieces are through.

        Raises UpstreamError when the piece must wait.
        """
        suspect = self._waiting[0]
        if not suspect.finished:
            suspect.step(self._write)
        if suspect.finished:
            self._quarantine(suspect.refused)
            self._waiting.remove(suspect)
            self._confirmed(suspect.batch, len(suspect.refused))

    def start_again(self) -> None:
        """The upstream may have forgotten what it confirmed of these."""
        for suspect in self._waiting:
            suspect.start_again()

    def forget(self, batch: Batch) -> None:
        """Leave a segment to the relay again, which sets it apart."""
        self._waiting = [each for each in self._waiting if each.batch.heads != batch.heads]

    def _quarantine(self, lines: list[tuple[bytes, str]]) -> None:
        """Keep refused lines with the upstream's reason; one that is there already is not put there twice."""
        if not lines:
            return
        source = f"upstream {self._name}"
        rows = self._spool.query(
            "SELECT body FROM quarantine WHERE source = ? ORDER BY id DESC LIMIT ?", (source, _KNOWN)
        )
        known = {body for (body,) in rows}
        fresh = [
            Refused(source, "", reason, line, span_of_line(line))
            for line, reason in lines
            if line not in known
        ]
        self._spool.quarantine(fresh, self._wall_ns())
        self.quarantined += len(fresh)
        for refused in fresh:
            log.error("%s refuses a line for good, quarantined: %s", self._name, refused.reason)
