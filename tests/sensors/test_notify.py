"""systemd hears that a daemon is ready, alive and stopping, and nothing of life while a loop stands still."""

import os
import socket
import threading

import pytest

from sensors.notify import Notifier, attend
from tests.parts.wait import until


class Systemd:
    """The manager's end of the socket."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.heard = []

    def listen(self):
        """Take in what has come; return all lines so far."""
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    def hears(self, line, times=1):
        until(lambda: self.listen().count(line) >= times, what=f"{line} {times} times")


@pytest.fixture
def systemd(tmp_path):
    made = Systemd(str(tmp_path / "notify"))
    yield made
    made.socket.close()


class Daemon:
    """Something that attends in a thread."""

    def __init__(self, environ):
        self.still = []
        self.words = "3 readings wait"
        self.stop = threading.Event()
        self.thread = threading.Thread(
            target=attend,
            args=(self.stop, lambda: list(self.still), lambda: self.words, Notifier(environ)),
        )

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(5)
        assert not self.thread.is_alive()


def watched(tmp_path, **more):
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000"} | more


def test_it_says_ready_first_then_lives_then_stops(tmp_path, systemd):
    with Daemon(watched(tmp_path)):
        systemd.hears("WATCHDOG=1", 3)
        assert systemd.heard[0] == "READY=1"
        assert systemd.heard.count("READY=1") == 1
    systemd.hears("STOPPING=1")
    assert systemd.heard[-1] == "STOPPING=1"


def test_the_status_is_told_when_it_changes(tmp_path, systemd):
    with Daemon(watched(tmp_path)) as daemon:
        systemd.hears("WATCHDOG=1", 3)
        daemon.words = "none waits"
        systemd.hears("STATUS=none waits")
        systemd.hears("WATCHDOG=1", 6)
    assert [line for line in systemd.heard if line.startswith("STATUS")] == [
        "STATUS=3 readings wait",
        "STATUS=none waits",
    ]


def test_a_loop_that_stands_still_silences_the_watchdog_until_it_moves(tmp_path, systemd, caplog):
    with Daemon(watched(tmp_path)) as daemon:
        systemd.hears("WATCHDOG=1")
        daemon.still = ["publish"]
        systemd.hears("STATUS=stands still: publish")
        count = systemd.listen().count("WATCHDOG=1")
        threading.Event().wait(0.2)  # ten times the rhythm
        assert systemd.listen().count("WATCHDOG=1") == count
        daemon.still = []
        systemd.hears("WATCHDOG=1", count + 1)
    assert caplog.text.count("stands still: publish") == 1


def test_without_a_watchdog_only_the_status_is_told(tmp_path, systemd, monkeypatch):
    monkeypatch.setattr("sensors.notify._EVERY_S", 0.01)
    with Daemon({"NOTIFY_SOCKET": str(tmp_path / "notify")}):
        systemd.hears("STATUS=3 readings wait")
    systemd.hears("STOPPING=1")
    assert "WATCHDOG=1" not in systemd.heard


def test_a_patient_watchdog_does_not_make_the_status_old(tmp_path, systemd, monkeypatch):
    monkeypatch.setattr("sensors.notify._EVERY_S", 0.01)
    with Daemon(watched(tmp_path, WATCHDOG_USEC="90000000")) as daemon:
        systemd.hears("STATUS=3 readings wait")
        daemon.words = "none waits"
        systemd.hears("STATUS=none waits")


def test_a_watchdog_that_waits_for_another_process_is_not_ours(tmp_path):
    assert Notifier(watched(tmp_path, WATCHDOG_PID="1")).watchdog_s is None
    assert Notifier(watched(tmp_path, WATCHDOG_PID=str(os.getpid()))).watchdog_s == 0.06
    assert Notifier(watched(tmp_path, WATCHDOG_USEC="soon")).watchdog_s is None


def test_an_abstract_socket_is_reached_too():
    name = f"commune-test-{os.getpid()}"
    manager = Systemd("\0" + name)
    Notifier({"NOTIFY_SOCKET": "@" + name}).tell("READY=1")
    manager.hears("READY=1")
    manager.socket.close()


def test_without_systemd_nothing_is_told():
    Notifier({}).tell("READY=1")


def test_a_manager_that_is_gone_is_logged(tmp_path, caplog):
    Notifier(watched(tmp_path)).tell("READY=1")
    assert "systemd does not hear us" in caplog.text
