"""Because nobody knows a bought probe's address: it is found, and proposed in lines that load."""

import pytest
from click.testing import CliRunner

from gateway import config_check
from gateway.cli_probe import node, report
from gateway.probe.propose import proposals
from gateway.probe.scan import Met, Step, i2c, kernel_chips, modbus, thermometers
from sensors.io.modbus import SerialModbus
from simulators.bench import METERS, RS485, Bench

SITE = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'


@pytest.fixture
def bench():
    lent = Bench()
    yield lent
    lent.close()


def opened(bench):
    """Open the bench's ports as the probe opens a Pi's; at a wrong speed nobody understands."""
    paths = {RS485: bench.rs485.path, METERS: bench.meters.path}

    def open_bus(port, baud):
        path = paths.get(port, port)
        return SerialModbus(path, baud=baud, parity="N", timeout_s=0.15)

    return open_bus


def met(scan):
    return [each for each in scan if isinstance(each, Met)]


def test_units_are_found_by_any_answer_even_a_refusal_and_the_power_meter_by_its_hertz(bench):
    found = met(modbus([RS485, METERS], [3, 7, 11], [9600], opened(bench)))
    assert [(each.where, each.unit, each.what) for each in found] == [
        (RS485, 3, ""),
        (RS485, 7, ""),
        (METERS, 11, "PZEM-004T"),
    ]


def test_silence_is_nothing_and_every_question_is_a_step(bench):
    scan = list(modbus([RS485], [4, 5], [9600], opened(bench)))
    assert scan == [Step(f"{RS485} 9600", 1, 2), Step(f"{RS485} 9600", 2, 2)]


def test_a_port_that_cannot_be_opened_is_told_once_and_the_next_is_asked(bench):
    found = met(modbus(["/dev/nowhere", RS485], [3], [9600], opened(bench)))
    assert [(each.kind, each.where) for each in found] == [("port", "/dev/nowhere"), ("modbus", RS485)]


def test_a_port_that_cannot_be_opened_is_said_in_the_technicians_language(capsys):
    report([Met("port", "/dev/i2c-1", "Permission denied")], "vi")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "✗ Không mở được /dev/i2c-1: Permission denied"
    assert said[1].startswith("Không tìm thấy gì.")


def test_thermometers_and_kernel_chips_are_read_from_sysfs(bench):
    assert [each.where for each in thermometers(bench.io.sysfs)] == ["28-0316a2795bff"]
    assert [each.what for each in kernel_chips(bench.io.sysfs)] == ["bh1750", "ads1015"]


def test_chips_are_guessed_by_their_address_and_what_the_kernel_holds_is_left_alone():
    def read_byte(address):
        if address == 0x48:
            return 0
        raise OSError(16 if address == 0x23 else 121)

    assert [(each.where, each.what[:7]) for each in met(i2c(read_byte, "i2c-1"))] == [
        ("i2c-1 0x48", "ADS1115")
    ]


def test_what_is_proposed_is_a_configuration_that_loads(bench, tmp_path):
    found = [
        *thermometers(bench.io.sysfs),
        *kernel_chips(bench.io.sysfs),
        *met(modbus([RS485, METERS], [3, 7, 11], [9600], opened(bench))),
        Met("i2c", "i2c-1 0x48", "ADS1115"),
    ]
    file = tmp_path / "node.toml"
    file.write_text(SITE + "\n".join(proposals(found)), encoding="utf-8")
    loaded = config_check.load(file, {})
    assert [each.driver for each in loaded.devices] == [
        "ds18b20", "bh1750", "modbus-probe", "modbus-probe", "pzem004t"
    ]  # fmt: skip


@pytest.mark.parametrize("units", ["0", "1-300", "9-3", "x"])
def test_addresses_that_cannot_be_are_wrong_usage(units):
    result = CliRunner().invoke(node, ["probe", "--units", units])
    assert result.exit_code == 2
    assert "--units" in result.stderr
