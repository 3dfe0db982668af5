"""Because a doubt must never turn a worse sample better."""

from hypothesis import given
from hypothesis import strategies as st

from sensors import checks
from sensors.sample import Quality, Sample, bad

QUALITIES = st.sampled_from([Quality.UNCERTAIN, Quality.BAD])


def test_a_value_inside_the_range_stays_good_at_both_ends():
    for value in (0.0, 7.0, 14.0):
        assert checks.in_range(Sample("pH", value), 0, 14).quality is Quality.GOOD


def test_a_value_outside_the_range_is_doubted_or_voided_and_keeps_its_raw_value():
    doubted = checks.in_range(Sample("pH", 15.0, raw=1500), 0, 14)
    voided = checks.in_range(Sample("pH", 15.0, raw=1500), 0, 14, Quality.BAD)
    assert (doubted.value, doubted.reason, doubted.raw) == (15.0, "range", 1500)
    assert (voided.value, voided.reason, voided.raw) == (None, "range", 1500)


def test_a_bad_sample_and_a_text_have_no_range():
    assert checks.in_range(bad("pH", "no-comm"), 0, 14).reason == "no-comm"
    assert checks.in_range(Sample("state", "on"), 0, 14).quality is Quality.GOOD


@given(st.lists(QUALITIES, max_size=5))
def test_any_run_of_doubts_ends_at_the_worst_of_them(doubts):
    sample = Sample("x", 1.0)
    for number, severity in enumerate(doubts):
        sample = checks.doubted(sample, f"r{number}", severity)
    assert sample.quality == max(doubts, default=Quality.GOOD)
    if doubts:
        assert sample.reason == f"r{doubts.index(max(doubts))}"


def test_stuck_needs_as_many_equal_readings_as_asked_and_never_less_than_two():
    assert checks.stuck([1, 5, 5, 5], 3)
    assert not checks.stuck([5, 5], 3)
    assert not checks.stuck([5, 5, 6], 3)
    assert not checks.stuck([5, 5, 5], 1)
    assert not checks.stuck([], 0)
