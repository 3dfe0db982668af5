"""A node as a process: what it says when it cannot start, whether it moves, how it ends."""

import os
import signal
import socket
import threading
import time

import pytest

from gateway import config_check
from gateway.node import Node
from sensors.errors import IOUnavailable
from simulators.clock import PacedClock
from simulators.commune import build
from tests.faults.rig import NodeProgram
from tests.gateway.nodes import TABLES, RealNode, attempt
from tests.gateway.sending import edge_side
from tests.parts.ports import free_port
from tests.parts.wait import until

# Not starting --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('driver = "pi-health"', 'driver = "pi-helth"', "unknown driver 'pi-helth'"),
        ('config = { path = "/" }', "config = { paht = 1 }", "did you mean 'path'?"),
        ("[spool]", "[spol]", "did you mean 'spool'?"),
        ("port =", "port", "node.toml"),
    ],
)
def test_a_wrong_file_ends_run_and_config_alike_with_exit_code_2(tmp_path, old, new, said):
    file = tmp_path / "node.toml"
    text = TABLES.format(port=1883, spool=tmp_path / "node.db")
    assert old in text
    file.write_text(text.replace(old, new))
    for command in ("run", "config"):
        code, error = attempt("node", command, file)
        assert code == 2
        assert said in error


@pytest.mark.slow
def test_a_line_used_twice_ends_run_with_exit_code_2(tmp_path):
    file = tmp_path / "node.toml"
    contact = '[[device]]\nid = "c{0}"\ndriver = "contact"\nconfig = {{ line = "GPIO17" }}\n'
    file.write_text(TABLES.format(port=1883, spool=tmp_path / "n.db") + contact.format(1) + contact.format(2))
    code, error = attempt("node", "run", file)
    assert code == 2
    assert "GPIO17 is already the line of device c1; give each its own line" in error


@pytest.mark.slow
def test_a_spool_where_nothing_can_be_written_is_said_without_a_traceback(tmp_path):
    (tmp_path / "file").write_text("")
    file = tmp_path / "node.toml"
    file.write_text(TABLES.format(port=1883, spool=tmp_path / "file" / "node.db"))
    code, error = attempt("node", "run", file)
    assert code == 1
    assert f"{tmp_path}/file/node.db: cannot be opened as a spool" in error


@pytest.mark.slow
def test_a_second_node_on_the_same_spool_is_refused_by_name_and_the_first_goes_on(tmp_path):
    with RealNode(tmp_path, free_port()) as first:
        code, error = attempt("node", "run", tmp_path / "node.toml")
        assert code == 1
        assert f"process {first.pid} uses this spool; stop it, or give each its own path" in error
        assert first.running
    with RealNode(tmp_path, free_port()):
        pass  # and the next may have it


# Ending --------------------------------------------------------------------------------------------------


@pytest.mark.parts
def test_sigterm_ends_a_node_in_time_with_exit_code_0_though_the_broker_is_frozen(tmp_path, mosquitto):
    with edge_side(mosquitto.port) as edge, NodeProgram(tmp_path / "n", mosquitto) as node:
        until(edge.seqs, within_s=20, what="the first reading")
        mosquitto.freeze()
        until(lambda: len(node.taken()) > len(set(edge.seqs())) + 3, within_s=20, what="some that wait")
        began = time.monotonic()
        os.kill(node.pid, signal.SIGTERM)
        assert node._process.wait(20) == 0
        assert time.monotonic() - began < 15
        mosquitto.thaw()
    assert "Traceback" not in node.log


@pytest.mark.parts
def test_sigterm_drains_what_waits_and_says_offline(tmp_path, mosquitto):
    with edge_side(mosquitto.port, confirms=True) as edge, NodeProgram(tmp_path / "n", mosquitto) as node:
        until(lambda: len(edge.seqs()) > 10, within_s=20, what="some readings")
        node.stop()
        assert {seq for _, seq in node.taken()} == set(edge.seqs())
        until(lambda: edge.last("gateway/gw-01/status") == "offline", what="the node to be offline")


@pytest.mark.slow
def test_systemd_hears_of_a_nodes_life_from_the_process(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        (tmp_path / "n").mkdir()
        with RealNode(tmp_path / "n", free_port()):
            first = manager.recv(4096).decode().split("\n")
            assert first[:2] == ["READY=1", "WATCHDOG=1"]
            assert "readings wait for the edge; broker: " in first[2]
            assert "WATCHDOG=1" in manager.recv(4096).decode()
        rest = [manager.recv(4096).decode()]
        while rest[-1] != "STOPPING=1":
            rest.append(manager.recv(4096).decode())


# Alive ---------------------------------------------------------------------------------------------------


@pytest.fixture
def simulated(tmp_path):
    clock = PacedClock(speed=20.0)
    world = build(1, clock, bins=2)
    file = tmp_path / "node.toml"
    head = TABLES.partition("[clock]")[0].format(port=free_port())
    file.write_text(f'{head}[spool]\npath = "{tmp_path}/node.db"\n' + world.config_toml(every="20s"))
    node = Node(config_check.load(file, {}), world.io)
    yield node
    node.stop(0.5)
    clock.close()
    world.close()


def test_every_loop_of_a_healthy_node_moves(simulated):
    simulated.start()
    until(lambda: simulated.journal.taken > 5, within_s=20, what="readings")
    assert simulated.standing(600) == []
    assert simulated.words().endswith("clock: set")


def test_a_device_that_hangs_and_a_commit_that_hangs_are_named(simulated, monkeypatch):
    hang, real = threading.Event(), simulated.journal._write
    monkeypatch.setattr(simulated.journal, "_write", lambda *a: hang.wait(20) and real(*a))
    monkeypatch.setattr(simulated.runner._devices[0], "read", lambda: hang.wait(20) or {})
    monkeypatch.setattr(type(simulated.journal.committer).alive, "__defaults__", (0.2,))
    bus = simulated.runner._devices[0].bus
    simulated.start()
    until(lambda: set(simulated.standing(10)) >= {bus, "commit"}, within_s=20, what="both to be named")
    assert "publish" not in simulated.standing(600)
    hang.set()


def test_a_sender_that_hangs_is_named(simulated, monkeypatch):
    hang = threading.Event()
    monkeypatch.setattr(simulated.publisher, "_housekeep", lambda: hang.wait(20))
    monkeypatch.setattr(type(simulated.publisher).alive, "__defaults__", (0.2,))
    simulated.start()
    until(lambda: "publish" in simulated.standing(600), what="it to be named")
    hang.set()


def test_where_nobody_may_ask_the_kernel_for_the_time_the_node_runs_and_says_what_to_do(simulated, caplog):
    def forbidden():
        raise IOUnavailable(
            "adjtimex: Operation not permitted; a unit with ProtectClock=yes may not even ask"
        )

    simulated.io.clock.synchronised = forbidden
    simulated.start()
    until(lambda: simulated.journal.taken > 5, within_s=20, what="readings, kept undated")
    assert simulated.words().endswith("clock: not set")
    assert caplog.text.count("require_sync = false under [clock]") == 1
    assert "could not be handed on" not in caplog.text
