"""An old copy of a spool that is put back gives numbers for the second time: so what it holds gets new ones.

The edge would take a reading under a number that it has for one sent twice, and nobody would miss it. Custody
above what this spool has given is the sign. A reading that had arrived under its old number is the same point
again upstream, where a point is known by its asset and time.
"""

import gzip
import logging
from collections.abc import Sequence

import msgspec

from gateway.feed import FeedError, decode_event, decode_reading, encode
from gateway.spool import DAMAGE, EVENTS, JUMP, READINGS, DamageError, Refused, Segment, Spool
from gateway.spool.segment import Head
from gateway.unsendable import read

log = logging.getLogger(__name__)

_NOTE = "again"  # until all have their new numbers: a start goes on from there
_LEVEL = 1
_SCAN = 200


def number_again(spool: Spool, gw: str, ep: str, custody: int) -> None:
    """Jump far beyond `custody`, and give all that the spool holds up to there a number of its own."""
    with spool.lock:
        spool.set_notes({_NOTE: str(custody)})
        spool.skip_to(custody + JUMP)
        count = 0
        for lane in (EVENTS, READINGS):
            at = 0
            while heads := spool.heads(lane, at, custody, _SCAN):
                at = heads[-1].id + 1
                segments = _segments(spool, heads, f"{gw}/{ep}")
                spool.append(segments)
                count += sum(each.points for each in segments)
        spool.set_notes({_NOTE: ""})
    log.error(
        "the edge has numbers up to %d, more than this spool had given: an old copy was put back, or its end"
        " was lost (%s). It goes on beyond %d; %d readings that it holds are sent under new numbers",
        custody, DAMAGE, spool.last_id, count,
    )  # fmt: skip


def go_on(spool: Spool, gw: str, ep: str) -> None:
    """Finish what a stopped process, or a full disk, has left half done."""
    left = spool.note(_NOTE)
    if left:
        number_again(spool, gw, ep, int(left))


def _segments(spool: Spool, heads: Sequence[Head], stream: str) -> list[Segment]:
    segments = []
    seq = spool.last_id
    for head in heads:
        try:
            found = read(spool, head)
        except DamageError:
            continue  # it has been set aside
        first = seq + 1
        lines = []
        for record in found:
            decode = decode_event if record.path.endswith("/event") else decode_reading
            try:
                body: msgspec.Struct = msgspec.structs.replace(decode(record.body), seq=seq + 1)
            except FeedError as error:
                log.error("reading %d gets no new number, and is set aside: %s", record.seq, error)  # noqa: TRY400
                spool.quarantine(
                    [Refused("spool", f"reading {record.seq}", f"{DAMAGE}: {error}", record.body)]
                )
                continue
            seq += 1
            lines.append(
                b"%s\t%d\t%g\t%s" % (record.path.encode(), record.mono_ns, record.stale_after_s, encode(body))
            )
        if lines:
            body_bytes = gzip.compress(b"\n".join(lines), _LEVEL, mtime=0)
            times = head.first_ns, head.last_ns, head.boot
            span = f"{stream}:{first}-{seq}"
            segments.append(Segment(head.lane, len(lines), span, body_bytes, *times, seq))
    return segments
