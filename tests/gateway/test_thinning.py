"""A full node gives up the least it can, and every reading given up is a gap that is told."""

import gzip
import itertools
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.feed import decode_event, encode
from gateway.journal import records
from gateway.spool import EVENTS, READINGS, Gap, Outbox, Segment, reclaim
from gateway.spool.thinning import INTERVALS_S, QUOTA, Item, select
from gateway.thinning import lowest_told
from tests.gateway.quota_rig import (
    MB,
    STREAM,
    Rig,
    S,
    alarm,
    bin_reading,
    fill,
    rig,
)

__all__ = ["rig"]


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


def test_a_thinned_body_is_one_that_an_older_reader_of_bodies_could_still_unpack(rig):
    rig.take([bin_reading(n % 3, n) for n in range(30)])
    rig.take([bin_reading(1, 40)])
    rig.thinner._newest_bytes = 1
    rig.thinner.step()
    assert gzip.decompress(rig.spool.body(30)).count(b"\n") == 29
    assert encode(alarm(1).body)
