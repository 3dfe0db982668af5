"""Each reading gets the next number, once, and lies in the spool as the feed will carry it."""

import logging
import sqlite3
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from gateway import config_check
from gateway.feed import FeedError, decode_reading, to_ns
from gateway.journal import UNDATED, doubt, records
from gateway.node import Node
from gateway.runner import AssetReading
from sensors.sample import Observation, Quality
from simulators.clock import VirtualClock
from simulators.commune import build
from tests.gateway.times import BAD, GOOD, Desk, S, asset
from tests.parts.wait import until

DAY = 86_400


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path / "node.db", VirtualClock())
    yield made
    made.spool.close()


def lying(desk):
    return [record for head in desk.heads() for record in records(desk.spool.body(head.id), head.id)]


def test_numbers_rise_by_one_and_go_on_after_a_restart_and_after_all_was_delivered(desk):
    ep = desk.journal.ep
    for _ in range(3):
        desk.clock.sleep(60)
        desk.read()
    desk.spool.reclaim({}, [(0, 3)])
    desk.again()
    desk.clock.sleep(60)
    assert desk.read() == 4
    assert desk.journal.ep == ep
    assert [(r.seq, decode_reading(r.body).seq) for r in lying(desk)] == [(4, 4)]


def test_a_new_spool_counts_under_a_new_name(tmp_path, desk):
    other = Desk(tmp_path / "new.db", VirtualClock())
    assert other.journal.ep != desk.journal.ep
    other.spool.close()


def test_a_reading_lies_in_the_spool_as_the_feed_carries_it(desk):
    desk.clock.sleep(1)
    desk.read(
        seen=Observation({"fillingLevel": 0.25, "status": "ok"}, Quality.UNCERTAIN, {"fillingLevel": "stuck"})
    )
    (record,) = lying(desk)
    body = decode_reading(record.body)
    assert record.path == "waste/bin-1/telemetry"
    assert (body.fillingLevel, body.status, body.q, body.qr) == (
        0.25,
        "ok",
        "uncertain",
        "fillingLevel:stuck",
    )
    assert to_ns(body.ts) == desk.clock.true_ns()


def test_a_value_that_the_feed_does_not_carry_is_refused_by_asset_and_field(desk):
    with pytest.raises(FeedError, match=r"bin-1: .*fillingLevel"):
        desk.journal.take(AssetReading(asset(), 0, Observation({"fillingLevel": 7.0})))


def test_readings_of_one_commit_share_a_segment_and_events_have_their_own(desk):
    desk.bulk(10, group=10)
    (head,) = desk.heads()
    assert (head.points, head.id, head.span) == (10, 10, f"gw-01/{desk.journal.ep}:1-10")
    assert [r.seq for r in lying(desk)] == list(range(1, 11))


def test_an_undated_reading_says_so_and_never_more(desk):
    desk.clock.reboot()
    desk.again()
    desk.read()
    (record,) = lying(desk)
    assert decode_reading(record.body).ts == UNDATED
    assert desk.sendable() == {}


def test_a_doubt_is_marked_once_and_makes_nothing_better(desk):
    desk.clock.sleep(1)
    desk.read(seen=BAD)
    (record,) = lying(desk)
    body = decode_reading(record.body)
    doubt(body)
    doubt(body)
    assert (body.q, body.qr) == ("bad", "fillingLevel:no-echo ts:clock")


def test_nobody_is_told_of_a_reading_before_it_is_on_disk(desk, monkeypatch):
    told = []
    desk.journal._told = told.extend
    append, fails = desk.spool.append, [sqlite3.OperationalError("disk I/O error")]

    def sick(*arguments, **more):
        assert not told
        if fails:
            raise fails.pop()
        return append(*arguments, **more)

    monkeypatch.setattr(desk.spool, "append", sick)
    monkeypatch.setattr("gateway.spool.committer._RETRY_FIRST_S", 0.01)
    desk.journal.committer.start()
    desk.journal.take(AssetReading(asset(), S, GOOD))
    until(lambda: told, what="the commit")
    assert desk.journal.stop()
    assert [r.seq for r in lying(desk)] == [1], "the number was not used up by the failure"


@pytest.mark.slow
def test_a_node_whose_wall_clock_runs_wild_keeps_rhythm_order_and_every_reading(tmp_path, caplog):
    """1970 at boot, then two days ahead, then a year back, by hand and by the time source."""
    caplog.set_level(logging.ERROR)
    clock = VirtualClock(synchronised=False)
    clock.reboot(wall=datetime(1970, 1, 1, tzinfo=UTC))
    world = build(1, clock, bins=2, domains=["waste"])
    file = tmp_path / "node.toml"
    file.write_text(
        '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n[mqtt]\nhost = "127.0.0.1"\nport = 1\n'
        f'[spool]\npath = "{tmp_path}/node.db"\nlinger = "0s"\n' + world.config_toml(every="60s")
    )
    node = Node(config_check.load(file, {}), world.io)
    node.start(threads=False)
    steps = {
        10: lambda: clock.step_wall(2 * DAY),
        20: lambda: clock.set_synchronised(True),
        30: lambda: clock.set_synchronised(False, offset_s=-365 * DAY),
        40: lambda: clock.set_synchronised(True, offset_s=2 * DAY),
        50: lambda: clock.set_synchronised(True, offset_s=-365 * DAY),
        60: lambda: clock.set_synchronised(True),
    }
    begin = clock.monotonic_ns()
    for minute in range(75):
        steps.get(minute, lambda: None)()
        node.runner.step(begin + (minute + 1) * 60 * S)
        until(lambda: not node.journal.committer.depth, what="the commit")
    node.journal.stop()
    taken = node.journal.taken
    found = defaultdict(list)
    dating = node.publisher._dating
    for head in sorted(node.spool.heads(1, 0, node.spool.last_id, 10_000)):
        assert dating.can_date(head)
        for record in records(node.spool.body(head.id), head.id):
            found[record.path].append((record.mono_ns, to_ns(decode_reading(dating.finish(record, head)).ts)))
    node.stop(0.2)
    world.close()
    assert sum(len(each) for each in found.values()) == taken
    assert not node.runner.missed()
    weighed = [path for path in found if "/weighbridge-" in path]
    assert [len(found.pop(path)) for path in weighed] == [1], "a weighbridge has no rhythm: no lorry came"
    for each in found.values():
        monos = [mono for mono, _ in each]
        assert 74 <= len(each) <= 76
        assert all(58 * S < later - earlier < 62 * S for earlier, later in pairwise(monos))
        assert len({ts for _, ts in each}) == len(each), "no asset has a time twice"
        wrong_ns = [abs(ts - (clock.true_ns() - clock.monotonic_ns() + mono)) for mono, ts in each]
        assert sum(each > S for each in wrong_ns) == 20, "while its source was wrong, and not one more"
    assert not caplog.records
