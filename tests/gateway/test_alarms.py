"""Alarms lie in the spool with the readings that led to them: once, over restarts and full disks."""

import logging
import sqlite3

import pytest

from gateway import config_check
from gateway.alarms import Engine
from gateway.alarms.engine import GONE, NOTE
from gateway.alarms.plan import rules_of
from gateway.feed import decode_event, to_ns
from gateway.feed.limits import shipped
from gateway.journal import records
from gateway.node import Node
from gateway.runner import AssetReading
from gateway.spool import EVENTS
from sensors.sample import Observation, Quality
from simulators.clock import VirtualClock
from simulators.commune import build
from tests.gateway.times import BAD, Desk, S, asset
from tests.parts.wait import until

FULL = Observation({"fillingLevel": 0.95, "status": "ok"})
EMPTY = Observation({"fillingLevel": 0.1, "status": "ok"})
BURNS = Observation({"fillingLevel": 0.95, "status": "burning", "temperature": 90.0})


class AlarmDesk(Desk):
    """A node's journal with the default rules of two bins."""

    names = ("bin-1", "bin-2")

    def _open(self):
        super()._open()
        self.journal.alarms = Engine(
            lambda _day: {f"waste/{name}": rules_of(asset(name), [], shipped()) for name in self.names},
            self.spool.query("SELECT key, value FROM note WHERE key LIKE ?", (f"{NOTE}%",)),
            gw="gw-01",
            ep=self.journal.ep,
            boot=self.clock.boot_id,
            wall=lambda mono_ns: mono_ns,
        )

    def minutes(self, count, seen):
        for _ in range(count):
            self.clock.sleep(60)
            self.read(seen=seen)

    def events(self):
        found = []
        for head in self.spool.heads(EVENTS, 0, self.spool.last_id, 10_000):
            assert self.dating.can_date(head)
            for record in records(self.spool.body(head.id), head.id):
                body = decode_event(self.dating.finish(record, head))
                found.append((record.path, body))
        return found

    def words(self):
        return [(body.type, body.state) for _, body in self.events()]


@pytest.fixture
def desk(tmp_path):
    made = AlarmDesk(tmp_path / "node.db", VirtualClock())
    yield made
    made.spool.close()


def test_a_calibration_is_no_fault_and_ends_none(desk):
    aside = Observation({}, Quality.BAD, {"fillingLevel": "calibrating"})
    desk.minutes(10, aside)
    assert desk.words() == []
    desk.minutes(10, BAD)
    desk.minutes(10, aside)
    assert desk.words() == [("sensorFault", "raised")]
    desk.minutes(10, EMPTY)
    assert desk.words()[-1] == ("sensorFault", "cleared")


def test_an_event_says_who_what_and_why_under_the_next_number_and_one_id_for_both_its_ends(desk):
    desk.minutes(12, FULL)
    desk.minutes(2, EMPTY)
    (path, up), (_, down) = desk.events()
    assert path == "waste/bin-1/event"
    assert (up.type, up.state, up.severity) == ("binFull", "raised", "warning")
    assert (up.field, up.value, up.limit) == ("fillingLevel", 0.95, 0.9)
    assert (down.state, down.value, down.id) == ("cleared", 0.1, up.id)
    assert desk.spool.last_id == 16, "readings and events share one count"
    assert to_ns(down.ts) == desk.clock.true_ns(), "the time of the reading that led to it"


def test_a_restart_repeats_nothing_and_clears_what_ended_meanwhile(desk):
    desk.minutes(12, FULL)
    desk.again()
    desk.minutes(12, FULL)
    assert desk.words() == [("binFull", "raised")]
    desk.clock.reboot()
    desk.clock.set_synchronised(True)
    desk.again()
    desk.minutes(3, EMPTY)
    assert desk.words() == [("binFull", "raised"), ("binFull", "cleared")]


def test_a_delay_goes_on_over_a_restart(desk):
    desk.minutes(6, FULL)
    desk.again()
    desk.minutes(4, FULL)
    assert desk.words() == []
    desk.minutes(1, FULL)
    assert desk.words() == [("binFull", "raised")]


def test_a_commit_that_fails_says_its_alarms_once_when_it_is_made_again(desk, monkeypatch):
    append, fails = desk.spool.append, [sqlite3.OperationalError("disk I/O error")] * 2
    desk.minutes(10, FULL)

    def sick(*arguments, **more):
        if fails:
            raise fails.pop()
        return append(*arguments, **more)

    monkeypatch.setattr(desk.spool, "append", sick)
    desk.clock.sleep(60)
    entries = []
    desk.journal.committer.put = lambda entry, **_: entries.append(entry)
    desk.journal.take(AssetReading(asset(), desk.clock.monotonic_ns(), FULL))
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            desk.journal._commit(entries)
    assert desk.words() == []
    desk.journal._commit(entries)
    assert desk.words() == [("binFull", "raised")]


