"""Because who reads a check stands on a ladder: each number has its unit, and each line its holder."""

import os

import click
import pytest

from gateway.check.look import Looked, Place
from gateway.check.machine import this_machine
from gateway.check.reasoning import Machine, conclude
from gateway.check.show import drawn_over, fitting, lines
from gateway.check.words import measured, sentences, told
from gateway.feed.desk import Checked, Done
from sensors.errors import ConfigError, IOUnavailable
from sensors.findings import Finding
from sensors.sample import Sample, bad
from simulators.clock import VirtualClock
from simulators.io import SimIO
from tests.gateway.odd_checks import ODD, doubted, of_error, of_samples

LID = Place("lid", "contact", "gpio", lines=(("line", "GPIO4"),))


@pytest.mark.parametrize("code", ODD)
def test_what_is_odd_is_found_and_named(code):
    assert code in {each.code for each in ODD[code]()}


@pytest.mark.parametrize(
    ("sample", "vi", "en"),
    [
        (
            bad("pH", "range", 1900.0, 19.0),
            "pH: thiết bị báo 19,00, không thể có giá trị này",
            "pH: the device says 19.00, which cannot be",
        ),
        (
            bad("pH", "range", 1900.0),
            "pH: thiết bị báo số thô 1.900, không thể có giá trị này",
            "pH: the device says raw 1,900, which cannot be",
        ),
        (
            bad("pH", "range"),
            "pH: thiết bị báo ?, không thể có giá trị này",
            "pH: the device says ?, which cannot be",
        ),
    ],
)
def test_a_number_that_cannot_be_is_said_as_its_quantity_or_called_raw(sample, vi, en):
    (finding,) = of_samples(sample)
    assert told(finding, "vi").wrong == vi
    assert told(finding, "en").wrong == en


def test_a_unit_goes_with_a_number_that_cannot_be():
    (finding,) = of_samples(bad("distance", "range", 70.5, 12.25), unit="MTR")
    assert told(finding, "vi").wrong.startswith("khoảng cách: thiết bị báo 12,25 m")


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (doubted("spread"), "doubtful"),
        (bad("pH", "no-value"), "valueless"),
        (bad("pH", "refused"), "valueless"),
    ],
)
def test_what_is_true_of_a_ranger_or_a_unit_on_a_bus_is_said_of_nothing_else(sample, code):
    assert [each.code for each in of_samples(sample)] == [code]


def test_a_calibration_that_is_missing_is_asked_for_by_the_command_that_makes_it():
    (finding,) = of_samples(doubted("calibration"))
    assert told(finding, "vi").look == "Chạy commune node calibrate ph.pH rồi kiểm tra lại."


@pytest.mark.parametrize(
    ("buses", "code"), [(frozenset(), "line-taken"), ({"1-Wire"}, "line-of-bus"), ({"SPI"}, "line-taken")]
)
def test_a_line_that_is_busy_is_the_kernels_when_its_bus_is_on_and_else_a_programs(buses, code):
    found = of_error(IOUnavailable("GPIO4: GPIO busy"), LID)
    (judged,) = conclude([Looked(LID, findings=tuple(found))], Machine(buses=frozenset(buses)))
    assert [(each.code, each.where) for each in judged.findings] == [(code, "GPIO4")]


def test_of_two_lines_the_one_that_is_busy_is_named_again_and_again():
    io = SimIO(VirtualClock())
    io.pins.held["GPIO24"] = "GPIO busy"
    for _ in range(2):
        with pytest.raises(IOUnavailable, match="GPIO24: GPIO busy"):
            io.echo("GPIO23", "GPIO24")
    io.pins.held.clear()
    taken = io.echo("GPIO23", "GPIO24")
    with pytest.raises(ConfigError, match="GPIO23"):
        io.digital_in("GPIO23")
    taken.close()
    io.close()


