"""A technician calibrates: step by step, from a script, and with mistakes."""

import json
from unittest.mock import patch

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gateway import config_check
from gateway.calibrating import Calibrating, Target, find, make
from gateway.cli import node
from gateway.cli_calibrate import reached, run
from gateway.runner import Runner
from sensors import registry
from sensors.calibration import Calibrations
from sensors.calibration.procedures import Refused
from sensors.errors import ConfigError
from simulators.clock import VirtualClock
from simulators.commune import build

AT = "2026-11-23T05:40:00.000+00:00"
SITE = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'
PH = Target("ph.pH", "ph", "pH", "Q30", "ph")


@pytest.fixture
def world():
    made = build(1, VirtualClock(), bins=1)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path, world):
    path = tmp_path / "node.toml"
    path.write_text(f'{SITE}[spool]\npath = "{tmp_path}/node.db"\n' + world.config_toml())
    return path


def call(file, *words):
    return CliRunner().invoke(node, ["calibrate", *words, "--config", str(file), "--lang", "en"])


def test_steps_lead_from_the_first_question_to_a_record():
    work = Calibrating(PH)
    for number, own in ((7.0, 6.9), (4.01, 4.1)):
        assert work.step.wants == "number"
        work.take(number)
        assert work.step.wants == "measure"
        with pytest.raises(Refused, match="not steady"):
            work.take()
        assert [work.see(own) for _ in range(5)] == [False] * 4 + [True]
        work.take()
    assert work.step is None
    (record,) = work.records(by="Hoa", at=AT, note="lô 12")
    assert record.apply(6.9) == pytest.approx(7.0)
    assert record.apply(4.1) == pytest.approx(4.01)
    assert record.facts["slope_percent"] == pytest.approx(100 * 2.8 / 2.99, abs=0.01)


def test_a_bad_or_moving_reading_is_not_steady():
    work = Calibrating(PH)
    work.take(7.0)
    assert not any(work.see(own) for own in (7, 7, 7, 7, None, 7, 7, 7, 7))
    assert not any(work.see(own) for own in (6.0, 6.2, 6.4, 6.6, 6.8))


@pytest.mark.parametrize(
    ("kind", "points", "said"),
    [
        ("ph", [(6.9, 7.0), (4.9, 4.01)], "slope is 66.9 %"),
        ("ph", [(7.8, 7.0), (4.8, 4.01)], "mV off at pH 7"),
        ("empty-full", [(0.3, 0.0), (0.9, 1.0)], "Empty is 0.3 m and full is 0.9 m"),
        ("two-point", [(1.0, 1.0), (1.0, 2.0)], "same at both points"),
        ("two-point", [(1.0, 2.0), (3.0, 2.0)], "same true value"),
        ("scale", [(0.0, 0.0), (1.0, 50.0)], "50 times"),
        ("k-factor", [(10.0, 0.0), (10.1, 0.01)], "0.1 times"),
        ("two-point", [(1.0, 1.0)], "takes 2 points, not 1"),
    ],
)
def test_nonsense_is_refused_with_what_to_do_in_both_languages(kind, points, said):
    target = Target("x.y", "x", "y", "Q30", kind)
    with pytest.raises(Refused) as refused:
        make(target, points, by="Hoa", at=AT)
    assert said in refused.value.say("en")
    assert refused.value.say("vi") != refused.value.say("en")


@given(st.floats(0.6, 1.9), st.floats(-5, 5), st.floats(0, 10), st.floats(0.5, 10))
def test_two_points_on_a_line_give_that_line(gain, offset, low, span):
    points = [(own, gain * own + offset) for own in (low, low + span)]
    (record,) = make(Target("x.y", "x", "y", "MTR", "two-point"), points, by="H", at=AT)
    assert record.apply(3.3) == pytest.approx(gain * 3.3 + offset, abs=1e-6)


def test_a_metric_in_milliamperes_may_mean_anything():
    points = [(4.0, 0.0), (20.0, 5.0)]
    (record,) = make(Target("tank.loop", "tank", "loop", "4K", "current-loop"), points, by="H", at=AT)
    assert record.apply(12.0) == pytest.approx(2.5)
    with pytest.raises(Refused, match="times what it says"):
        make(Target("tank.level", "tank", "level", "MTR", "current-loop"), points, by="H", at=AT)


