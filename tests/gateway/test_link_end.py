"""A link ends soon when it is told to, in whatever state it is, and leaves nothing behind."""

import logging
import socket
import threading
import time

import pytest

from tests.gateway.lines import Line, hurry, line
from tests.gateway.odd_broker import ACCEPT, CLOSE, REFUSE, SILENT, OddBroker
from tests.parts.ports import free_port
from tests.parts.wait import until


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    hurry(monkeypatch)


def stops_soon(it, within_s=2.0):
    began = time.monotonic()
    it.link.stop()
    assert time.monotonic() - began < within_s
    assert not it.link.alive


@pytest.mark.parametrize("word", [ACCEPT, REFUSE, CLOSE, SILENT])
def test_it_stops_soon_whatever_the_broker_does(word, monkeypatch):
    monkeypatch.setattr("gateway.feed.link._ANSWER_S", 30)
    with OddBroker(word) as broker, line(broker.port) as it:
        until(lambda: broker.connects, what="the first try")
        if word == ACCEPT:
            it.came_up()
        stops_soon(it)


@pytest.mark.parts
def test_it_stops_soon_while_the_broker_is_frozen_and_all_buffers_are_full(mosquitto):
    with line(mosquitto.port) as it:
        it.came_up()
        mosquitto.freeze()
        for _ in range(300):
            it.link.publish("a", bytes(100_000))
        stops_soon(it, 4)
        mosquitto.thaw()


def test_it_stops_soon_between_two_tries(monkeypatch):
    monkeypatch.setattr("gateway.feed.link._PAUSE_MOST_S", 60.0)
    monkeypatch.setattr("gateway.feed.link._PAUSE_FIRST_S", 60.0)
    with line(free_port()) as it:
        until(lambda: "no connection" in it.link.state, what="the first failure")
        stops_soon(it)


@pytest.mark.slow
def test_it_stops_while_a_host_does_not_answer_at_all(monkeypatch):
    monkeypatch.setattr("gateway.feed.link._CONNECT_S", 2.0)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        with line(address[1]) as it:
            threading.Event().wait(0.3)  # it hangs in connect() by now
            began = time.monotonic()
            it.link.stop(0.5)
            assert time.monotonic() - began < 1
        for filler in fillers:
            filler.close()


def test_it_may_be_stopped_before_it_was_started():
    Line(free_port()).link.stop()


def test_states_are_logged_as_they_change(caplog):
    caplog.set_level(logging.INFO)
    with OddBroker(ACCEPT) as broker, line(broker.port) as it:
        it.came_up()
    assert [r.message for r in caplog.records if r.name == "gateway.feed.link"] == [
        "mqtt: open",
        "mqtt: closed",
    ]
