"""A quota is kept, how long the room lasts is said rightly, and a quota that cannot work is refused."""

import random

import pytest

from gateway.config import NodeConfig, Site
from gateway.config import Spool as SpoolTable
from gateway.config_check import check
from gateway.spool import READINGS, Outbox, Segment, Spool, reclaim
from gateway.spool.quota import Fullness, Limits, Quota
from sensors.errors import ConfigError
from sensors.settings import Bytes, convert
from tests.gateway.quota_rig import MB, Disk, Ticks, fill_to, rig

__all__ = ["rig"]


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
