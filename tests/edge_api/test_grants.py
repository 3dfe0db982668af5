"""A parent takes backlogs at its own pace and live readings at once."""

from hypothesis import given
from hypothesis import strategies as st

from edge_api.grants import Grants


class Ticks:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_without_a_rate_everything_is_granted():
    assert Grants(0).ask(10**12, backlog=True) == 0


@given(st.lists(st.tuples(st.integers(1, 300_000), st.floats(0, 3)), min_size=1, max_size=200))
def test_backlogs_never_get_more_than_the_rate_and_one_burst(asked):
    ticks = Ticks()
    grants = Grants(100_000, ticks)
    got = 0
    for size, later in asked:
        ticks.now += later
        if grants.ask(size, backlog=True) == 0:
            got += size
    assert got <= 100_000 * ticks.now + 200_000 + 300_000


def test_sixty_nine_children_that_ask_again_as_told_share_the_rate_and_all_get_through():
    ticks = Ticks()
    grants = Grants(1_000_000, ticks)
    left = dict.fromkeys(range(69), 3_000_000)
    ask_at = dict.fromkeys(left, 0.0)
    requests = 0
    while any(left.values()) and ticks.now < 1_000:
        child = min((c for c in left if left[c]), key=lambda c: ask_at[c])
        ticks.now = max(ticks.now, ask_at[child])
        requests += 1
        wait = grants.ask(250_000, backlog=True)
        if wait:
            ask_at[child] = ticks.now + wait
        else:
            left[child] -= 250_000
            ask_at[child] = ticks.now + 0.1
    assert not any(left.values())
    assert 200 < ticks.now < 230
    assert requests < 69 * 12 * 20


def test_live_readings_are_taken_at_once_and_backlogs_wait_for_what_they_used():
    ticks = Ticks()
    grants = Grants(1_000, ticks)
    assert grants.ask(5_000, backlog=False) == 0
    assert grants.ask(100, backlog=True) > 2
    ticks.now = 10
    assert grants.ask(100, backlog=True) == 0
