"""Because every simulated second of every test is one of this clock's."""

import threading
import time
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from simulators.clock import NS, PacedClock, VirtualClock

NOON = datetime(2026, 9, 21, 5, 0, 0, 250_000, tzinfo=UTC)


@given(st.lists(st.floats(0, 1000), max_size=30))
def test_events_happen_in_order_and_at_their_moments(delays):
    clock = VirtualClock()
    seen = []
    for delay in delays:
        clock.after(delay, lambda delay=delay: seen.append((clock.monotonic_ns(), delay)))
    clock.sleep(1000)
    assert seen == sorted(seen, key=lambda pair: pair[0])
    assert [at for at, _ in seen] == sorted(round(delay * NS) for delay in delays)
    assert clock.monotonic_ns() == 1000 * NS


def test_events_of_one_moment_happen_in_the_order_they_were_asked_for():
    clock = VirtualClock()
    seen = []
    for number in range(5):
        clock.after(1, lambda number=number: seen.append(number))
    clock.sleep(1)
    assert seen == [0, 1, 2, 3, 4]


def test_what_an_event_asks_for_happens_in_the_same_sleep_when_due():
    clock = VirtualClock()
    seen = []
    clock.after(1, lambda: clock.after(1, lambda: seen.append(clock.monotonic_ns())))
    clock.sleep(3)
    assert seen == [2 * NS]


def test_a_repeated_event_does_not_drift_and_stops_when_cancelled():
    clock = VirtualClock()
    seen = []
    event = clock.every(0.1, lambda: seen.append(clock.monotonic_ns()))
    clock.sleep(1.05)
    event.cancel()
    clock.sleep(1)
    assert seen == [number * NS // 10 for number in range(1, 11)]


def test_an_event_may_sleep_and_time_still_never_goes_back():
    clock = VirtualClock()
    clock.after(1, lambda: clock.sleep(5))
    clock.sleep(2)
    assert clock.monotonic_ns() == 6 * NS


def test_the_wall_clock_starts_where_told_and_may_be_wrong_while_the_world_goes_on():
    clock = VirtualClock(NOON)
    start_ns = clock.true_ns()
    assert start_ns == 1_789_966_800_250_000_000
    clock.sleep(10)
    clock.step_wall(-3600)
    assert clock.wall_ns() == start_ns + 10 * NS - 3600 * NS
    assert clock.true_ns() == start_ns + 10 * NS
    clock.set_synchronised(yes=True)
    assert clock.wall_ns() == clock.true_ns()


def test_an_event_at_a_moment_of_the_world_ignores_the_machines_wall_clock():
    clock = VirtualClock(NOON)
    seen = []
    clock.step_wall(99)
    clock.at(clock.true_ns() + 5 * NS, lambda: seen.append(clock.monotonic_ns()))
    clock.at(0, lambda: seen.append(clock.monotonic_ns()))
    clock.sleep(10)
    assert seen == [0, 5 * NS]


def test_a_reboot_starts_monotonic_time_anew_with_a_new_name_and_no_time_source():
    clock = VirtualClock(NOON)
    clock.sleep(100)
    name = clock.boot_id
    clock.reboot(wall=datetime(1970, 1, 1, tzinfo=UTC))
    assert clock.boot_id != name
    assert (clock.monotonic_ns(), clock.wall_ns(), clock.synchronised()) == (0, 0, False)
    clock.sleep(1)
    assert (clock.monotonic_ns(), clock.wall_ns()) == (NS, NS)


def test_a_paced_clock_runs_events_at_their_exact_moments_while_threads_sleep():
    clock = PacedClock(NOON, speed=1000)
    seen = []
    try:
        due_ns = clock.true_ns() + 20 * NS
        clock.at(due_ns, lambda: seen.append(clock.true_ns()))
        sleepers = [threading.Thread(target=clock.sleep, args=(30,)) for _ in range(3)]
        for each in sleepers:
            each.start()
        for each in sleepers:
            each.join(5)
    finally:
        clock.close()
    assert seen == [due_ns]
    assert clock.monotonic_ns() >= 30 * NS


def test_closing_a_paced_clock_wakes_whoever_sleeps():
    clock = PacedClock(speed=0.001)
    asleep = threading.Event()

    def doze():
        asleep.set()
        clock.sleep(3600)

    sleeper = threading.Thread(target=doze)
    sleeper.start()
    asleep.wait(5)
    began = time.perf_counter()
    clock.close()
    sleeper.join(5)
    assert time.perf_counter() - began < 1
    assert not sleeper.is_alive()
