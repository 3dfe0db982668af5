"""Because a running node owns the hardware: the desk answers for it, and nobody can harm it there."""

import socket
import stat
from contextlib import ExitStack, suppress

import msgspec
import pytest

from gateway.check.certificate import read
from gateway.config import Spool
from gateway.desk import CALLERS, Desk, ask
from gateway.feed.desk import (
    LONGEST_LINE,
    Ask,
    Calibrated,
    Certified,
    Checked,
    Done,
    Looking,
    Refused,
    Wired,
)
from gateway.runner import Runner
from sensors.calibration import Calibrations, Record
from sensors.errors import ConfigError
from simulators.bench import Bench
from simulators.mishaps import mishap

pytestmark = pytest.mark.slow


@pytest.fixture
def bench():
    lent = Bench()
    yield lent
    lent.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "desk"


@pytest.fixture
def desk(bench, path):
    spool = Spool(path=path.with_name("node.db"))
    configured = msgspec.structs.replace(bench.config(), spool=spool)
    runner = Runner(configured, bench.io, lambda _reading: None)
    runner.start(schedule=False)
    served = Desk(path, configured, runner, bench.clock, lambda: bench.machine)
    served.start()
    yield served
    served.stop()
    runner.stop()


def said(path, line):
    """Say a raw line and return the last answer."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(30)
        caller.connect(str(path))
        caller.sendall(line)
        with caller.makefile("rb") as answers:
            return msgspec.json.decode(answers.readline(), type=Done | Refused | Wired)


def test_a_check_comes_device_by_device_with_the_wrong_wire(desk, bench, path):
    mishap("turbidity:silent").happens(bench)
    answers = list(ask(path, Ask("check", lang="en")))
    looking = [each.device for each in answers if isinstance(each, Looking)]
    found = {each.device: each for each in answers if isinstance(each, Checked)}
    assert looking == [each.id for each in bench.config().devices]
    assert found["turbidity"].told[0].wrong == "Unit 7 on /dev/ttyUSB0 is silent, unit 3 answers"
    assert found["ph"].quality == "good"
    assert answers[-1] == Done("bad")


def test_one_device_is_judged_by_its_neighbours_though_only_it_is_told(desk, bench, path):
    mishap("turbidity:silent").happens(bench)
    answers = list(ask(path, Ask("check", device="turbidity")))
    (found,) = [each for each in answers if isinstance(each, Checked)]
    assert found.told[0].code == "unit-silent"


def test_calibrations_are_told_and_stand_on_the_certificate(desk, path):
    record = Record(of="ph.pH", kind="ph", at="2026-11-24T02:00:00Z", by="Lê An", gain=1.01, offset=0.0)
    Calibrations(path.with_name("calibrations.jsonl")).append([record])
    told = [each for each in ask(path, Ask("calibrations")) if isinstance(each, Calibrated)]
    assert [(each.of, each.by, each.gain) for each in told] == [("ph.pH", "Lê An", 1.01)]
    assert told[0].text == "1,0100 x + 0,0000"
    (made,) = [each for each in ask(path, Ask("certificate", who="Lê An")) if isinstance(each, Certified)]
    assert read(bytes(made.data)).calibrations[0].of == "ph.pH"
    assert "Biên bản" in made.html


def test_the_wiring_names_lines_pins_ports_and_units(desk, path):
    wired = {each.device: each for each in ask(path, Ask("wiring")) if isinstance(each, Wired)}
    assert [(each.key, each.line, each.pin) for each in wired["echo"].lines] == [
        ("trigger", "GPIO23", 16),
        ("echo", "GPIO24", 18),
    ]
    assert (wired["ph"].port, wired["ph"].unit) == ("/dev/ttyUSB0", 3)


@pytest.mark.parametrize(
    "line", [b"\n", b"nonsense\n", b'{"do":"burn"}\n', b"\xff\xfe\n", b"[]\n", b'{"do":"check","device":7}\n']
)
def test_nonsense_is_refused_and_the_desk_goes_on(desk, path, line):
    assert isinstance(said(path, line), Refused)
    assert list(ask(path, Ask("devices")))[-1] == Done()


def test_an_unknown_device_is_refused_with_the_known_ones(desk, path):
    for do in ("check", "wiring"):
        (answer,) = list(ask(path, Ask(do, device="nobody")))
        assert "nobody" in answer.error
        assert "turbidity" in answer.error


def test_a_line_without_end_is_hung_up_on(desk, path):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(30)
        caller.connect(str(path))
        with suppress(OSError):  # it may hang up while we still talk
            caller.sendall(b"x" * 2 * LONGEST_LINE)
        with suppress(ConnectionResetError):
            assert caller.recv(1) == b""
    assert list(ask(path, Ask("devices")))[-1] == Done()


def test_more_callers_than_seats_are_sent_away(desk, path):
    with ExitStack() as seats:
        for _ in range(CALLERS):
            caller = seats.enter_context(socket.socket(socket.AF_UNIX))
            caller.settimeout(30)
            caller.connect(str(path))
            caller.sendall(b'{"do":"devices"}\n')
            assert caller.recv(1)
        assert "callers" in said(path, b'{"do":"devices"}\n').error


def test_the_socket_is_for_the_nodes_user_and_group_and_goes_with_the_node(desk, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    desk.stop()
    assert not path.exists()


def test_a_second_desk_on_the_same_socket_is_refused(desk, bench, path):
    with pytest.raises(ConfigError, match="another process serves it"):
        Desk(path, bench.config(), None, bench.clock)


def test_a_socket_left_behind_by_a_power_cut_is_taken_over(bench, path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    served = Desk(path, bench.config(), None, bench.clock)
    served.start()
    assert list(ask(path, Ask("devices")))[-1] == Done()
    served.stop()


def test_a_socket_where_there_is_no_folder_is_a_clear_error(bench, tmp_path):
    with pytest.raises(ConfigError, match=r"\[desk\] socket: .*nowhere"):
        Desk(tmp_path / "nowhere" / "desk", bench.config(), None, bench.clock)
