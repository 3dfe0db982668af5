"""A device's answers, checked and calibrated on their way to the feed."""

import pytest

from gateway import config_check
from gateway.device import Device
from gateway.feed import decode_reading, from_ns
from gateway.journal import records
from gateway.node import Node
from gateway.spool import READINGS
from sensors.calibration import Calibrations, Record
from sensors.errors import ConfigError
from simulators.clock import VirtualClock
from simulators.commune import build
from simulators.io import SimIO
from simulators.signals.modbus import Cell, probe_bank

HEAD = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n[spool]\npath = "{spool}"\n'
PROBE = """[[device]]
id = "ph"
driver = "modbus-probe"
config = { port = "/dev/ttyUSB0", unit = 1, registers = [
  { metric = "pH", address = 0, unit = "Q30", scale = 0.01 },
] }
"""
ASSET = '[[asset]]\nid = "q"\ntype = "WaterQualityObserved"\nevery = "60s"\ninputs = { pH = "ph.pH" }\n'


def two_point(gain, at):
    return Record(of="ph.pH", kind="ph", at=at, by="Chị Hoa", gain=gain, offset=0.0)


@pytest.fixture
def water():
    """A pH probe whose own number the test sets."""
    clock = VirtualClock()
    io = SimIO(clock)
    said = {"pH": 7.0}
    io.wire_bus("/dev/ttyUSB0").add(1, 3, probe_bank({0: Cell("u16", 0.01, lambda: said["pH"])}))
    yield io, said
    io.close()


def load(tmp_path, text):
    file = tmp_path / "node.toml"
    file.write_text(HEAD.format(spool=tmp_path / "node.db") + text)
    return config_check.load(file, {})


def test_a_calibration_holds_from_the_next_reading_on_and_its_age_is_told(tmp_path, water):
    io, _ = water
    config = load(tmp_path, PROBE + ASSET)
    history = Calibrations(config.calibrations)
    device = Device(config.devices[0], io, history)
    assert device.read()["pH"].value == 7.0
    stranger = Calibrations(config.calibrations)  # as `commune node calibrate` beside a running node
    stranger.append([two_point(1.1, "2026-01-01T00:00:00+00:00")])
    sample = device.read()["pH"]
    assert (sample.value, sample.uncalibrated) == (7.7, 7.0)
    io.clock.sleep(40 * 86_400)
    assert device.read()["pH"].reason == "calibration"
    device.close()


def test_rules_of_the_file_are_those_of_the_device(tmp_path, water):
    io, said = water
    checks = '[[device.checks]]\nmetric = "pH"\nrange = [6.0, 8.0]\nmax_step = 0.5\n'
    device = Device(load(tmp_path, PROBE + checks + ASSET).devices[0], io)
    found = []
    for said["pH"] in (7.0, 7.9, 7.0, 9.0):
        io.clock.sleep(60)
        found.append(device.read()["pH"].reason)
    assert found == ["", "jump", "", "range"]
    device.close()


def test_checks_of_an_unknown_metric_are_an_error_that_names_the_device(tmp_path):
    with pytest.raises(ConfigError, match="device ph: checks: metric: it does not measure 'ph'; it has pH"):
        load(tmp_path, PROBE + '[[device.checks]]\nmetric = "ph"\n' + ASSET)


def test_the_raw_value_of_a_calibrated_field_travels_with_the_reading(tmp_path):
    clock = VirtualClock()
    world = build(3, clock, bins=0, domains=["water"])
    config = load(tmp_path, world.config_toml(every="60s"))
    Calibrations(config.calibrations).append([two_point(1.01, from_ns(clock.wall_ns()))])
    node = Node(config, world.io)
    node.journal.committer.start()
    node.runner.step(clock.monotonic_ns() + 65 * 10**9)
    assert node.journal.stop(10)
    heads = node.spool.heads(READINGS, 1, node.spool.last_id, 100)
    bodies = [
        decode_reading(each.body) for head in heads for each in records(node.spool.body(head.id), head.id)
    ]
    seen = [body for body in bodies if type(body).__name__ == "WaterQualityObserved"]
    assert seen
    name, _, raw = seen[0].raw.partition("=")
    assert name == "pH"
    assert seen[0].pH == pytest.approx(1.01 * float(raw))
    node.spool.close()
    world.close()