def test_a_probe_that_gives_millivolts_is_judged_by_nernsts_slope_at_the_buffers_warmth():
    work = Calibrating(Target("ph.pH", "ph", "pH", "2Z", "ph"))
    for number, millivolts in ((7.0, 12.0), (4.01, 192.0)):
        work.take(number)
        for _ in range(5):
            work.see(millivolts)
        work.take()
    assert "buffers" in work.step.sentence
    work.take(30.0)
    assert work.step is None
    (record,) = work.records(by="Hoa", at=AT)
    assert record.apply(12.0) == pytest.approx(7.0)
    assert record.apply(192.0) == pytest.approx(4.01)
    slope = 180 / 2.99 / (0.19842 * 303.15) * 100
    assert record.facts == pytest.approx(
        {"slope_percent": slope, "offset_mv": 12.0, "temperature_c": 30.0}, abs=0.01
    )


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(0.0, 7.0), (100.0, 4.01)], "slope is 56"),
        ([(40.0, 7.0), (217.0, 4.01)], "40 mV off"),
        ([(0.0, 7.0), (900.0, 4.01)], "900 mV"),
        ([(0.0, 7.0), (-177.0, 4.01)], "slope is -"),
    ],
)
def test_a_worn_poisoned_unplugged_or_swapped_electrode_is_refused(points, said):
    with pytest.raises(Refused, match=said):
        make(Target("ph.pH", "ph", "pH", "2Z", "ph"), points, by="H", at=AT)


def test_a_k_factor_makes_the_flow_true_and_lets_the_index_go_on_from_where_it_stands():
    target = Target("meter.volume", "meter", "volume", "MTQ", "k-factor")
    volume, flow = make(target, [(100.0, 0.0), (100.02, 0.019)], by="H", at=AT, others=["meter.flow"])
    assert volume.apply(100.02) == pytest.approx(100.02)
    assert volume.apply(101.02) == pytest.approx(100.97)
    assert flow.apply(2.0) == pytest.approx(1.9)


METER = Target("meter.volume", "meter", "volume", "MTQ", "k-factor", litres_per_pulse=10.0)


def answered(work, *own):
    """Let the meter stand still at each reading that a step wants."""
    for said in own:
        for _ in range(5):
            work.see(said)
        work.take()


def test_a_bucket_that_is_too_small_for_the_meter_is_refused_and_more_water_makes_it_right():
    work = Calibrating(METER)
    answered(work, 100.0)
    assert work.step.say("en").startswith("Let 200 litres or more through")
    assert "ít nhất 200 lít" in work.step.say("vi")
    with pytest.raises(Refused) as refused:
        work.take(20.0)
    assert refused.value.say("en").startswith("20 l are only 2 pulses: let 200 l or more through")
    assert refused.value.say("vi").startswith("20 l mới được 2 xung: hãy cho chảy tổng cộng ít nhất 200 l")
    assert work.number == 2, "what has flowed is not lost"
    work.take(210.0)
    answered(work, 100.2)
    (record,) = work.records(by="Hoa", at=AT)
    assert record.facts == pytest.approx({"litres": 210.0, "within_percent": 4.76})


def test_a_script_gives_no_k_factor_of_too_few_pulses_either():
    with pytest.raises(Refused, match="only 19 pulses"):
        make(METER, [(100.0, 0.0), (100.19, 0.199)], by="H", at=AT)
    assert make(METER, [(100.0, 0.0), (100.19, 0.2)], by="H", at=AT)


@pytest.mark.parametrize(
    ("meter", "litres"),
    [
        ("litres_per_pulse = 100.0", 100.0),
        (
            "k_factors = [{ hz = 1.0, pulses_per_litre = 400.0 }, { hz = 50.0, pulses_per_litre = 450.0 }]",
            0.0025,
        ),
    ],
)
def test_a_target_knows_the_coarsest_pulse_of_its_meter(tmp_path, meter, litres):
    path = tmp_path / "node.toml"
    device = f'[[device]]\nid = "m"\ndriver = "pulse-flow"\nconfig = {{ line = "GPIO4", {meter} }}\n'
    path.write_text(f"{SITE}{device}")
    config = config_check.load(path)
    metrics = registry.driver("pulse-flow").metrics
    assert find(config, lambda _: metrics, "m").litres_per_pulse == litres
    assert find(config, lambda _: metrics, "m.flow").litres_per_pulse == 0.0


