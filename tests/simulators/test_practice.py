"""Because who has practised each calibration makes fewer mistakes on the ladder."""

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from sensors.calibration import Calibrations
from simulators.cli_bench import sim

WORDS = [
    ("bin-0001", ["", "", ""], "empty 1.04 m, full 0.13 m"),
    ("ph.pH", ["", "", "10,01", "", ""], "slope 96.01 %"),
    ("meter", ["", "", "200", "", ""], "with 200 litres"),
    ("scale", ["", "20", "", ""], "0.9804 x - 0.2941"),
    ("tank", ["0", "", "3.5", "", ""], "x"),
    ("water", ["0", "", ""], "1.0000 x - 0."),
]


@pytest.mark.slow
@pytest.mark.parametrize("person", [True, False])
def test_a_bucket_too_small_for_the_meter_ends_a_script_and_lets_a_person_pour_on(
    person, tmp_path, monkeypatch
):
    monkeypatch.setattr("simulators.practice.sleep", lambda _: None)
    stdin = SimpleNamespace(isatty=lambda: person)
    monkeypatch.setattr("gateway.cli_calibrate.sys", SimpleNamespace(stdin=stdin))
    words = ["calibrate", "meter", "--keep", str(tmp_path), "--by", "Hoa", "--lang", "en"]
    done = CliRunner().invoke(sim, words, input="\n20\n210\n\n\n")
    assert (done.exit_code, "only 2 pulses" in done.stderr) == (0 if person else 1, True)
    assert (tmp_path / "calibrations.jsonl").exists() is person


@pytest.mark.slow
@pytest.mark.parametrize(("target", "typed", "said"), WORDS, ids=[word for word, _, _ in WORDS])
def test_each_calibration_can_be_practised_from_the_first_step_to_the_record(
    target, typed, said, tmp_path, monkeypatch
):
    monkeypatch.setattr("simulators.practice.sleep", lambda _: None)
    words = ["calibrate", target, "--keep", str(tmp_path), "--by", "Hoa", "--lang", "en"]
    done = CliRunner().invoke(sim, words, input="\n".join([*typed, ""]))
    assert done.exit_code == 0, done.output
    assert said in done.stdout
    assert Calibrations(tmp_path / "calibrations.jsonl").records[0].by == "Hoa"