def test_state_and_event_are_one_commit_so_a_kill_between_them_cannot_be(desk, monkeypatch):
    desk.minutes(11, FULL)
    desk.minutes(1, EMPTY)
    written = []
    append = desk.spool.append
    monkeypatch.setattr(
        desk.spool,
        "append",
        lambda segments, **more: written.append((segments, more)) or append(segments, **more),
    )
    desk.minutes(1, EMPTY)
    ((segments, more),) = written
    assert EVENTS in [segment.lane for segment in segments]
    assert any(key.startswith(NOTE) for key in more["notes"])


def test_three_readings_without_a_value_are_a_fault_that_names_field_and_reason(desk):
    desk.minutes(2, BAD)
    assert desk.words() == []
    desk.minutes(2, BAD)
    desk.minutes(1, EMPTY)
    (_, up), (_, down) = desk.events()
    assert (up.type, up.field, up.reason) == ("sensorFault", "fillingLevel", "no-echo")
    assert down.state == "cleared"


def test_two_alarms_of_one_moment_are_two_points(desk):
    desk.minutes(1, BURNS)
    desk.minutes(10, BURNS)
    kinds = [(body.type, body.ts) for _, body in desk.events()]
    assert sorted(kind for kind, _ in kinds) == ["binFull", "fire"]
    flicker = [BURNS, EMPTY] * 20
    for each in flicker:
        desk.clock.sleep(0.0005)
        desk.read(seen=each)
    points = [(path, body.type, body.ts) for path, body in desk.events()]
    assert len(points) == len(set(points))


def test_an_alarm_whose_rule_is_gone_is_cleared_and_says_so(desk):
    desk.minutes(12, FULL)
    desk.names = ("bin-2",)
    desk.again()
    desk.clock.sleep(60)
    desk.read("bin-2", EMPTY)
    _, (path, down) = desk.events()
    assert (path, down.state, down.reason) == ("waste/bin-1/event", "cleared", GONE)
    desk.again()
    desk.read("bin-2", EMPTY)
    assert len(desk.events()) == 2


def test_with_the_disk_full_alarms_are_still_written_and_readings_wait(desk):
    class Full:
        def make(self):
            return False

    desk.minutes(10, FULL)
    desk.journal.room = Full()
    desk.minutes(5, FULL)
    assert desk.words() == [("binFull", "raised")]
    desk.journal.room = None
    desk.minutes(1, FULL)
    assert desk.words() == [("binFull", "raised")]
    assert sum(head.points for head in desk.heads()) == 17


def test_uncertain_levels_raise_nothing(desk):
    desk.minutes(30, Observation({"fillingLevel": 0.99}, Quality.UNCERTAIN, {"fillingLevel": "stuck"}))
    assert desk.words() == []


def test_a_note_that_cannot_be_read_costs_that_rule_its_memory_only(caplog):
    caplog.set_level(logging.WARNING)
    Engine(lambda _: {}, [(f"{NOTE}waste/bin-1 binFull", "?")], gw="g", ep="e", boot="b", wall=lambda _: None)
    assert "the alarm binFull of waste/bin-1" in caplog.text


def test_a_node_raises_the_alarms_of_its_bins_with_every_link_down(tmp_path):
    clock = VirtualClock()
    world = build(1, clock, bins=2, domains=["waste"])
    file = tmp_path / "node.toml"
    file.write_text(
        '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n[mqtt]\nhost = "127.0.0.1"\nport = 1\n'
        f'[spool]\npath = "{tmp_path}/node.db"\n' + world.config_toml(every="60s")
    )
    node = Node(config_check.load(file, {}), world.io)
    node.start(threads=False)
    begin = clock.monotonic_ns()
    for minute, act in (
        (5, lambda: world.bins[0].bin.deposit(60.0)),
        (40, world.bins[0].bin.collect),
        (50, None),
    ):
        node.runner.step(begin + minute * 60 * S)
        until(lambda: not node.journal.committer.depth, what="the commit")
        if act is not None:
            act()
    found = []
    for head in node.spool.heads(EVENTS, 0, node.spool.last_id, 100):
        for record in records(node.spool.body(head.id), head.id):
            body = decode_event(record.body)
            found.append((record.path, body.type, body.state))
    node.stop(0.2)
    world.close()
    path = f"waste/{world.bins[0].asset}/event"
    assert found == [
        (path, kind, state) for state in ("raised", "cleared") for kind in ("binFull", "binOverflow")
    ]


def test_the_journals_line_of_an_alarm_says_only_what_is_known(desk, caplog):
    caplog.set_level(logging.WARNING)
    desk.minutes(3, BAD)
    assert "waste/bin-1: sensorFault raised (fillingLevel no-echo)" in caplog.text
    desk.minutes(1, EMPTY)
    assert caplog.messages[-1] == "waste/bin-1: sensorFault cleared"
    assert "UNSET" not in caplog.text
