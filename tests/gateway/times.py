"""Because the tests of time and of sending need a node without sensors: a journal, and what would be sent."""

from gateway.config import AssetConfig
from gateway.dating import Dating
from gateway.feed import decode_reading, to_ns
from gateway.journal import Journal, records
from gateway.runner import AssetReading
from gateway.spool import EVENTS, READINGS, Spool
from gateway.timeline import Timeline
from sensors.sample import Observation, Quality

MS, S = 1_000_000, 1_000_000_000
GOOD = Observation({"fillingLevel": 0.5})
BAD = Observation({}, Quality.BAD, {"fillingLevel": "no-echo"})


def asset(name="bin-1", every=60.0):
    return AssetConfig(id=name, type="WasteContainer", every=every)


class Desk:
    """A node's journal and dating on a simulated clock; `again` is the process, or the machine, anew."""

    def __init__(self, path, clock, *, require_sync=True):
        self.path, self.clock, self.require_sync = path, clock, require_sync
        self.truth = {}  # seq -> true time of observation
        self._open()

    def _open(self):
        self.spool = Spool(self.path, by_seq=True, keep_s=0)
        self.timeline = Timeline(self.spool, self.clock, require_sync=self.require_sync)
        self.journal = Journal(self.spool, "gw-01", self.timeline, self.clock.boot_id)
        self.dating = Dating(self.spool, self.clock, self.timeline)

    def again(self):
        self.spool.close()
        self._open()

    def read(self, name="bin-1", seen=GOOD):
        """Take one reading and commit it, on the caller's thread."""
        entries = []
        self.journal.committer.put = lambda entry, **_: entries.append(entry)
        self.journal.take(AssetReading(asset(name), self.clock.monotonic_ns(), seen))
        self.journal._commit(entries)
        self.truth[self.spool.last_id] = self.clock.true_ns()
        return self.spool.last_id

    def bulk(self, count, group=500):
        """Take many, a second apart, in large commits."""
        entries = []
        self.journal.committer.put = lambda entry, **_: entries.append(entry)
        for number in range(count):
            self.clock.sleep(1)
            self.journal.take(AssetReading(asset(f"bin-{number % 2 + 1}"), self.clock.monotonic_ns(), GOOD))
            if len(entries) == group or number == count - 1:
                self.journal._commit(entries[:])
                entries.clear()

    def heads(self):
        found = [
            h for lane in (EVENTS, READINGS) for h in self.spool.heads(lane, 0, self.spool.last_id, 10**6)
        ]
        return sorted(found)

    def sendable(self):
        """What could be sent now: path and body by seq; every body fits the feed."""
        found = {}
        for head in self.heads():
            if self.dating.can_date(head):
                for record in records(self.spool.body(head.id), head.id):
                    body = decode_reading(self.dating.finish(record, head))
                    to_ns(body.ts)  # raises for an implausible time
                    found[record.seq] = (record.path, body)
        return found

    def times(self):
        """ns of every sendable reading by seq."""
        return {seq: to_ns(body.ts) for seq, (_, body) in self.sendable().items()}
