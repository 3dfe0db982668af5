"""A reading's time is the true one, or a bound and marked so, or the reading waits; so with any clock."""

import logging
from datetime import UTC, datetime

import msgspec
import pytest

from gateway.timeline import Timeline
from sensors.errors import IOUnavailable
from simulators.clock import VirtualClock
from tests.gateway.times import BAD, MS, Desk, S

Y1970 = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
DAY = 86_400


def cut(ns):
    return ns // MS * MS


@pytest.fixture
def clock():
    clock = VirtualClock(synchronised=False)
    clock.sleep(10.123456)
    clock.reboot(wall=Y1970)
    clock.sleep(20.000789)
    return clock


@pytest.fixture
def desk(tmp_path, clock):
    made = Desk(tmp_path / "node.db", clock)
    yield made
    made.spool.close()


def test_nothing_can_be_sent_until_the_clock_is_set_and_then_all_of_it_with_its_exact_time(desk, clock):
    for _ in range(5):
        desk.read()
        clock.sleep(60.0417)
    assert desk.sendable() == {}
    clock.set_synchronised(True)  # the wall clock steps from 1970 to the truth in the same moment
    clock.sleep(3600)
    desk.read()
    assert desk.times() == {seq: cut(true) for seq, true in desk.truth.items()}
    assert {body.q for _, body in desk.sendable().values()} == {"good"}


def test_an_undated_reading_keeps_its_time_when_the_clock_is_corrected_between_two_sendings(desk, clock):
    desk.read()
    clock.set_synchronised(True, offset_s=3)
    first = desk.times()
    clock.set_synchronised(True, offset_s=0)
    clock.sleep(60)
    desk.read()
    desk.again()
    assert desk.times()[1] == first[1]


def test_a_process_that_starts_again_before_the_clock_is_set_dates_what_the_one_before_it_took(desk, clock):
    desk.read()
    clock.sleep(33.3)
    desk.again()
    desk.read()
    clock.set_synchronised(True)
    assert desk.times() == {seq: cut(true) for seq, true in desk.truth.items()}


def test_a_process_that_starts_again_after_the_source_is_lost_still_knows_the_time(desk, clock):
    clock.set_synchronised(True)
    desk.read()
    clock.set_synchronised(False)
    clock.step_wall(-DAY)
    desk.again()
    assert desk.timeline.state() == "holdover"
    clock.sleep(60)
    desk.read()
    assert desk.times() == {seq: cut(true) for seq, true in desk.truth.items()}


def test_readings_of_a_boot_that_never_knew_the_time_are_dated_at_the_latest_they_can_have_been(desk, clock):
    desk.read()
    clock.sleep(60)
    desk.read(seen=BAD)
    clock.sleep(7200)  # the power is off for two hours, or the node was alive and silent: nobody knows
    clock.reboot(wall=Y1970)
    clock.sleep(15)
    desk.again()
    desk.read()
    clock.sleep(60)
    assert desk.sendable() == {}
    clock.set_synchronised(True)
    times, bodies = desk.times(), [body for _, body in desk.sendable().values()]
    assert times[3] == cut(desk.truth[3])
    assert desk.truth[1] < times[1] < times[2] < times[3] - 14 * S
    assert times[2] - times[1] == 60 * S
    assert [body.q for body in bodies] == ["uncertain", "bad", "good"]
    assert [body.qr for body in bodies] == ["ts:clock", "fillingLevel:no-echo ts:clock", msgspec.UNSET]
    assert desk.times() == times, "a second sending carries the same times"


def test_several_boots_without_a_time_stay_in_their_order(desk, clock):
    for _ in range(4):
        for _ in range(3):
            desk.read()
            clock.sleep(60)
        clock.reboot(wall=Y1970)
        desk.again()
    clock.set_synchronised(True)
    desk.read()
    times = list(desk.times().values())
    assert len(times) == 13
    assert times == sorted(set(times))


def test_a_boots_bound_is_learned_when_the_clock_is_set_though_the_link_is_down_until_the_boot_after(
    desk, clock
):
    desk.read()
    clock.reboot(wall=Y1970)
    desk.again()
    clock.set_synchronised(True)
    clock.sleep(60)
    desk.read()  # dated at once; nothing is sent in this boot
    clock.sleep(7200)
    clock.reboot(wall=Y1970)
    desk.again()
    clock.set_synchronised(True)
    desk.read()
    times = desk.times()
    assert times[1] < times[2] < times[3]


