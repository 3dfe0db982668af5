"""An alarm is raised once and cleared once per true condition, whatever the readings and restarts between."""

from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.alarms.core import HOUR_NS, MOST_AN_HOUR, State, step
from gateway.alarms.rules import Condition, Rule, Seen

S = 1_000_000_000
FULL = Rule("binFull", (Condition("fillingLevel", at_least=0.9, hysteresis=0.1),))
FIRE = Rule(
    "fire",
    (
        Condition("status", equals="burning", uncertain=True),
        Condition("temperature", above=60.0, rises=5.0, hysteresis=5.0, uncertain=True),
    ),
    "critical",
)
PH = Rule("limit", (Condition("pH", above=8.5, below=6.0, hysteresis=0.1),), delay_s=600)
BY_DAY = Rule(
    "dayBurner",
    (Condition("powerState", equals="on"),),
    delay_s=1800,
    when=Condition("illuminance", above=500.0, hysteresis=200.0),
)
NIGHT_FLOW = Rule("leak", (Condition("waterFlow", above=5.0),), delay_s=3600, hours=(2, 4))


def seen(second, boot="b1", reasons=None, hour=None, **fields):
    return Seen(round(second * S), boot, fields, reasons or {}, hour)


def run(rule, readings, state=None):
    """What was said, as (kind of thing, state, second), and the state in the end."""
    state, bases, said = state or State(), {}, []
    for each in readings:
        done = step(rule, state, each, bases)
        state, bases = done.state, done.bases
        said += [("flapping" if it.flapping else rule.kind, it.state, each.mono_ns // S) for it in done.said]
    return said, state


def levels(values, apart_s=60.0):
    return [seen(number * apart_s, fillingLevel=value) for number, value in enumerate(values)]


def test_a_bin_is_full_from_the_limit_on_and_no_more_only_below_the_hysteresis():
    said, state = run(FULL, levels([0.5, 0.89, 0.9, 0.95, 0.85, 0.81, 0.79, 0.89, 0.91]))
    assert said == [("binFull", "raised", 120), ("binFull", "cleared", 360), ("binFull", "raised", 480)]
    assert (state.number, state.field, state.limit) == (2, "fillingLevel", 0.9)


def test_a_delay_is_of_lasting_truth_and_begins_anew_after_every_doubt_that_it_was_false():
    bad = [seen(60 * n, pH=9.0) for n in range(8)]
    assert run(PH, [*bad, seen(480, pH=8.0), *(seen(480 + 60 * n, pH=9.0) for n in range(1, 11))])[0] == []
    said, _ = run(PH, [seen(60 * n, pH=9.0) for n in range(12)])
    assert said == [("limit", "raised", 600)]


def test_both_sides_of_a_permitted_range_are_limits_and_the_limits_themselves_are_permitted():
    now = replace(PH, delay_s=0)
    assert run(now, [seen(1, pH=6.0), seen(2, pH=8.5)])[0] == []
    said, state = run(now, [seen(1, pH=5.9)])
    assert (said, state.limit) == ([("limit", "raised", 1)], 6.0)
    said, state = run(now, [seen(1, pH=8.6)])
    assert (said, state.limit) == ([("limit", "raised", 1)], 8.5)


def test_a_fire_is_told_by_its_status_its_heat_and_its_rise_and_is_one_fire():
    slow = [seen(300 * n, status="ok", temperature=30 + n) for n in range(5)]
    assert run(FIRE, slow)[0] == []
    fast = [seen(60 * n, status="ok", temperature=30 + 6 * n) for n in range(4)]
    burning = [seen(240 + 60 * n, status="burning", temperature=80.0) for n in range(4)]
    out = [seen(540 + 60 * n, status="ok", temperature=54.0) for n in range(3)]
    said, _ = run(FIRE, [*fast, *burning, *out])
    assert said == [("fire", "raised", 60), ("fire", "cleared", 540)]


def test_noise_in_two_readings_close_together_is_no_rise():
    assert run(FIRE, [seen(n, status="ok", temperature=30 + n % 2) for n in range(120)])[0] == []


def test_a_bad_value_says_nothing_and_an_uncertain_one_only_where_the_rule_takes_it():
    doubt = {"fillingLevel": "lid-open"}
    assert run(FULL, [seen(1, reasons=doubt, fillingLevel=0.99)])[0] == []
    assert run(FULL, [seen(1, reasons=doubt)])[0] == []
    taken = replace(FULL, conditions=(replace(FULL.conditions[0], uncertain=True),))
    assert run(taken, [seen(1, reasons=doubt, fillingLevel=0.99)])[0] == [("binFull", "raised", 1)]
    said, state = run(FULL, [seen(1, fillingLevel=0.99), seen(2, reasons=doubt), seen(3, reasons=doubt)])
    assert said == [("binFull", "raised", 1)]
    assert state.told, "a bad value clears nothing"


def test_lamps_that_burn_count_only_by_daylight():
    night = [seen(600 * n, powerState="on", illuminance=0.0) for n in range(9)]
    assert run(BY_DAY, night)[0] == []
    day = [seen(600 * n, powerState="on", illuminance=9000.0) for n in range(9)]
    dusk = [seen(6000, powerState="on", illuminance=100.0)]
    assert run(BY_DAY, [*day, *dusk])[0] == [("dayBurner", "raised", 1800), ("dayBurner", "cleared", 6000)]
    dark = [seen(600 * n, reasons={"illuminance": "stuck"}, powerState="on") for n in range(9)]
    assert run(BY_DAY, dark)[0] == [], "whether it is day is not known"


def test_a_leak_is_flow_that_never_ceases_at_night():
    def night(flow, start=0):
        return [seen(start + 600 * n, hour=1.5 + n / 6, waterFlow=flow(n)) for n in range(18)]

    assert run(NIGHT_FLOW, night(lambda _: 6.0))[0] == [("leak", "raised", 5400)]
    assert run(NIGHT_FLOW, night(lambda n: 0.5 if n % 5 == 0 else 6.0))[0] == []
    assert run(NIGHT_FLOW, [replace(each, hour=12.0) for each in night(lambda _: 6.0)])[0] == []
    assert run(NIGHT_FLOW, [replace(each, hour=None) for each in night(lambda _: 6.0)])[0] == []


def test_what_comes_and_goes_too_often_is_held_raised_and_said_once_until_an_hour_was_quiet():
    flicker = levels([0.95, 0.5] * 60)
    said, state = run(FULL, flicker)
    assert [kind for kind, *_ in said] == ["binFull"] * (MOST_AN_HOUR - 1) + ["flapping"]
    assert state.told
    assert state.held > 100
    quiet = [seen(120 * 60 + 60 * n, fillingLevel=0.5) for n in range(62)]
    after, state = run(FULL, quiet, state)
    assert [(kind, word) for kind, word, _ in after] == [("flapping", "cleared"), ("binFull", "cleared")]
    assert not state.told


def test_in_a_boot_whose_power_cut_was_of_unknown_length_a_delay_begins_anew():
    _, state = run(PH, [seen(60 * n, pH=9.0) for n in range(9)])
    said, _ = run(PH, [seen(5 + 60 * n, "b2", pH=9.0) for n in range(20)], state)
    assert said == [("limit", "raised", 605)]


# Properties ----------------------------------------------------------------------------------------------

FEW = settings(max_examples=40)
values = st.lists(st.one_of(st.none(), st.floats(0, 1).map(lambda x: round(x, 2))), max_size=150)
gaps = st.sampled_from([1.0, 60.0, 300.0, 1800.0])


def stream(found, apart_s):
    return [
        seen(60 + apart_s * number, reasons={} if value is not None else {"fillingLevel": "no-echo"},
             **({} if value is None else {"fillingLevel": value}))
        for number, value in enumerate(found)
    ]  # fmt: skip


@FEW
@given(values, gaps, st.sampled_from([0.0, 120.0]))
def test_raised_and_cleared_take_turns_and_flapping_does_so_too(found, apart_s, delay_s):
    said, _ = run(replace(FULL, delay_s=delay_s), stream(found, apart_s))
    for kind in ("binFull", "flapping"):
        words = [word for each, word, _ in said if each == kind]
        assert words[::2] == ["raised"] * len(words[::2])
        assert words[1::2] == ["cleared"] * len(words[1::2])


@FEW
@given(values, gaps)
def test_no_alarm_changes_more_often_in_any_hour_than_is_allowed(found, apart_s):
    said, _ = run(FULL, stream(found, apart_s))
    times = [at * S for kind, _, at in said if kind == "binFull"]
    for start in times:
        assert sum(start <= each < start + HOUR_NS for each in times) <= MOST_AN_HOUR


@FEW
@given(st.lists(st.floats(0.81, 0.899), max_size=100))
def test_within_the_hysteresis_nothing_ever_changes(found):
    assert run(FULL, levels(found))[0] == []
    said, state = run(FULL, levels([0.95, *found]))
    assert said == [("binFull", "raised", 0)]
    assert state.on


@FEW
@given(values, gaps, st.sampled_from([0.0, 120.0]), st.sets(st.integers(0, 150)))
def test_a_restart_at_any_moment_changes_nothing(found, apart_s, delay_s, restarts):
    rule = replace(FULL, delay_s=delay_s)
    readings = stream(found, apart_s)
    whole, _ = run(rule, readings)
    state, pieces = State(), []
    for number, each in enumerate(readings):
        if number in restarts:
            state = msgspec.json.decode(msgspec.json.encode(state), type=State)
        said, state = run(rule, [each], state)
        pieces += said
    assert pieces == whole


@FEW
@given(values, st.sets(st.integers(1, 150), max_size=6))
def test_over_power_cuts_too_raised_and_cleared_take_turns(found, cuts):
    readings = stream(found, 60.0)
    boots, boot = [], 0
    for number, each in enumerate(readings):
        boot += number in cuts
        boots.append(replace(each, boot=f"b{boot}", mono_ns=(each.mono_ns // S % 977 + number) * S))
    said, _ = run(FULL, boots)
    words = [word for kind, word, _ in said if kind == "binFull"]
    assert all(one != other for one, other in pairwise(words))
    assert words[:1] in ([], ["raised"])


@pytest.mark.parametrize("text", ['{"on":true,"told":true,"number":3}', "{}"])
def test_a_state_written_by_an_older_version_can_be_read(text):
    assert msgspec.json.decode(text, type=State).number in {0, 3}


def test_one_look_past_an_open_lid_ends_no_alarm_and_the_second_of_two_in_a_row_does():
    rule = replace(FULL, readings=3, end_readings=2)
    said, _ = run(rule, levels([0.95, 0.1, 0.95, 0.95, 0.95, 0.1, 0.95, 0.1, 0.95, 0.1, 0.1, 0.95]))
    assert said == [("binFull", "raised", 240), ("binFull", "cleared", 600)]
