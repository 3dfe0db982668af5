"""A disk that is really full costs no reading that memory can hold, and what it cannot is a gap."""

import sqlite3
import threading

from gateway.journal import DISK
from gateway.spool import RangeSet, Spool
from gateway.spool.errors import is_want_of_space
from gateway.spool.quota import Limits, Quota
from tests.gateway.quota_rig import MB, Broken, Disk, Rig, S, alarm, bin_reading, full_error, rig

__all__ = ["rig"]


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
