"""A record that cannot be made a message again is set aside as quarantine: custody must not wait for it."""

import logging
from collections.abc import Mapping, Sequence

from gateway.journal import Record, records
from gateway.spool import DAMAGE, DamageError, RangeSet, Refused, Spool
from gateway.spool.segment import Head
from gateway.thinning import NodeCodec

log = logging.getLogger(__name__)


def read(spool: Spool, head: Head) -> list[Record]:
    """Return the records of a segment.

    Raises KeyError when it has left, DamageError when it is not what was written, or cannot be taken apart:
    then it has been set aside, its readings are a gap, and nobody waits for it any more.
    """
    body = spool.body(head.id)
    try:
        return records(body, head.id)
    except ValueError as error:
        why = f"segment {head.id} cannot be taken apart: {error}"
        spool.set_aside(head.id, why)
        raise DamageError(why) from error


def mono_times(spool: Spool, rows: Sequence[tuple[int, bytes]]) -> list[int]:
    """Return the monotonic times, in ns, of all readings in rows of id and body that can be taken apart."""
    times = []
    for number, body in rows:
        try:
            times += [record.mono_ns for record in records(bytes(body), number)]
        except ValueError as error:
            spool.set_aside(number, f"segment {number} cannot be taken apart: {error}")
    return times


def set_aside(spool: Spool, head: Head, wrong: Mapping[int, Exception]) -> None:
    """Take single records, by their numbers, out of a segment of which nothing has been sent yet.

    They are kept in quarantine with the reason, their numbers become a gap, and the others stay.
    Raises sqlite3.Error when the disk does not take it; then nothing has changed.
    """
    with spool.lock:
        codec = NodeCodec(spool.tell)
        items = codec.read(head, spool.body(head.id))
        for seq, error in wrong.items():
            log.error("reading %d cannot be sent and is set aside in quarantine: %s", seq, error)
        kept = [item for item in items if item.seq not in wrong]
        refused = [
            Refused("spool", f"reading {item.seq}", f"{DAMAGE}: {wrong[item.seq]}", item.line)
            for item in items
            if item.seq in wrong
        ]
        new = [codec.write(head, kept)] if kept else []
        spool.rewrite([head], new, refused=refused, untold=RangeSet((seq, seq) for seq in wrong))