def test_the_buses_of_a_machine_are_seen_in_its_files(tmp_path):
    assert this_machine(tmp_path).buses == frozenset()
    (tmp_path / "sys/bus/w1/devices/w1_bus_master1").mkdir(parents=True)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/spidev0.0").touch()
    assert this_machine(tmp_path).buses == {"SPI", "1-Wire"}


def checked(device, quality, *found, read=()):
    return Checked(device, "contact", "gpio", quality, list(read), [told(each, "en") for each in found])


@pytest.mark.parametrize(
    ("metric", "value", "vi", "en"),
    [
        ("on", True, "mạch điện bật", "circuit on"),
        ("commanded", False, "lệnh tắt", "commanded off"),
        ("underVoltage", False, "nguồn yếu: không", "weak supply: no"),
        ("clockSynchronised", True, "đã có giờ đúng: có", "clock set: yes"),
        ("active", True, "đang tác động", "active"),
    ],
)
def test_a_state_is_said_in_a_word_that_fits_it(metric, value, vi, en):
    said = {lang: measured(Sample(metric, value), "C62", lang).text for lang in ("vi", "en")}
    assert said == {"vi": vi, "en": en}


def test_a_device_without_a_value_is_crossed_out_whatever_its_finding_weighs():
    cannot_be = of_samples(bad("pH", "range", 1900.0, 19.0))
    assert next(sentences(checked("ph", "bad", *cannot_be), "en"))[0] == "✗"
    assert next(sentences(checked("ph", "uncertain", *cannot_be), "en"))[0] == "!"
    two = [Finding("clock-unset"), Finding("no-thermometer", "x")]
    assert [mark for mark, _ in sentences(checked("pi", "bad", *two), "en")] == ["!", "→", "✗", "→"]


@pytest.fixture
def phone(monkeypatch):
    """A terminal of 40 columns and 12 rows."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 12)))


def test_a_check_that_is_watched_fits_a_phone_and_shows_the_worst_first(phone):
    answers = [checked(f"well-{number}", "good") for number in range(9)]
    answers += [checked("sick", "bad", Finding("echo-high", "GPIO24"))]
    page = fitting([*answers, Done("bad")], "vi")
    assert len(page) <= 11, "one row is the cursor's"
    assert "sick" in page[0]
    assert page[-3:] == [
        "… còn 5 thiết bị nữa: xem riêng từng",
        "cái bằng --device TÊN.",
        "9 tốt · 0 chưa chắc chắn · 1 hỏng",
    ]
    few = fitting([*answers[:2], Done("good")], "en")
    assert [click.unstyle(line) for line in few] == [
        "✓ well-0: - (good)", "✓ well-1: - (good)", "2 good · 0 uncertain · 0 bad",
    ]  # fmt: skip


def test_what_is_drawn_over_never_wraps_and_shows_its_end(phone, capsys):
    drawn_over("/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K-if00-port0 9600 7/32")
    shown = click.unstyle(capsys.readouterr().err).lstrip("\r")
    assert len(shown) == 39
    assert shown.startswith("…")
    assert shown.endswith("9600 7/32")


@pytest.mark.parametrize(
    ("value", "vi"), [(0.0, "số phiếu cân 0"), (12.0, "số phiếu cân 12"), (0.95, "số phiếu cân 0,95")]
)
def test_a_number_without_a_unit_has_no_decimals_that_say_nothing(value, vi):
    assert measured(Sample("ticket", value), "C62", "vi").text == vi


def test_no_line_is_wider_than_the_terminal_not_even_of_a_ports_long_name(phone):
    port = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K-if00-port0"
    found = checked("ph", "bad", Finding("port-missing", port, ports="/dev/ttyS0"))
    assert max(map(len, map(click.unstyle, lines(found, "vi")))) <= 40


def test_a_finding_says_its_line_with_the_pin_of_the_header():
    assert told(Finding("line-of-bus", "GPIO4", bus="1-Wire"), "vi").wrong.startswith("GPIO4 (chân 7)")
