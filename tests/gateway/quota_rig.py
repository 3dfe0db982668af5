"""Because the tests of a full node need one whose disk is as full as they say, and a way to fill it."""

import random
import sqlite3
from types import SimpleNamespace

import pytest

from gateway.feed import Event, decode_event
from gateway.feed.bodies import WasteContainer
from gateway.journal import Entry, Journal, records
from gateway.spool import READINGS, Outbox, RangeSet, Segment, Spool
from gateway.spool.quota import Limits, Quota
from gateway.spool.room import Room
from gateway.spool.thinning import Thinner
from gateway.thinning import NodeCodec
from gateway.timeline import Offset

S = 1_000_000_000
MB = 1_000_000
PLENTY = 10**12
STREAM = ("gw-01", "aa")


class Ticks:
    """A monotonic clock that the test moves, in seconds."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Disk:
    """How much is free, as the test says."""

    def __init__(self, free=PLENTY):
        self.free = free

    def __call__(self, _folder):
        return self.free


def full_error():
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


class Rig:
    """A node's spool, journal and room, without threads, sensors or network."""

    def __init__(self, path, max_bytes=4 * MB, newest_bytes=50_000):
        self.spool = Spool(path / "node.db", by_seq=True, keep_s=0)
        if not self.spool.note("ep"):
            self.spool.set_notes({"ep": "aa"})
        timeline = SimpleNamespace(settle=lambda _first, _last: Offset(0))
        self.journal = Journal(self.spool, "gw-01", timeline, "boot-1")
        self.outbox = Outbox(self.spool, "custody")
        self.disk = Disk()
        self.quota = Quota(self.spool, Limits(max_bytes, 100_000), free_on=self.disk)
        codec = NodeCodec(self.journal.gap_segments)
        self.thinner = Thinner(self.spool, [self.outbox], codec, lambda: 7, newest_bytes=newest_bytes)
        self.journal.room = Room(self.quota, self.thinner)

    def take(self, entries):
        """Commit as the committer's thread does, with its answer to an error."""
        try:
            self.journal._commit(entries)
        except sqlite3.Error as error:
            return self.journal._refuse(entries, error)
        return []

    def left(self):
        """Every record in the spool: seq to path."""
        rows = self.spool.query("SELECT id, body FROM segment ORDER BY id")
        found = [record for number, body in rows for record in records(body, number)]
        assert len(found) == len({record.seq for record in found})
        return {record.seq: record for record in found}

    def gaps(self):
        found = RangeSet()
        for first, last in self.spool.query("SELECT first, last FROM gap"):
            assert not any(number in found for number in range(first, last + 1))
            found.add(first, last)
        return found

    def told(self):
        found = RangeSet()
        for record in self.left().values():
            if record.path.endswith("/event"):
                event = decode_event(record.body)
                if event.type == "gap":
                    found.add(event.first, event.last)
        return found


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    yield rig
    rig.spool.close()


def bin_reading(asset, mono_s, noise=0):
    body = WasteContainer(
        v=1, ts="", gw="gw-01", ep="aa", seq=0, q="good", fillingLevel=0.5, temperature=float(noise)
    )
    return Entry(f"waste/bin-{asset}/telemetry", body, int(mono_s * S), 90.0)


def alarm(mono_s, noise=0):
    body = Event(v=1, id=f"e{noise}", type="fire", ts="", gw="gw-01", ep="aa", seq=0)
    return Entry("waste/bin-1/event", body, int(mono_s * S), 90.0)


def fill(rig, hours, every_s=60, bins=10, group_s=300, start_s=0.0):
    """Take readings as a node does, one commit a group; return when the last was taken."""
    chance = random.Random(1)
    group, at = [], start_s
    for step in range(int(hours * 3600 / every_s)):
        at = start_s + step * every_s
        group += [bin_reading(n, at + n / 100, chance.random() * 1e6) for n in range(bins)]
        if step % 97 == 0:
            group.append(alarm(at + 0.5, step))
        if at % group_s == 0:
            assert rig.take(group) == []
            group = []
    assert rig.take(group) == []
    return at


def fill_to(spool, size):
    while spool.path.stat().st_size < size:
        spool.append([Segment(READINGS, 1, "", random.Random(1).randbytes(20_000)) for _ in range(5)])
        spool.query("PRAGMA wal_checkpoint(TRUNCATE)")


class Broken:
    """Makes every write of the spool fail as on a full disk, until it is mended."""

    def __init__(self, rig):
        self.rig = rig
        self.append = rig.spool.append

    def __enter__(self):
        def refuse(*_args, **_more):
            raise full_error()

        self.rig.spool.append = refuse
        self.rig.disk.free = 0
        return self

    def __exit__(self, *_):
        self.rig.spool.append = self.append
        self.rig.disk.free = PLENTY