def test_while_the_time_source_never_comes_nothing_is_lost_and_it_is_said_once(desk, clock, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(20):
        desk.read()
        clock.sleep(3600)
    assert desk.sendable() == {}
    assert desk.timeline.state() == "unset"
    assert desk.spool.last_id == 20
    assert [r.message for r in caplog.records] == [
        "the clock is not set: readings wait undated until it is; does NTP answer?"
    ]
    clock.set_synchronised(True)
    assert len(desk.sendable()) == 20
    assert "the clock is set: it is 2026-" in caplog.text


def test_the_clock_state_says_synced_then_holdover_and_a_lost_source_moves_no_time(desk, clock):
    assert desk.timeline.state() == "unset"
    clock.set_synchronised(True)
    desk.read()
    assert desk.timeline.state() == "synced"
    clock.set_synchronised(False)
    clock.step_wall(2 * DAY)  # by hand: on Linux that also ends "synchronised"
    clock.sleep(60)
    desk.read()
    clock.step_wall(-365 * DAY)
    clock.sleep(60)
    desk.read()
    assert desk.timeline.state() == "holdover"
    assert desk.times() == {seq: cut(true) for seq, true in desk.truth.items()}


def test_a_clock_that_calls_1970_synchronised_is_not_believed(desk, clock):
    clock.set_synchronised(True, offset_s=-clock.true_ns() / S + 60)
    desk.read()
    assert desk.sendable() == {}
    clock.set_synchronised(True)
    assert desk.times() == {1: cut(desk.truth[1])}


def test_when_nobody_may_ask_the_kernel_readings_wait_and_the_log_says_the_way_out(desk, clock, caplog):
    def forbidden():
        raise IOUnavailable(
            "adjtimex: Operation not permitted; a unit with ProtectClock=yes may not even ask"
        )

    clock.synchronised = forbidden
    desk.read()
    desk.read()
    assert desk.sendable() == {}
    assert desk.timeline.state() == "unset"
    assert caplog.text.count("nobody can tell whether the clock is set (adjtimex") == 1
    assert "require_sync = false under [clock]" in caplog.text


def test_without_require_sync_the_clock_is_believed_as_it_is_unless_it_is_absurd(tmp_path, clock):
    desk = Desk(tmp_path / "believing.db", clock, require_sync=False)
    desk.read()
    assert desk.sendable() == {}, "1970 is absurd"
    clock.step_wall((clock.true_ns() - clock.wall_ns()) / S)
    clock.sleep(60)
    desk.read()
    assert desk.times() == {seq: cut(true) for seq, true in desk.truth.items()}
    assert desk.timeline.state() == "unset"
    desk.spool.close()


# What a trusted source may do ----------------------------------------------------------------------------


def test_a_correction_by_two_days_and_back_leaves_times_apart_and_ends_at_the_truth(desk, clock):
    clock.set_synchronised(True)
    for wrong_s in (0, 2 * DAY, 0):
        clock.set_synchronised(True, offset_s=wrong_s)
        for _ in range(60):
            desk.read()
            clock.sleep(60)
    times = desk.times()
    assert len(set(times.values())) == 180
    assert times[60] == cut(desk.truth[60])
    assert times[120] == cut(desk.truth[120]) + 2 * DAY * S
    assert times[121] == cut(desk.truth[121]), "the jump had left a gap: back at once"
    assert {body.q for _, body in desk.sendable().values()} == {"good"}
    clock.sleep(2 * DAY - 120 * 60)  # the truth now comes to what the wrong hour has used
    for _ in range(200):
        desk.read()
        clock.sleep(60)
    times = desk.times()
    assert len(set(times.values())) == len(times)
    assert times[380] == cut(desk.truth[380]), "and it has got past it by and by"


def test_a_correction_by_a_year_back_is_not_followed_into_time_already_given(desk, clock, caplog):
    clock.set_synchronised(True)
    desk.read()
    clock.sleep(60)
    desk.read()
    clock.set_synchronised(True, offset_s=-365 * DAY)
    for _ in range(10):
        clock.sleep(60)
        desk.read()
    clock.set_synchronised(True)
    clock.sleep(60)
    desk.read()
    times, bodies = desk.times(), desk.sendable()
    assert list(times.values()) == sorted(set(times.values()))
    assert {bodies[seq][1].q for seq in range(3, 13)} == {"uncertain"}
    assert all(abs(times[seq] - desk.truth[seq]) <= 301 * S for seq in times)
    assert times[13] == cut(desk.truth[13])
    assert bodies[13][1].q == "good"
    assert "went back into time already given" in caplog.text


def test_half_a_second_back_is_met_within_two_readings_and_marks_nothing(desk, clock):
    clock.set_synchronised(True, offset_s=0.5)
    desk.read()
    clock.set_synchronised(True)
    for name in ("bin-1", "bin-2", "bin-1"):
        clock.sleep(0.7)
        desk.read(name)
    times = desk.times()
    assert times[4] == cut(desk.truth[4])
    assert list(times.values()) == sorted(set(times.values()))
    assert {body.q for _, body in desk.sendable().values()} == {"good"}


def test_a_boot_after_one_that_ran_two_days_ahead_gives_no_time_twice(desk, clock):
    clock.set_synchronised(True, offset_s=2 * DAY)
    for _ in range(30):
        desk.read()
        clock.sleep(60)
    desk.spool.reclaim({}, [(0, 30)])  # all delivered, all deleted
    given = {cut(desk.truth[seq]) + 2 * DAY * S for seq in range(1, 31)}
    clock.reboot()
    desk.again()
    clock.set_synchronised(True)
    desk.read()
    clock.sleep(2 * DAY - 20 * 60)
    for _ in range(40):
        clock.sleep(30)
        desk.read()
    times = desk.times()
    assert times[31] == cut(desk.truth[31])
    assert not given & set(times.values())
    assert len(set(times.values())) == len(times)


def test_a_note_of_time_survives_being_read_by_the_next_process(desk, clock):
    clock.set_synchronised(True)
    desk.read()
    again = Timeline(desk.spool, clock)
    assert again.now_ns() == desk.timeline.now_ns()
