"""A full spool costs as little as can be, says what it cost, and goes on by itself when there is room."""

import gzip
import itertools
import random
import sqlite3
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import NodeConfig, Site, check
from gateway.config import Spool as SpoolTable
from gateway.feed import Event, decode_event, encode
from gateway.feed.bodies import WasteContainer
from gateway.journal import DISK, Entry, Journal, records
from gateway.spool import EVENTS, READINGS, Gap, Outbox, RangeSet, Segment, Spool, reclaim
from gateway.spool.errors import is_want_of_space
from gateway.spool.quota import Fullness, Limits, Quota
from gateway.spool.room import Room
from gateway.spool.thinning import INTERVALS_S, QUOTA, Item, Thinner, select
from gateway.thinning import NodeCodec, lowest_told
from gateway.timeline import Offset
from sensors.errors import ConfigError
from sensors.settings import Bytes, convert

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


# What is chosen to stay.

items = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**15), st.booleans()), max_size=60).map(
    lambda rows: [Item(k, t, e, b"", STREAM, n + 1) for n, (k, t, e) in enumerate(rows)]
)


@settings(deadline=None)  # a loaded machine is not a defect
@given(items, st.sampled_from(INTERVALS_S), st.integers(0, 60))
def test_events_stay_and_of_each_asset_one_reading_in_every_interval(them, every_s, cut):
    kept_of = {}
    stays = select(them[:cut], every_s * S, kept_of) + select(them[cut:], every_s * S, kept_of)
    kept = [item for item, stay in zip(them, stays, strict=True) if stay]
    assert all(item in kept for item in them if item.event)

    def intervals(some):
        return {(item.key, item.at_ns // (every_s * S)) for item in some if not item.event}

    assert intervals(kept) == intervals(them)
    ordered = sorted(them, key=lambda item: item.at_ns)
    stays = select(ordered, every_s * S, {})
    kept = [item for item, stay in zip(ordered, stays, strict=True) if stay and not item.event]
    assert len(kept) == len(intervals(them))


@settings(deadline=None)
@given(items)
def test_the_last_resort_leaves_events_only(them):
    assert select(them, 0, {}) == [item.event for item in them]


def test_each_interval_divides_the_next_so_that_what_one_keeps_the_next_can_choose_from():
    assert all(longer % shorter == 0 for shorter, longer in itertools.pairwise(INTERVALS_S))


# What a thinned segment is.

rows = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4000)), min_size=1, max_size=80)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(groups=st.lists(rows, min_size=2, max_size=8), steps=st.integers(1, 12))
def test_thinning_keeps_events_never_grows_a_segment_and_accounts_for_every_number(
    tmp_path_factory, groups, steps
):
    rig = Rig(tmp_path_factory.mktemp("thin"), newest_bytes=1)
    for number, group in enumerate(groups):
        entries = [bin_reading(asset, at) for asset, at in group]
        rig.take([*entries, alarm(number)] if number % 2 else entries)
    taken = rig.journal.taken
    before = {head.id: head.size for head in rig.spool.heads(READINGS, 0, taken, 1000)}
    alarms = {s for s, record in rig.left().items() if record.path.endswith("/event")}
    for _ in range(steps):
        if not rig.thinner.step():
            break
    left, gaps = rig.left(), rig.gaps()
    assert set(left) | {n for a, b in gaps for n in range(a, b + 1)} == set(range(1, rig.journal.taken + 1))
    assert not [seq for seq in left if seq in gaps]
    assert alarms <= set(left)
    assert rig.told() == gaps
    assert rig.thinner.thinned == len(gaps)
    for head in rig.spool.heads(READINGS, 0, taken, 1000):
        assert head.size <= before[head.id]
        assert head.points == len(records(rig.spool.body(head.id), head.id))
    waiting = rig.outbox.waiting
    assert waiting[READINGS].points + waiting[EVENTS].points == len(left)
    again = Outbox(rig.spool, "another")
    assert {lane: again.waiting[lane].points for lane in (EVENTS, READINGS)} == {
        lane: waiting[lane].points for lane in (EVENTS, READINGS)
    }
    rig.spool.close()


def test_numbers_keep_their_places_in_a_thinned_segment(rig):
    rig.take([bin_reading(n % 3, n) for n in range(30)])
    rig.take([bin_reading(1, 40 + n, n * 1e-9) for n in range(300)])
    rig.thinner._newest_bytes = 1
    before = rig.left()
    assert rig.thinner.step()
    after = rig.left()
    first = [record for seq, record in after.items() if seq <= 30]
    assert [record.seq for record in first] == [1, 2, 3]
    assert all(before[seq] == record for seq, record in after.items() if seq <= 330)
    (head,) = rig.spool.heads(READINGS, 0, 30, 10)
    assert rig.outbox.first(head) == 1