def test_a_script_gives_points_and_the_history_lists_them(file):
    points = ["--point", "6.93=7.00", "--point", "4.05=4.01"]
    done = call(file, "ph.pH", "--by", "Chị Hoa", "--note", "lô 12", *points, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["by"] == "Chị Hoa"
    shown = call(file, "--list")
    assert "ph.pH  ph  Chị Hoa" in shown.output
    assert "lô 12" in shown.output
    assert call(file, "ph.pH", "--kind", "factory", "--by", "An").exit_code == 0
    assert len(call(file, "--list", "ph", "--json").output.splitlines()) == 2


def test_refused_points_end_with_1_and_keep_nothing_and_a_wrong_word_ends_with_2(file):
    refused = call(file, "ph.pH", "--by", "An", "--point", "6.9=7", "--point", "4.9=4.01")
    assert (refused.exit_code, "slope is" in refused.output) == (1, True)
    assert call(file, "--list").output == ""
    for words, said in (
        (["ph.pH", "--point", "x"], "write what the device said"),
        (["phh"], "did you mean 'ph'?"),
        (["ph"], "say which one: ph.pH, ph.temperature"),
    ):
        wrong = call(file, *words, "--by", "An")
        assert (wrong.exit_code, said in wrong.output) == (2, True), wrong.output


def test_without_a_name_it_says_what_there_is_and_when_it_was_calibrated(file):
    call(file, "ph.pH", "--by", "Hoa", "--point", "6.93=7.00", "--point", "4.05=4.01")
    shown = call(file).output.splitlines()
    said = {name: rest for name, _, rest in (line.partition(":") for line in shown)}
    assert {"bin-0001", "ph.pH", "ph.temperature", "meter.volume", "power.energy"} <= set(said)
    assert said["ph.pH"].endswith("Hoa")
    assert said["ph.temperature"].endswith("never calibrated")


def test_names_find_what_they_mean(file, world):
    config = config_check.load(file, {})
    kinds = Runner(config, world.io, lambda _reading: None).kinds
    assert find(config, kinds, "bin-0001").of == "bin-0001"
    assert find(config, kinds, "quality-01.pH") == PH
    assert find(config, kinds, "meter").kind == "k-factor"
    with pytest.raises(ConfigError, match="say which one"):
        find(config, kinds, "quality-01")


def terminal(file, world, typed, **other):
    """Lead through the calibration of a bin; `typed` gives what is typed at each question."""

    @click.command()
    def command():
        config = config_check.load(file, {})
        given = {"kind": None, "by": "Hoa", "note": "", "points": (), "wait": 60, "lang": "vi"} | other
        with reached(config, lambda: world.io) as way:
            run(way, "bin-0001", **given, as_json=False)

    heights = iter((1.0, 0.2, 0.2, 0.2))
    ranger = world.bins[0].ranger

    def answer(text, **_):
        click.echo(text, err=True)
        height = next(heights)
        ranger._distance = lambda: height
        said = next(typed, None)
        if said is None:
            raise click.Abort
        return said

    with patch("click.prompt", answer):
        return CliRunner().invoke(command)


def test_a_technician_is_led_through_a_bin_at_a_terminal(file, world):
    done = terminal(file, world, iter(("", "", "")))
    assert done.exit_code == 0, done.output
    (record,) = Calibrations(file.parent / "calibrations.jsonl").records
    assert record.points == (pytest.approx((1.0, 0.0), abs=0.03), pytest.approx((0.2, 1.0), abs=0.03))
    assert "1/2 Đổ hết rác trong thùng rồi đóng nắp." in done.stderr
    assert "✓" in done.stderr
    assert "Đã lưu." in done.stdout


def test_who_leaves_in_the_middle_keeps_nothing(file, world):
    done = terminal(file, world, iter(("",)))
    assert done.exit_code == 1
    assert Calibrations(file.parent / "calibrations.jsonl").records == ()


def test_old_values_are_made_anew_by_the_record_of_their_time(tmp_path):
    history = Calibrations(tmp_path / "c.jsonl")
    wrong = make(PH, [(7.2, 7.0), (4.21, 4.01)], by="An", at="2026-11-01T00:00:00+00:00")
    history.append(wrong)
    at_ns = wrong[0].at_ns + 5 * 86_400 * 10**9
    before = history.again("ph.pH", 7.2, at_ns)
    history.append(make(PH, [(7.2, 7.1), (4.21, 4.11)], by="Hoa", at="2026-11-02T00:00:00+00:00"))
    assert before == pytest.approx(7.0)
    assert history.again("ph.pH", 7.2, at_ns) == pytest.approx(7.1)
    assert history.again("ph.pH", 7.2, 0) == 7.2
