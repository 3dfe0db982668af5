"""The time in which a node took nothing is told once: from the last reading before it to the first after."""

from datetime import UTC, datetime

import pytest

from gateway.absence import POWER, STOPPED, Absence
from gateway.feed import decode_event, to_ns
from gateway.feed.kit import Heard
from gateway.feed.kit.single import Message, look
from gateway.journal import DISK, records
from gateway.spool import DAMAGE, EVENTS, Gap
from gateway.spool.thinning import QUOTA
from simulators.clock import VirtualClock
from tests.gateway.times import MS, Desk, S

STREAM = "gw-01"


class Node(Desk):
    """A desk that tells of its absences."""

    def _open(self):
        super()._open()
        self.journal.absence = Absence(self.spool, self.timeline, self.clock.boot_id)

    def events(self):
        """The events in the spool, each as the broker gets it and within the contract."""
        for head in self.spool.heads(EVENTS, 0, self.spool.last_id, 100):
            for record in records(self.spool.body(head.id), head.id):
                body = self.dating.finish(record, head)
                message = look(Heard(f"ntm/v1/42/18562/{record.path}", body, 1, False))
                assert isinstance(message, Message)
                assert message.problems == []
                yield decode_event(body)

    def told(self):
        """What lies in the spool: (reason, after, before) of each gap in time."""
        found = []
        for event in self.events():
            assert isinstance(event.after, str)
            assert isinstance(event.before, str)
            assert not isinstance(event.first, int)
            found.append((event.reason, to_ns(event.after), to_ns(event.before)))
        return found

    def power_cut(self, off_s, wall=None):
        """The machine is off for a while, and starts again."""
        self.spool.close()
        self.clock.sleep(off_s)
        self.clock.reboot(wall=wall)
        self.clock.set_synchronised(wall is None)
        self._open()


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def node(tmp_path, clock):
    made = Node(tmp_path / "node.db", clock)
    yield made
    made.spool.close()


def cut(ns):
    return ns // MS * MS


def test_a_power_cut_is_told_once_from_the_last_reading_to_the_first(node, clock):
    node.read()
    last = clock.true_ns()
    node.power_cut(7_200)
    clock.sleep(30)
    node.read()
    first = clock.true_ns()
    clock.sleep(60)
    node.read()
    assert node.told() == [(POWER, cut(last), cut(first))]
    node.again()
    clock.sleep(60)
    node.read()
    assert len(node.told()) == 1
    assert [tuple(row) for row in node.spool.query("SELECT first, last, reason FROM gap")] == [(0, -1, POWER)]


def test_it_is_told_though_everything_had_left_the_spool_before_the_cut(node, clock):
    node.read()
    last = clock.true_ns()
    node.spool.reclaim({}, [(0, node.spool.last_id)])
    node.power_cut(3_600)
    node.read()
    assert node.told() == [(POWER, cut(last), cut(clock.true_ns()))]


def test_while_the_clock_is_not_set_it_waits_and_ends_at_the_first_reading_not_at_the_first_dated_one(
    node, clock
):
    node.read()
    last = clock.true_ns()
    node.power_cut(3_600, wall=datetime(1970, 1, 1, tzinfo=UTC))
    clock.sleep(20)
    node.read()
    first = clock.true_ns()
    clock.sleep(600)
    node.read()
    assert node.told() == []
    clock.set_synchronised(True)
    clock.sleep(60)
    node.read()
    ((reason, after, before),) = node.told()
    assert (reason, after) == (POWER, cut(last))
    assert abs(before - first) <= MS


def test_two_cuts_with_no_clock_between_them_are_one_stretch_that_covers_both(node, clock):
    node.read()
    last = clock.true_ns()
    node.power_cut(3_600, wall=datetime(1970, 1, 1, tzinfo=UTC))
    node.read()
    node.power_cut(3_600, wall=datetime(1970, 1, 1, tzinfo=UTC))
    clock.set_synchronised(True)
    node.read()
    assert node.told() == [(POWER, cut(last), cut(clock.true_ns()))]


def test_a_commit_that_the_disk_refuses_tells_nothing_and_the_next_one_does(node, clock, monkeypatch):
    node.read()
    node.power_cut(3_600)
    with monkeypatch.context() as patch:
        patch.setattr(node.spool, "append", lambda *_, **__: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            node.read()
    node.again()
    node.read()
    assert [reason for reason, _, _ in node.told()] == [POWER]


@pytest.mark.parametrize(("away_s", "told"), [(30, []), (3_600, [STOPPED])])
def test_a_stopped_program_is_told_when_it_cost_more_than_a_reading(node, clock, away_s, told):
    node.read()
    node.spool.close()
    clock.sleep(away_s)
    node._open()
    node.read()
    assert [reason for reason, _, _ in node.told()] == told


def test_a_new_spool_has_nothing_to_tell(node, clock):
    clock.sleep(10 * S / 1e9)
    node.read()
    assert node.told() == []


@pytest.mark.parametrize("reason", [QUOTA, DISK, DAMAGE])
def test_what_a_node_gave_up_is_told_by_numbers_and_within_the_contract(node, reason):
    last = node.read()
    node.spool.append(node.journal.gap_segments([Gap((STREAM, node.journal.ep), 1, last, reason)]))
    assert [(each.reason, each.first, each.last) for each in node.events()] == [(reason, 1, last)]
