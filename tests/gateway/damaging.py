"""Because the tests of salvage need a spool full of known readings, and ways to damage its file."""

import gzip
import random
from pathlib import Path

import pytest

from gateway.spool import (
    EVENTS,
    READINGS,
    DamageError,
    Gap,
    Outbox,
    Refused,
    Segment,
    Spool,
    reclaim,
)
from gateway.spool.file import PAGE
from gateway.spool.rows import tables_of
from gateway.spool.segment import parse_span

TRIALS = 12
STREAM = ("gw-01", "7f3a9c")


def body_of(first, last):
    lines = [
        b"reading %d of %s" % (seq, random.Random(seq).randbytes(20).hex().encode())
        for seq in range(first, last + 1)
    ]
    return gzip.compress(b"\n".join(lines), 1, mtime=0)


def segment(first, last, *, by_seq, lane=READINGS):
    span = f"{STREAM[0]}/{STREAM[1]}:{first}-{last}" if last > first else f"{STREAM[0]}/{STREAM[1]}:{last}"
    return Segment(lane, last - first + 1, span, body_of(first, last), 1, 2, "boot", last if by_seq else 0)


def fill(path, *, by_seq, seed=1, segments=90):
    """Fill a spool as life does: appends, deliveries, deletes; left open, as a killed process leaves it.

    Returns the spool, and the numbers whose segments have been confirmed and deleted.
    """
    chance = random.Random(seed)
    spool = Spool(path, by_seq=by_seq, keep_s=0)
    spool.set_notes({"ep": STREAM[1], "home gw-01/7f3a9c": "42/18562"})
    outbox = Outbox(spool, "up")
    seq = 0
    for number in range(segments):
        size = chance.choice((1, 2, 5, 30, 400))
        spool.append(
            [segment(seq + 1, seq + size, by_seq=by_seq, lane=chance.choice((EVENTS, READINGS, READINGS)))]
        )
        seq += size
        if number == 20:
            spool.append(
                (), gaps=[Gap(STREAM, seq + 1, seq + 3, "quota")], refused=[Refused("mqtt", "t", "no", b"{")]
            )
            seq += 3
            if by_seq:
                spool.append([segment(seq + 1, seq + 1, by_seq=True)])
                seq += 1
        if number == segments // 2:
            for _ in range(segments // 4):
                outbox.done(outbox.next(1))
            assert reclaim(spool, [outbox])
        if number == segments * 2 // 3:  # the log begins anew, with frames of its first round behind its end
            spool.writer.execute("PRAGMA wal_checkpoint(RESTART)")
    return spool, {n for low, high in outbox.delivered for n in range(low, high + 1)}


def copy(path: Path, to: Path) -> Path:
    """Copy a spool as it lies on disk, with what is still in its log."""
    to.mkdir()
    for each in path.parent.iterdir():
        if not each.name.endswith("-shm"):
            (to / each.name).write_bytes(each.read_bytes())
    (to / f"{path.name}-in-use").touch()
    return to / path.name


def held(spool):
    """Return the numbers in the spool, and check that every body is what was written."""
    numbers = set()
    for (segment_id,) in spool.query("SELECT id FROM segment"):
        (text,) = spool.query("SELECT span FROM segment WHERE id = ?", (segment_id,))[0]
        ((first, last),) = parse_span(text)[STREAM]
        try:
            body = spool.body(segment_id)
        except DamageError:
            continue  # not noticed yet; it will be, before it is sent
        assert body == body_of(first, last)
        numbers |= set(range(first, last + 1))
    return numbers


def flip(data: bytearray, chance):
    for _ in range(chance.choice((1, 1, 3, 50))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def blank_pages(data: bytearray, chance):
    for _ in range(chance.choice((1, 2, 5))):
        at = chance.randrange(len(data)) // PAGE * PAGE
        data[at : at + PAGE] = chance.choice((bytes(PAGE), b"\xff" * PAGE, chance.randbytes(PAGE)))
    del data[len(data) // PAGE * PAGE + 32 :]


def blank_sectors(data: bytearray, chance):
    for _ in range(chance.choice((1, 4))):
        at = chance.randrange(len(data)) // 512 * 512
        data[at : at + 512] = bytes(min(512, len(data) - at))


def cut(data: bytearray, chance):
    del data[chance.randrange(len(data)) :]


def empty(data: bytearray, chance):
    data.clear()


def wrong_magic(data: bytearray, chance):
    data[:16] = b"something else!!"


def all_garbage(data: bytearray, chance):
    data[:] = chance.randbytes(len(data))


KINDS = [flip, blank_pages, blank_sectors, cut, empty, wrong_magic, all_garbage]


def damage(path: Path, how, chance) -> None:
    """Damage the main file, the log, or both."""
    for target in chance.choice((("",), ("-wal",), ("", "-wal"))):
        file = path.with_name(path.name + target)
        if file.exists() and file.stat().st_size:
            data = bytearray(file.read_bytes())
            how(data, chance)
            file.write_bytes(data)


@pytest.fixture(params=[True, False], ids=["node", "edge"])
def by_seq(request):
    return request.param


def segment_rows(pages, number):
    found = []
    for rowid, record in pages.leaf(number):
        for table, row in tables_of(rowid, record):
            if table == "segment":
                found += list(parse_span(row[7])[STREAM])
    return found


def numbers(ranges):
    return [number for first, last in ranges for number in range(first, last + 1)]
