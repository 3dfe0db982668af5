"""Because a wrong value that looks right is worse than none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.calibration import Calibration, Record
from sensors.errors import ConfigError
from sensors.quality import Checks, Pipeline, check_problems, rules_for
from sensors.sample import Quality, Sample, bad
from sensors.settings import Seconds, convert

S = 1_000_000_000
AT = "2026-11-23T05:40:00+00:00"


def pipeline(**rules):
    return Pipeline(Checks(metric="x", **rules))


def run(line, values, every_s=60, calibration=None):
    return [line.judge(Sample("x", v), n * every_s * S, calibration) for n, v in enumerate(values)]


def reasons(samples):
    return [sample.reason for sample in samples]


def doubled(doubt=""):
    return Calibration(Record(of="d.x", kind="two-point", at=AT, by="An", gain=2.0, offset=1.0), doubt)


def test_without_rules_every_sample_passes_as_it_is():
    samples = [Sample("x", 1.5, raw=3.0), Sample("x", True), Sample("x", "on"), bad("x", "crc")]
    line = pipeline()
    assert [line.judge(sample, n) for n, sample in enumerate(samples)] == samples


@given(
    st.lists(st.floats(-1e6, 1e6) | st.none(), max_size=30),
    st.sampled_from([1, 3, 5]),
    st.floats(0.1, 100) | st.none(),
)
def test_no_check_makes_a_bad_value_good_or_leaves_a_value_out_of_range(values, width, step):
    line = pipeline(median=width, range=(-100.0, 100.0), plausible=(-50.0, 50.0), max_step=step)
    for n, value in enumerate(values):
        sample = line.judge(bad("x", "crc") if value is None else Sample("x", value), n * S)
        if value is None:
            assert (sample.quality, sample.reason) == (Quality.BAD, "crc")
        elif sample.value is not None:
            assert -100 <= sample.value <= 100
            assert sample.quality >= (Quality.GOOD if abs(sample.value) <= 50 else Quality.UNCERTAIN)


def test_the_raw_range_is_that_of_the_devices_own_number_and_the_other_that_of_the_true_one():
    line = pipeline(raw_range=(0.0, 10.0), range=(0.0, 15.0))
    seen = run(line, [5.0, 8.0, 11.0], calibration=doubled())
    assert [(s.value, s.uncalibrated, s.reason) for s in seen] == [
        (11.0, 5.0, ""),
        (None, None, "range"),  # 8 becomes 17
        (None, None, "range"),  # 11 is out before it becomes anything
    ]


def test_a_median_takes_a_spike_out_and_scatter_puts_it_in_doubt():
    line = pipeline(median=3, spread=1.0)
    seen = run(line, [5.0, 5.1, 90.0, 5.2, 5.1])
    assert [s.value for s in seen][2:] == [5.1, 5.2, 5.2]
    assert reasons(run(pipeline(median=3, spread=1.0), [1.0, 9.0, 17.0])) == ["", "spread", "spread"]


def test_a_spike_is_doubted_and_what_comes_after_it_is_not():
    assert reasons(run(pipeline(max_step=1.0), [5, 5.2, 9, 5.3, 5.4])) == ["", "", "jump", "", ""]


def test_a_jump_that_stays_is_believed_at_the_second_reading():
    assert reasons(run(pipeline(max_step=1.0), [5, 9, 9.2, 9.1, 5])) == ["", "jump", "", "", "jump"]


def test_three_times_as_turbid_at_once_is_doubted_until_a_second_reading_says_so():
    line = pipeline(max_times=3.0)
    assert reasons(run(line, [0.2, 0.9, 5.0, 1.0, 40.0, 42.0, 0.3])) == ["", "", "jump", "", "jump", "", ""]


def test_rising_and_falling_have_bounds_of_their_own():
    assert reasons(run(pipeline(max_fall=0.3), [1.0, 0.6, 0.6, 1.2])) == ["", "jump", "", ""]


def test_a_change_that_is_too_fast_a_minute_is_doubted_whatever_the_interval():
    assert reasons(run(pipeline(max_rate=1.0), [0, 1.0, 2.5, 3.0], every_s=60)) == ["", "", "rate", ""]
    assert reasons(run(pipeline(max_rate=1.0), [0, 4.0, 8.0], every_s=300)) == ["", "", ""]


def test_the_same_number_for_too_long_is_stuck_until_it_moves():
    line = pipeline(stuck_after=Seconds(180))
    assert reasons(run(line, [7, 7, 7, 7, 7, 7.01])) == ["", "", "", "stuck", "stuck", ""]
    assert set(reasons(run(pipeline(stuck_after=Seconds(0)), [7] * 50))) == {""}


def test_the_first_doubt_keeps_its_reason_and_a_worse_one_takes_its_place():
    line = pipeline(max_step=1.0, range=(0.0, 8.0))
    assert reasons(run(line, [5, 20])) == ["", "range"]
    doubted = Sample("x", 9.0, Quality.UNCERTAIN, "spread")
    assert pipeline(plausible=(0.0, 8.0)).judge(doubted, 0).reason == "spread"


def test_an_old_calibration_still_calibrates_and_is_doubted():
    (seen,) = run(pipeline(), [3.0], calibration=doubled("calibration"))
    assert (seen.value, seen.uncalibrated, seen.quality, seen.reason) == (
        7.0,
        3.0,
        Quality.UNCERTAIN,
        "calibration",
    )


def test_a_missing_calibration_leaves_the_value_as_it_is_and_says_so():
    (seen,) = run(pipeline(), [3.0], calibration=Calibration(None, "uncalibrated"))
    assert (seen.value, seen.reason) == (3.0, "uncalibrated")


def test_a_technicians_rule_stands_over_the_usual_one_and_leaves_the_others():
    rules = rules_for("pH", [Checks(metric="pH", max_step=math.inf)])
    assert rules.max_step == math.inf
    assert rules.range == (0.0, 14.0)
    assert reasons(run(Pipeline(rules), [1, 13])) == ["", ""]
    assert rules_for("strange") == Checks(metric="strange")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"metric": "x", "range": [3, 1]}, "range [3, 1] is not [lowest, highest]"),
        ({"metric": "x", "median": 99}, "median"),
        ({"metric": "x", "max_stp": 1}, "did you mean 'max_step'?"),
        ({"range": [1, 3]}, "the key 'metric' is missing"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_key(table, said):
    with pytest.raises(ConfigError) as error:
        convert(table, Checks, "here: ")
    assert said in str(error.value)


def test_rules_for_what_is_not_measured_and_rules_twice_are_problems():
    own = [Checks(metric="distnce"), Checks(metric="distance"), Checks(metric="distance")]
    problems = list(check_problems("echo", own, ["distance"]))
    assert "does not measure 'distnce'; did you mean 'distance'?" in problems[0]
    assert "'distance' has checks already" in problems[1]