# How a node behaves that has no room.


@pytest.mark.slow
def test_a_node_without_a_link_thins_its_oldest_readings_and_never_outgrows_its_quota(tmp_path):
    rig = Rig(tmp_path, max_bytes=int(1.5 * MB))
    at = 0.0
    for _ in range(6):
        at = fill(rig, 24, start_s=at + 60)
        assert rig.quota.used <= 1.5 * MB * 1.05
    left, gaps = rig.left(), rig.gaps()
    assert rig.thinner.thinned == len(gaps) > 10_000
    assert len(left) + len(gaps) == rig.journal.taken
    assert rig.told() == gaps
    reading_s = sorted({record.mono_ns // S for record in left.values() if record.path.endswith("telemetry")})
    # The newest are whole, the oldest are few but there.
    newest = [s for s in reading_s if s > at - 1800]
    assert len(newest) == 30
    assert reading_s[0] < 3600
    oldest_days = [s for s in reading_s if s < 2 * 86_400]
    assert len({s // 86_400 for s in oldest_days}) >= 2
    assert len(oldest_days) < 2 * 144 + 5
    alarms = sum(record.path == "waste/bin-1/event" for record in left.values())
    assert alarms == sum(1 for _ in range(6) for step in range(1440) if step % 97 == 0)
    rig.spool.close()


@pytest.mark.slow
def test_gap_events_have_a_time_each_so_that_none_hides_another_upstream(rig):
    rig.thinner._newest_bytes = 1
    fill(rig, 24)
    while rig.thinner.thinned < 5000:
        assert rig.thinner.step()
    fill(rig, 1, start_s=24 * 3600)
    rig.thinner.step()
    times = [
        decode_event(record.body).ts for record in rig.left().values() if record.path == "gateway/gw-01/event"
    ]
    assert len(times) == len(set(times)) > 100


@pytest.mark.slow
def test_counts_add_up_across_restarts(tmp_path):
    thinned = 0
    for day in range(3):
        rig = Rig(tmp_path, max_bytes=1 * MB, newest_bytes=20_000)
        assert rig.thinner.thinned == thinned
        fill(rig, 24, start_s=day * 86_400)
        waiting = sum(lane.points for lane in rig.outbox.waiting.values())
        thinned = rig.thinner.thinned
        assert rig.journal.taken == waiting + thinned == len(rig.left()) + len(rig.gaps())
        reclaim(rig.spool, [rig.outbox])
        rig.spool.close()
    assert thinned > 0


def test_what_is_on_its_way_is_not_thinned(rig):
    for n in range(20):
        rig.take([bin_reading(1, n * 10 + k) for k in range(5)])
    rig.thinner._newest_bytes = 1
    batch = rig.outbox.next(1)
    body = rig.spool.body(batch.heads[0].id)
    while rig.thinner.step():
        pass
    assert rig.spool.body(batch.heads[0].id) == body
    assert rig.thinner.thinned > 0
    rig.outbox.done(batch)
    assert sum(lane.points for lane in rig.outbox.waiting.values()) == len(rig.left()) - 5


def test_an_edge_is_told_of_the_lowest_number_that_a_gap_event_still_has_to_explain(rig):
    assert lowest_told(rig.outbox) is None
    rig.take([bin_reading(1, 0)])
    rig.take([bin_reading(1, 1)])
    rig.spool.rewrite(
        rig.spool.heads(READINGS, 1, 1, 1),
        [],
        gaps=[Gap(STREAM, 1, 1, QUOTA)],
        told=rig.journal.gap_segments([Gap(STREAM, 1, 1, QUOTA)]),
    )
    assert rig.outbox.oldest().id == 2
    assert lowest_told(rig.outbox) == 1
    rig.outbox.confirm_through(3)
    assert lowest_told(rig.outbox) is None


def test_a_thinning_that_the_disk_refuses_changes_nothing_and_is_done_later(rig):
    for n in range(40):
        rig.take([bin_reading(1, n * 10 + k) for k in range(5)])
    rig.thinner._newest_bytes = 1
    before = rig.left()
    append = rig.journal.gap_segments
    rig.thinner._codec._tell = lambda gaps: [
        *append(gaps),
        Segment(EVENTS, 1, "", b"", id=1),
        Segment(EVENTS, 1, "", b"", id=1),
    ]
    with pytest.raises(sqlite3.Error):
        rig.thinner.step()
    assert rig.left() == before
    assert rig.thinner.thinned == len(rig.gaps()) == 0
    rig.thinner._codec._tell = append
    assert rig.thinner.step()
    left = rig.left()
    kept = {record.mono_ns // S // 600 for record in left.values() if record.path.endswith("telemetry")}
    assert kept == {0}
    assert 1 in left


# How full it is, and for how long it lasts.


@pytest.mark.slow
@pytest.mark.parametrize("size", [90, 700, 2100, 3900, 5000, 60_000])
def test_the_hours_left_are_right_within_a_tenth_on_a_steady_load(tmp_path, size):
    ticks = Ticks()
    spool = Spool(tmp_path / "spool.db")
    quota = Quota(spool, Limits(2 * MB if size < 1000 else 6 * MB, 0), monotonic=ticks, free_on=Disk())
    chance = random.Random(size)
    now_ns = 1_795_412_300_000_000_000
    predicted = {}
    while quota.look() is Fullness.ROOM:
        ticks.now += 30
        spool.append(
            [
                Segment(READINGS, 3, "gw-01/aa:1-3", chance.randbytes(size), now_ns, now_ns, "b" * 32)
                for _ in range(max(1, 4000 // size))
            ]
        )
        predicted[ticks.now] = quota.autonomy_hours()
    full_s = ticks.now
    checked = 0
    for when, hours in predicted.items():
        if 0.1 * full_s < when < 0.7 * full_s:
            assert hours == pytest.approx((full_s - when) / 3600, rel=0.1)
            checked += 1
    assert checked > 10
    spool.close()


def test_nothing_is_said_of_the_hours_left_before_anything_is_known(tmp_path):
    ticks = Ticks()
    spool = Spool(tmp_path / "spool.db")
    quota = Quota(spool, Limits(8 * MB, 0), monotonic=ticks, free_on=Disk())
    assert quota.autonomy_hours() is None
    spool.append([Segment(READINGS, 1, "", b"x" * 1000)])
    ticks.now = 30
    spool.append([Segment(READINGS, 1, "", b"x" * 1000)])
    assert quota.autonomy_hours() is None
    ticks.now = 90
    spool.append([Segment(READINGS, 1, "", b"x" * 1000)])
    assert quota.autonomy_hours() > 50
    ticks.now = 90 + 2 * 86_400
    assert quota.autonomy_hours() is None
    spool.close()


def fill_to(spool, size):
    while spool.path.stat().st_size < size:
        spool.append([Segment(READINGS, 1, "", random.Random(1).randbytes(20_000)) for _ in range(5)])
        spool.query("PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_full_spool_is_full_until_a_tenth_is_free_again(tmp_path):
    spool = Spool(tmp_path / "spool.db", keep_s=0)
    outbox = Outbox(spool, "province")
    quota = Quota(spool, Limits(2 * MB, 0), free_on=Disk())
    fill_to(spool, 2 * MB)
    assert quota.look() is Fullness.QUOTA
    assert quota.events_fit
    seen = []
    while quota.full:
        outbox.done(outbox.next(1))
        reclaim(spool, [outbox])
        quota.look()
        seen.append(quota.used)
    assert min(seen) <= 0.9 * 2 * MB < seen[-2]
    spool.close()


@pytest.mark.slow
def test_a_disk_at_its_floor_stops_growth_and_costs_nothing_that_is_held(tmp_path):
    disk = Disk()
    spool = Spool(tmp_path / "spool.db", keep_s=0)
    quota = Quota(spool, Limits(100 * MB, 50 * MB), free_on=disk)
    outbox = Outbox(spool, "province")
    fill_to(spool, 20 * MB)
    assert quota.look() is Fullness.ROOM
    disk.free = 40 * MB
    assert quota.look() is Fullness.DISK
    assert quota.limit >= quota.used - MB
    for _ in range(200):
        outbox.done(outbox.next(1))
    reclaim(spool, [outbox])
    assert quota.look() is Fullness.ROOM  # what was freed inside the file may be used
    disk.free = 60 * MB
    assert quota.look() is Fullness.ROOM
    spool.close()


def test_below_the_floor_a_little_may_still_be_used_so_that_a_daemon_with_a_link_goes_on(tmp_path):
    spool = Spool(tmp_path / "spool.db")
    quota = Quota(spool, Limits(100 * MB, 50 * MB), free_on=Disk(40 * MB))
    assert quota.look() is Fullness.ROOM
    assert quota.limit == 100 * MB // 8
    spool.close()


# A disk that is really full.


def test_the_reserve_is_given_up_when_the_disk_gives_out_and_made_again_when_there_is_space(tmp_path):
    disk = Disk()
    spool = Spool(tmp_path / "spool.db")
    quota = Quota(spool, Limits(64 * MB, 0), free_on=disk)
    reserve = tmp_path / "spool.db-reserve"
    assert reserve.stat().st_blocks * 512 >= MB
    disk.free = 0
    assert not quota.gave_out(ValueError("no"))
    assert reserve.exists()
    assert quota.gave_out(full_error())
    assert not reserve.exists()
    assert quota.full
    quota.look()
    assert not reserve.exists()
    disk.free = 10 * MB
    quota.look()
    assert reserve.exists()
    assert not quota.full
    spool.close()


def test_only_want_of_space_is_taken_for_it():
    assert is_want_of_space(full_error())
    assert is_want_of_space(OSError(28, "No space left on device"))
    assert is_want_of_space(OSError(122, "Disk quota exceeded"))
    assert not is_want_of_space(OSError(5, "Input/output error"))
    assert not is_want_of_space(sqlite3.OperationalError("locked"))


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


def test_readings_wait_in_memory_while_the_disk_is_full_and_are_all_there_afterwards(rig):
    with Broken(rig):
        for n in range(50):
            assert rig.take([bin_reading(1, n)]) == []
        assert rig.take([alarm(50)]) == []
    assert rig.journal.taken == 0
    rig.take([bin_reading(1, 51)])
    assert rig.journal.taken == 52
    assert len(rig.left()) == 52
    assert not rig.gaps()


def test_what_memory_cannot_hold_gets_its_numbers_later_as_a_gap_that_is_told(rig, monkeypatch):
    monkeypatch.setattr("gateway.journal._MOST_HELD", 10)
    rig.take([bin_reading(1, 0)])
    with Broken(rig):
        for n in range(1, 31):
            rig.take([bin_reading(1, n)])
        rig.take([alarm(31)])
    rig.take([bin_reading(1, 32)])
    left, gaps = rig.left(), rig.gaps()
    assert rig.spool.query("SELECT reason FROM gap") == [(DISK,)]
    assert rig.told() == gaps == RangeSet([(2, 22)])
    assert len(left) + len(gaps) == rig.journal.taken
    assert [record.mono_ns // S for record in left.values() if record.path.endswith("telemetry")][1:] == [
        *range(22, 31),
        32,
    ]
    assert sum(record.path == "waste/bin-1/event" for record in left.values()) == 1
    rig.take([bin_reading(1, 33)])
    assert rig.gaps() == gaps


def test_other_errors_are_left_to_the_committer_which_tries_again_for_ever(rig):
    entries = [bin_reading(1, 0)]
    assert rig.journal._refuse(entries, ValueError("no")) == entries
    assert rig.journal._held == []


def test_a_stop_writes_what_memory_holds_if_the_disk_takes_it_by_then(tmp_path):
    rig = Rig(tmp_path)
    rig.journal.committer.start()
    with Broken(rig):
        rig.journal.committer.put(bin_reading(1, 0))
        waiting = threading.Event()
        for _ in range(500):
            if rig.journal._held:
                break
            waiting.wait(0.01)
        assert rig.journal._held
    assert rig.journal.stop()
    assert len(rig.left()) == 1
    rig.spool.close()


def test_a_quota_that_cannot_work_is_refused_by_its_key():
    site = Site(province="42", commune="18562", gw="gw-01")
    assert check(NodeConfig(site=site)) == []
    tiny = NodeConfig(site=site, spool=SpoolTable(max_bytes=Bytes(1000)))
    assert check(tiny) == ['[spool] max_bytes: 1000 is too small; 1000000 or more, such as "1GB"']
    with pytest.raises(ConfigError, match=r"\[spool\] min_free: 'much' is not understood"):
        convert(
            {"site": {"province": "42", "commune": "18562", "gw": "g"}, "spool": {"min_free": "much"}},
            NodeConfig,
        )


def test_a_thinned_body_is_one_that_an_older_reader_of_bodies_could_still_unpack(rig):
    rig.take([bin_reading(n % 3, n) for n in range(30)])
    rig.take([bin_reading(1, 40)])
    rig.thinner._newest_bytes = 1
    rig.thinner.step()
    assert gzip.decompress(rig.spool.body(30)).count(b"\n") == 29
    assert encode(alarm(1).body)
