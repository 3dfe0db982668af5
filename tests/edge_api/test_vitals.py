"""An edge tells systemd that it lives while all its loops move, and keeps a second one off its spool."""

import socket
import subprocess
import sys

import pytest

from edge_api.vitals import standing, words
from tests.edge_api.edge_rig import edge_at_work, edge_config
from tests.faults.rig import COMMUNE, EdgeProgram
from tests.parts.ports import free_port
from tests.parts.wait import until

SITE = 'level = "province"\nprovince = "42"'


@pytest.mark.slow
def test_systemd_hears_ready_life_and_the_end_from_the_process(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        with EdgeProgram(tmp_path / "edge", SITE):
            first = manager.recv(4096).decode().split("\n")
            assert first == ["READY=1", "WATCHDOG=1", "STATUS=takes in and keeps"]
            assert "WATCHDOG=1" in manager.recv(4096).decode()
        rest = [manager.recv(4096).decode()]
        while rest[-1] != "STOPPING=1":
            rest.append(manager.recv(4096).decode())


@pytest.mark.slow
def test_a_second_edge_on_the_same_spool_is_refused_by_name(tmp_path):
    with EdgeProgram(tmp_path / "edge", SITE) as first:
        other = tmp_path / "edge.toml"
        text = (tmp_path / "edge" / "edge.toml").read_text()
        other.write_text(text.replace(f"port = {first.port}", f"port = {free_port()}"))
        done = subprocess.run(
            [sys.executable, "-c", COMMUNE, "edge", "run", str(other)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert f"process {first.pid} uses this spool" in done.stderr
        assert "Traceback" not in done.stderr
        assert first.running


def test_loops_that_have_ended_or_hang_are_named(tmp_path, monkeypatch):
    with edge_at_work(edge_config(tmp_path)) as (edge, _):

        class Server:
            """Stands for the HTTP side, which this rig does not start."""

            @staticmethod
            def alive():
                return False

        until(lambda: "http" in standing(edge, Server), what="the edge to be up")
        assert standing(edge, Server) == ["http"]
        monkeypatch.setattr(edge.committer, "alive", lambda: False)
        edge.custodian.stop()
        assert standing(edge, Server) == ["custody", "commit", "http"]
        assert words(edge)
