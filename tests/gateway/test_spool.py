"""The spool keeps what it was given, in order, through crashes, and lets go only when all have confirmed."""

import sqlite3
import threading
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spool import (
    EVENTS,
    READINGS,
    Committer,
    Gap,
    Outbox,
    RangeSet,
    Refused,
    Segment,
    Spool,
    SpoolError,
    reclaim,
    span_of,
)
from gateway.spool.tables import schema


def reading(seq, lane=READINGS, gw="gw-01", ep="aa"):
    return Segment(lane, 1, span_of([(gw, ep, seq)]), b"body %d" % seq)


@pytest.fixture
def spool(tmp_path):
    with_one = Spool(tmp_path / "spool.db")
    yield with_one
    with_one.close()


class Ticks:
    """A monotonic clock that the test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def ids(batch):
    return [head.id for head in batch.heads]


ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted))


@given(ranges, ranges)
def test_a_range_set_is_a_set_of_numbers(put_in, taken_out):
    numbers = set()
    kept = RangeSet()
    for first, last in put_in:
        kept.add(first, last)
        numbers |= set(range(first, last + 1))
    for first, last in taken_out:
        kept.discard(first, last)
        numbers -= set(range(first, last + 1))
    assert {n for a, b in kept for n in range(a, b + 1)} == numbers
    assert len(kept) == len(numbers)
    assert RangeSet.parse(str(kept)) == kept
    assert {n for a, b in kept.missing(0, 70) for n in range(a, b + 1)} == set(range(71)) - numbers
    assert all((n in kept) == (n in numbers) for n in range(70))


def test_the_schema_on_disk_is_the_one_the_tables_declare():
    assert files("gateway.spool").joinpath("schema.sql").read_text() == schema()


def test_what_was_appended_is_there_after_the_process_is_gone_without_a_close(tmp_path):
    first = Spool(tmp_path / "spool.db")
    first.append([reading(1), reading(2)])
    again = Spool(tmp_path / "spool.db")
    assert again.body(1) == b"body 1"
    assert again.streams["gw-01", "aa"] == RangeSet([(1, 2)])
    assert again.last_id == 2
    again.close()
    first.close()


def test_a_number_is_never_used_twice_even_when_everything_was_delivered_and_deleted(tmp_path):
    spool = Spool(tmp_path / "spool.db", keep_s=0)
    outbox = Outbox(spool, "province")
    spool.append([reading(1), reading(2)])
    outbox.done(outbox.next(10_000))
    assert reclaim(spool, [outbox]) == 2
    spool.close()
    spool = Spool(tmp_path / "spool.db")
    assert spool.append([reading(3)]).first_id == 3
    assert spool.streams["gw-01", "aa"] == RangeSet([(1, 3)])
    assert ids(Outbox(spool, "province").next(10_000)) == [3]
    spool.close()


def test_events_overtake_live_readings_which_overtake_the_backlog(spool):
    outbox = Outbox(spool, "province")
    spool.append([reading(seq) for seq in range(1, 11)])
    outbox.resume(live_bytes=len(b"body 9") + len(b"body 10"))
    spool.append([reading(11), reading(12, EVENTS)])
    order = []
    while batch := outbox.next(10_000, 4):
        order.append((batch.lane, ids(batch)))
        outbox.done(batch)
    assert order == [
        ("live", [12, 9, 10, 11]),
        ("backlog", [1, 2, 3, 4]),
        ("backlog", [5, 6, 7, 8]),
    ]
    assert outbox.waiting[READINGS].points == outbox.waiting[EVENTS].points == 0


def test_a_large_segment_of_the_backlog_is_not_starved_by_small_live_ones(spool):
    outbox = Outbox(spool, "province")
    spool.append([Segment(READINGS, 100, "", bytes(5_000)), reading(1)])
    outbox.resume(live_bytes=1)
    sent = []
    for seq in range(2, 8):
        spool.append([reading(seq)])
        batch = outbox.next(4_000)
        sent.append((batch.lane, ids(batch)))
        outbox.done(batch)
    assert ("backlog", [1]) in sent[:2]
    assert outbox.waiting[READINGS].points <= 1


def test_a_batch_that_failed_waits_again_and_one_in_flight_is_not_handed_out_twice(spool):
    outbox = Outbox(spool, "province")
    spool.append([reading(1), reading(2)])
    first = outbox.next(1)
    assert ids(first) == [1]
    second = outbox.next(1)
    assert ids(second) == [2]
    assert outbox.next(1) is None
    outbox.back(first)
    assert ids(outbox.next(1)) == [1]


def test_segments_leave_only_when_every_upstream_has_confirmed_them_and_the_keep_time_is_over(tmp_path):
    ticks = Ticks()
    spool = Spool(tmp_path / "spool.db", keep_s=60)
    influx, central = (Outbox(spool, name, ticks) for name in ("influx", "central"))
    spool.append([reading(1), reading(2)])
    influx.done(influx.next(10_000))
    ticks.now = 61
    assert reclaim(spool, [influx, central]) == 0
    central.done(central.next(10_000))
    assert reclaim(spool, [influx, central]) == 0
    ticks.now = 122
    assert reclaim(spool, [influx, central]) == 2
    spool.close()


def test_what_an_upstream_confirmed_of_late_is_sent_again_when_it_may_have_forgotten(tmp_path):
    ticks = Ticks()
    spool = Spool(tmp_path / "spool.db", keep_s=60)
    outbox = Outbox(spool, "influx", ticks)
    spool.append([reading(1)])
    outbox.done(outbox.next(1))
    ticks.now = 50
    spool.append([reading(2)])
    outbox.done(outbox.next(1))
    ticks.now = 70
    assert outbox.forgotten() == 1
    assert outbox.waiting[READINGS].points == 1
    assert ids(outbox.next(10_000)) == [2]
    spool.close()


def test_a_new_upstream_gets_what_is_still_held_and_a_removed_one_no_longer_holds_anything_back(tmp_path):
    spool = Spool(tmp_path / "spool.db", keep_s=0)
    Outbox(spool, "old")
    spool.append([reading(1)])
    spool.append([reading(2)])
    new = Outbox(spool, "new")
    batch = new.next(10_000)
    assert ids(batch) == [1, 2]
    new.done(batch)
    assert reclaim(spool, [new]) == 2
    spool.close()


def test_progress_survives_a_restart_so_that_nothing_confirmed_is_sent_again(tmp_path):
    spool = Spool(tmp_path / "spool.db", keep_s=60)
    outbox = Outbox(spool, "province")
    spool.append([reading(1), reading(2), reading(3)])
    outbox.done(outbox.next(1))
    reclaim(spool, [outbox])
    spool.close()
    spool = Spool(tmp_path / "spool.db")
    outbox = Outbox(spool, "province")
    assert outbox.waiting[READINGS].points == 2
    assert ids(outbox.next(10_000)) == [2, 3]
    spool.close()


def test_gaps_and_refused_bodies_count_as_known_after_a_restart(tmp_path):
    spool = Spool(tmp_path / "spool.db")
    spool.append(
        [reading(1)],
        gaps=[Gap(("gw-01", "aa"), 2, 5, "quota")],
        refused=[Refused("mqtt", "ntm/v1/x", "no", b"{", span_of([("gw-01", "aa", 6)]))],
    )
    spool.close()
    spool = Spool(tmp_path / "spool.db")
    assert spool.streams["gw-01", "aa"] == RangeSet([(1, 6)])
    spool.close()


def test_a_failed_append_leaves_nothing_behind(spool):
    spool.append([reading(1)])
    with pytest.raises(sqlite3.Error):
        spool.append([reading(2), Segment(READINGS, 1, "", b"x", id=1)])
    assert spool.last_id == 1
    assert spool.streams["gw-01", "aa"] == RangeSet([(1, 1)])
    assert spool.append([reading(2)]).last_id == 2


def test_a_file_of_a_newer_version_is_refused_by_name(tmp_path):
    path = tmp_path / "spool.db"
    Spool(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SpoolError, match=r"spool\.db: made by a newer version \(99 > 2\); upgrade"):
        Spool(path)


def test_a_nodes_segments_are_numbered_by_seq(tmp_path):
    spool = Spool(tmp_path / "node.db", by_seq=True, keep_s=0)
    outbox = Outbox(spool, "edge")
    spool.append([Segment(READINGS, 5, "", b"five", id=5), Segment(READINGS, 2, "", b"two", id=7)])
    batch = outbox.next(1)
    assert ids(batch) == [5]
    outbox.done(batch)
    assert str(outbox.delivered) in ("0-5", "1-5")
    assert reclaim(spool, [outbox]) == 1
    assert ids(outbox.next(10)) == [7]
    spool.close()


def test_the_file_gives_space_back_after_a_drain(tmp_path):
    spool = Spool(tmp_path / "spool.db", keep_s=0)
    outbox = Outbox(spool, "province")
    for _ in range(40):
        spool.append([Segment(READINGS, 1, "", bytes(500_000))])
    full = spool.path.stat().st_size
    while batch := outbox.next(1_000_000):
        outbox.done(batch)
    spool.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert reclaim(spool, [outbox]) == 40
    assert spool.path.stat().st_size < full / 40
    # What was deleted is not written once more, neither as zeros nor on its way out of the file.
    assert spool.path.with_name("spool.db-wal").stat().st_size < full / 10
    spool.close()


def test_bodies_come_in_the_order_in_which_they_are_asked_for_however_many(spool):
    spool.append([reading(seq) for seq in range(1, 701)])
    asked = [*range(700, 0, -2), *range(1, 700, 2)]
    assert list(spool.bodies(asked)) == [b"body %d" % seq for seq in asked]
    with pytest.raises(KeyError):
        list(spool.bodies([1, 701]))


def test_group_commit_takes_whatever_has_arrived_while_the_last_commit_ran():
    groups, busy, go = [], threading.Event(), threading.Event()

    def commit(items):
        groups.append(items)
        busy.set()
        assert go.wait(5)

    committer = Committer(commit)
    committer.start()
    committer.put(0)
    assert busy.wait(5)
    for number in range(1, 100):
        committer.put(number)
    go.set()
    assert committer.stop()
    assert groups == [[0], list(range(1, 100))]


@pytest.mark.slow
def test_group_commit_tries_again_in_order_what_the_disk_refused_except_what_was_taken_back():
    groups, failures = [], [OSError("disk full")] * 2
    done = threading.Event()

    def commit(items):
        if failures:
            raise failures.pop()
        groups.append(items)
        done.set()

    def refuse(items, error):
        assert str(error) == "disk full"
        return [item for item in items if item != "http"]

    committer = Committer(commit, refuse, linger_s=30, full=3)
    committer.start()
    for item in ("a", "http", "b"):
        committer.put(item)
    assert done.wait(10)
    assert committer.stop()
    assert groups == [["a", "b"]]
    assert committer.failing is None


def test_what_is_being_committed_still_counts_as_not_committed():
    busy, go = threading.Event(), threading.Event()

    def commit(items):
        busy.set()
        assert go.wait(5)

    committer = Committer(commit)
    committer.start()
    committer.put("reading")
    assert busy.wait(5)
    assert committer.depth == 1
    go.set()
    assert committer.stop()
    assert committer.depth == 0
