"""Because a calibration that was wrong need not leave wrong values behind for ever."""

import json

import pytest
from click.testing import CliRunner

from gateway.cli import node
from sensors.calibration import Calibrations, Record

NODE = """
[site]
province = "42"
commune = "18562"
gw = "gw-01"

[[device]]
id = "ph"
driver = "modbus-probe"
config = { port = "/dev/ttyUSB0", unit = 1, registers = [{ metric = "pH", address = 0, unit = "Q30" }] }

[[device]]
id = "echo"
driver = "hcsr04"
config = { trigger = "GPIO23", echo = "GPIO24" }

[[asset]]
id = "quality-01"
type = "WaterQualityObserved"
every = "5min"
inputs = { pH = "ph.pH" }

[[asset]]
id = "bin-01"
type = "WasteContainer"
every = "5min"
inputs = { distance = "echo.distance" }
config = { empty_m = 1.0, full_m = 0.2, taper = 0.5 }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "node.toml"
    path.write_text(f'[spool]\npath = "{tmp_path}/node.db"\n{NODE}')
    history = Calibrations(tmp_path / "calibrations.jsonl")
    history.append(
        [
            Record(of="ph.pH", kind="ph", at="2026-11-01T00:00:00Z", by="An", gain=1.0, offset=0.2),
            Record(of="bin-01", kind="empty-full", at="2026-11-01T00:00:00Z", by="An", gain=-1.0, offset=1.0,
                   points=((1.2, 0.0), (0.2, 1.0))),
            Record(of="ph.pH", kind="ph", at="2026-11-01T00:00:00Z", by="Hoa", gain=1.0, offset=0.1),
        ]
    )  # fmt: skip
    return path


def again(file, asset, *bodies):
    lines = "\n".join(f"ntm/v1/42/18562/water/x/telemetry {json.dumps(each)}" for each in bodies)
    return CliRunner().invoke(node, ["recalculate", asset, "--config", str(file), "--json"], input=lines)


def test_an_old_value_is_made_anew_by_the_correction_of_its_calibration(file):
    old = {"ts": "2026-11-02T00:00:00.000Z", "raw": "pH=7.00", "pH": 7.2}
    before = {"ts": "2026-10-02T00:00:00.000Z", "raw": "pH=7.00", "pH": 7.0}
    done = again(file, "quality-01", old, before, {"ts": old["ts"], "pH": 7.0})
    assert done.exit_code == 0, done.output
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["was"], first["now"]) == (7.2, pytest.approx(7.1))
    assert second["now"] == 7.0, "no calibration held then"


def test_a_bins_level_is_made_anew_with_its_form(file):
    old = {"ts": "2026-11-02T00:00:00.000Z", "raw": "fillingLevel=0.7", "fillingLevel": 0.3}
    (line,) = again(file, "bin-01", old).stdout.splitlines()
    assert 0.0 < json.loads(line)["now"] < 0.5, "half the height of a bin that widens is less than half of it"


def test_what_is_no_reading_is_told_by_its_line_and_the_others_are_made(file):
    good = {"ts": "2026-11-02T00:00:00.000Z", "raw": "pH=7.00"}
    done = again(
        file,
        "quality-01",
        {"raw": "pH=7"},
        {"ts": "then", "raw": "pH=7"},
        {"ts": good["ts"], "raw": "pH"},
        good,
    )
    assert done.exit_code == 1
    assert [line.partition(" is")[0] for line in done.stderr.splitlines()] == ["line 1", "line 2", "line 3"]
    assert len(done.stdout.splitlines()) == 1


def test_an_unknown_asset_is_wrong_usage(file):
    assert again(file, "quality-1").exit_code == 2
