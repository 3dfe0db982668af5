"""Because two people and a phone that loses its link calibrate at a node that runs: in good order."""

import msgspec
import pytest

from gateway.config import Spool
from gateway.feed.desk import Ask, Calibrated, Done, Refused, Stepped, Target
from gateway.runner import Runner
from gateway.underway import IDLE_S, Underway
from sensors.calibration import Calibrations
from simulators.bench import Bench

pytestmark = pytest.mark.slow

LAN = Ask("calibrate", lang="en", who="Lan", target="ph.pH")


@pytest.fixture
def bench():
    lent = Bench()
    yield lent
    lent.close()


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "calibrations.jsonl"


@pytest.fixture
def readings():
    return []


@pytest.fixture
def node(bench, kept, readings):
    config = msgspec.structs.replace(bench.config(), spool=Spool(path=kept.with_name("node.db")))
    runner = Runner(config, bench.io, readings.append)
    runner.calibrated = Underway(config, runner, bench.clock)
    yield runner
    runner.stop()


def asked(node, **other):
    """Ask; return the one answer before the last, or the refusal."""
    answers = list(node.calibrated.asked(msgspec.structs.replace(LAN, **other)))
    if isinstance(answers[-1], Refused):
        return answers[-1]
    assert answers[-1] == Done()
    return answers[0]


def buffer(node, bench, true, says):
    """Answer the number of a buffer, put the probe into it and read until it is steady."""
    asked(node, act="point", number=true)
    bench.ph = says
    while not (stands := asked(node, act="measure")).steady:
        assert stands.text.startswith("pH")
    return asked(node, act="point", step=stands.number)


def test_two_buffers_lead_to_a_record_that_says_who_and_what(node, bench, kept):
    first = asked(node, act="start")
    assert (first.number, first.count, first.wants, first.usual) == (1, 4, "number", 7.0)
    buffer(node, bench, 7.0, 6.9)
    last = buffer(node, bench, 4.01, 4.1)
    assert last.wants == "finish"
    assert last.made[0].text == "1.0679 x - 0.3682 · slope 93.65 % · 5.92 mV at pH 7"
    made = asked(node, act="finish", note="lot 12")
    assert isinstance(made, Calibrated)
    (record,) = Calibrations(kept).records
    assert (record.by, record.note, record.points) == ("Lan", "lot 12", ((6.9, 7.0), (4.1, 4.01)))
    (told,) = node.calibrated.history("en")
    assert told.gain == record.gain


def test_a_second_tap_on_next_answers_no_second_step(node):
    asked(node, act="start")
    assert asked(node, act="point", step=1, number=7.0).number == 2
    assert asked(node, act="point", step=1, number=7.0).number == 2
    assert asked(node, act="back").number == 1


def test_a_page_that_is_loaded_again_goes_on_where_it_stood(node):
    asked(node, act="start")
    asked(node, act="point", number=7.0)
    assert asked(node, act="start", target="quality-01.pH").number == 2


def test_somebody_else_is_told_who_is_at_it_until_it_was_forgotten(node, bench):
    asked(node, act="start")
    for act in ("start", "measure", "finish", "cancel"):
        assert asked(node, who="Minh", act=act).error == (
            "Lan is calibrating it. If that was forgotten, it is free again in 15 minutes."
        )
    assert "Lan" in asked(node, who="Minh", act="start", target="ph.temperature").error, "it is one probe"
    bench.clock.sleep(IDLE_S + 1)
    assert asked(node, act="measure").error == "No calibration of ph.pH is under way: start it."
    assert isinstance(asked(node, who="Minh", act="start"), Stepped)


def test_what_cannot_be_right_is_said_and_the_steps_begin_anew(node, bench, kept):
    asked(node, act="start")
    buffer(node, bench, 7.0, 6.9)
    stands = buffer(node, bench, 4.01, 4.9)
    assert "slope is 66.9 %" not in stands.sentence
    assert stands.refused.startswith("The slope is")
    assert (stands.number, stands.wants) == (1, "number")
    assert asked(node, act="finish").error == "Not all steps are done."
    assert not kept.exists()


@pytest.mark.parametrize(
    ("other", "said", "wrong"),
    [
        ({"act": "start", "who": " "}, "Say who calibrates.", False),
        ({"act": "start", "target": "nobody"}, "there is no asset or device 'nobody'", True),
        ({"act": "start", "target": "lid"}, "say which one", True),
        ({"act": "point", "number": 7.0}, "No calibration of ph.pH is under way", False),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_what_to_do(node, other, said, wrong):
    refused = asked(node, **other)
    assert said in refused.error
    assert refused.wrong is wrong


def test_a_step_without_its_answer_is_refused_and_stays(node):
    asked(node, act="start")
    assert asked(node, act="point").error == "A number is needed here."
    asked(node, act="point", number=7.0)
    assert "not steady yet" in asked(node, act="point").error
    assert asked(node, act="measure").number == 2


def test_meanwhile_the_probe_gives_no_values_and_no_fault_is_raised_and_afterwards_it_goes_on(
    node, bench, readings
):
    asked(node, act="start")
    bench.ph = 4.01
    node.step(bench.clock.monotonic_ns() + 40 * 10**9)
    quality = [each for each in readings if each.asset.id == "quality-01"][-1].observation
    assert quality.fields == {}
    assert set(quality.reasons.values()) == {"calibrating"}
    turbidity = [each for each in readings if each.asset.id == "quality-02"][-1].observation
    assert turbidity.fields, "the others go on"
    bench.ph = 7.2
    asked(node, act="cancel")
    node.step(bench.clock.monotonic_ns() + 40 * 10**9)
    assert [each for each in readings if each.asset.id == "quality-01"][-1].observation.fields["pH"] == 7.2


def test_a_forgotten_calibration_gives_the_probe_back_by_itself(node, bench, readings):
    asked(node, act="start")
    node.step(bench.clock.monotonic_ns() + round((IDLE_S + 60) * 1e9))
    assert [each for each in readings if each.asset.id == "quality-01"][-1].observation.fields


def test_a_dead_probe_is_never_steady_and_says_why(node, bench):
    asked(node, act="start")
    asked(node, act="point", number=7.0)
    bench.rs485.break_unit(3, "silent")
    stands = asked(node, act="measure")
    assert (stands.own, stands.reason, stands.seen) == (None, "no-comm", 0)
    assert stands.text == "pH: the sensor does not answer"


def test_all_that_can_be_calibrated_is_told_with_its_kind(node):
    told = {each.of: each for each in node.calibrated.targets() if isinstance(each, Target)}
    assert told["bin-0001"].kind == "empty-full"
    assert told["ph.pH"].kind == "ph"
    assert told["ph.pH"].assets == ("quality-01",), "whatever its name is"
    assert told["meter.volume"].kind == "k-factor"
    assert "door.active" not in told
