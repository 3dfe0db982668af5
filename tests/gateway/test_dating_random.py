"""No time is given twice and no bound is broken, whatever clock, power and process do: random histories."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.feed import to_ns
from simulators.clock import VirtualClock
from tests.gateway.times import MS, Desk, S

Y1970 = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
DAY = 86_400


class History:
    """What may happen to a node, and all that it has sent: path and ts by seq."""

    def __init__(self, desk, clock):
        self.desk, self.clock = desk, clock
        self.sent = {}
        self.observed = {}

    def sleep(self, seconds):
        self.clock.sleep(seconds)

    def read(self, name):
        if self.observed.get(name) != self.clock.true_ns():  # as the runner sees to it
            self.observed[name] = self.clock.true_ns()
            self.desk.read(name)

    def correct(self, wrong_s):
        self.clock.set_synchronised(True, offset_s=wrong_s)

    def lose(self, _):
        self.clock.set_synchronised(False, offset_s=(self.clock.wall_ns() - self.clock.true_ns()) / S)

    def by_hand(self, wrong_s):
        self.clock.set_synchronised(False, offset_s=wrong_s)

    def restart(self, _):
        self.desk.again()

    def power_cut(self, off_s):
        self.clock.sleep(off_s)
        self.clock.reboot(wall=Y1970)
        self.clock.sleep(1)
        self.desk.again()

    def collect(self, _):
        for seq, (path, body) in self.desk.sendable().items():
            known = self.sent.setdefault(seq, (path, body.ts))
            assert known == (path, body.ts), "a second sending carries the same time"

    def deliver(self, _):
        self.collect(_)
        self.desk.spool.reclaim({}, [(seq, seq) for seq in self.sent])


# Everything happens on whole seconds, so that times that can meet do.
STEPS = {
    "sleep": (1, 60, 60, 600),
    "correct": (0.0, 0.0, -0.3, 60.0, -60.0, 600.0, -600.0),
    "lose": (0,),
    "by_hand": (-365.0 * DAY, -120.0, 120.0, 2.0 * DAY),
    "restart": (0,),
    "power_cut": (0, 1, 60, 600),
    "deliver": (0,),
}
WEIGHTS = (6, 6, 1, 1, 1, 1, 1)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**64))
def test_no_asset_is_ever_given_one_time_twice_whatever_clock_power_and_process_do(tmp_path_factory, seed):
    chance = random.Random(seed)  # hypothesis would rather repeat itself than step a clock often enough
    clock = VirtualClock(synchronised=False)
    desk = Desk(tmp_path_factory.mktemp("time") / "node.db", clock)
    history = History(desk, clock)
    for what in [*chance.choices(list(STEPS), WEIGHTS, k=50), "correct"]:
        getattr(history, what)(chance.choice(STEPS[what]))
        history.read("bin-1")
    history.collect(0)
    desk.spool.close()
    assert len(history.sent) == len(desk.truth), "nothing stays undated once the clock is set"
    assert len(set(history.sent.values())) == len(history.sent)


class Drifting(VirtualClock):
    """A machine whose quartz is `rate` too fast while nothing disciplines it."""

    rate = 0.0

    def monotonic_ns(self):
        return round(super().monotonic_ns() * (1 + self.rate))


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.floats(-1e-4, 1e-4),
    boots=st.lists(
        st.tuples(
            st.lists(st.floats(0.5, 4000), min_size=1, max_size=5),  # pauses between readings
            st.floats(0, 100_000),  # then the power is off
            st.booleans(),  # whether this boot's clock was set before the power went
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_a_bound_is_not_before_the_truth_and_not_after_the_next_boot_that_knew_the_time(
    tmp_path_factory, rate, boots
):
    clock = Drifting(synchronised=False)
    clock.rate = rate
    desk = Desk(tmp_path_factory.mktemp("bounds") / "node.db", clock)
    known = []  # seq and true time of the beginning of each boot that learned the time
    for pauses, off_s, was_set in [*boots, ([1.0], 0.0, True)]:
        began = (desk.spool.last_id, clock.true_ns())
        for pause in pauses:
            clock.sleep(pause)
            desk.read()
        if was_set:
            known.append(began)
            clock.set_synchronised(True)
            clock.sleep(0.01)
            desk.read()
            sent = desk.sendable()
        clock.sleep(off_s)
        clock.reboot(wall=Y1970)
        desk.again()
    desk.spool.close()
    drift = 1e-4 * 20_000 * S + 2 * MS  # of five pauses; the way to a truer bound is a truer quartz
    times = {seq: to_ns(body.ts) for seq, (_, body) in sent.items()}
    assert len(times) == len(desk.truth)
    assert list(times.values()) == sorted(set(times.values()))
    for seq, true in desk.truth.items():
        latest = next((when for last, when in known if last >= seq), None)
        if latest is None:
            assert sent[seq][1].q == "good"
            assert abs(times[seq] - true) <= drift
        elif sent[seq][1].q == "good":
            assert abs(times[seq] - true) <= drift
        else:
            assert true - drift <= times[seq] <= latest + drift
