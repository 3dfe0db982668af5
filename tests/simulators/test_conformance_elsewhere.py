"""Because the suite is for drivers of others: a package with an entry point alone runs it, or fails it."""

import os
import subprocess
import sys

import pytest

DRIVER = """
from sensors.errors import BusError
from sensors.sample import Metric, Sample
from sensors.settings import Settings


class Gauge:
    class Config(Settings, frozen=True):
        file: str = "gauge"

    metrics = (Metric("level", "MTR"),)

    def __init__(self, config, io):
        self._file = io.sysfs / config.file
        self._last = 0.0

    def open(self): ...

    def read(self):
        try:
            self._last = float(self._file.read_text())
        except OSError as error:
            {absent}
        except ValueError as error:
            raise BusError("crc", str(error)) from error
        return [Sample("level", self._last + {off})]

    def close(self): ...
"""
TESTS = """
from simulators.conformance import Bench, Conformance


class GaugeBench(Bench):
    driver = "gauge"
    units = {"level": "MTR"}
    within = {"level": 0.01}
    cannot = {"slow": "a file is there at once or not at all"}

    def wire(self):
        self.file = self.io.sysfs / "gauge"
        self.metres = 1.0
        self.mend()

    def truths(self):
        return [{"level": metres} for metres in (1.0, 0.0, 4.5)]

    def show(self, truth):
        self.metres = truth["level"]
        self.mend()

    def absent(self):
        self.file.unlink()

    def garbage(self):
        self.file.write_text("zz")

    def mend(self):
        self.file.write_text(str(self.metres))


class TestGauge(Conformance):
    bench = GaugeBench
"""
HONEST = {"absent": 'raise BusError("no-comm", str(error)) from error', "off": 0.004}


def run(folder, **traits):
    """Run the suite on a package as an installer leaves it: a module and its metadata."""
    made = folder / "gauge-1.0.dist-info"
    made.mkdir()
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: gauge\nVersion: 1.0\n")
    (made / "entry_points.txt").write_text("[commune.drivers]\ngauge = gauge:Gauge\n")
    code = DRIVER.replace("{absent}", traits["absent"]).replace("{off}", str(traits["off"]))
    (folder / "gauge.py").write_text(code)
    (folder / "conftest.py").write_text('pytest_plugins = ["simulators.conformance.plugin"]\n')
    (folder / "test_gauge.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "."]
    env = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.slow
def test_a_strangers_driver_passes_and_its_accuracy_is_printed(tmp_path):
    done = run(tmp_path, **HONEST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gauge          level 0.004 m" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trait", "failed"),
    [
        ({"off": 0.02}, "test_it_reads_right"),
        ({"absent": "pass"}, "test_a_device_that_is_absent_gives_no_value"),
    ],
)
def test_one_that_errs_or_repeats_its_last_value_does_not(tmp_path, trait, failed):
    done = run(tmp_path, **(HONEST | trait))
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"TestGauge::{failed}" in done.stdout
