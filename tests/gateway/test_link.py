"""The connection comes back by itself from whatever brokers and networks do."""

import socket
import threading
import time
from itertools import pairwise

import pytest

from gateway.feed.link import Link, Will
from simulators.demo.brokers import broker as demo_broker
from tests.gateway.lines import Line, hurry, line
from tests.gateway.odd_broker import ACCEPT, CLOSE, GARBAGE, REFUSE_5, SILENT, OddBroker
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.wait import until


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    hurry(monkeypatch)


# Which MQTT ----------------------------------------------------------------------------------------------


@pytest.mark.parts
def test_a_broker_of_today_is_spoken_to_in_mqtt_5(mosquitto):
    with line(mosquitto.port) as it:
        it.came_up()
        until(lambda: "as n1 (p5, c1, k30" in mosquitto.log, what="the broker to say how we connected")


def test_the_demos_broker_takes_3_1_1_after_its_silence(tmp_path):
    with demo_broker("embedded", tmp_path) as (_, port), line(port) as it:
        it.came_up()
        it.confirmed(it.link.publish("a", b"1"))


def test_a_broker_that_refuses_mqtt_5_is_spoken_to_in_3_1_1_at_once():
    with OddBroker(REFUSE_5) as broker, line(broker.port) as it:
        it.came_up()
        assert broker.connects == [5, 4]
        broker.hang_up()
        it.came_up(2)
        assert broker.connects == [5, 4, 5, 4], "it may have learned it by now"


def test_a_broker_that_hangs_up_on_mqtt_5_is_spoken_to_in_3_1_1(caplog):
    with OddBroker(CLOSE, ACCEPT) as broker, line(broker.port) as it:
        it.came_up()
        assert broker.connects == [5, 4]
    assert "closes the connection before it is open" in caplog.text


@pytest.mark.slow
def test_a_broker_that_was_silent_once_is_asked_for_mqtt_5_again(monkeypatch):
    monkeypatch.setattr("gateway.feed.link._RENEW_S", 0.3)
    with OddBroker(SILENT, ACCEPT) as broker, line(broker.port) as it:
        until(lambda: broker.connects == [5, 4, 5], what="MQTT 5 to be tried again")
        it.came_up(2)
        threading.Event().wait(0.8)  # nothing may happen in this time
        assert broker.connects == [5, 4, 5]


@pytest.mark.slow
def test_a_broker_that_stays_silent_to_mqtt_5_is_left_in_peace_after_the_second_try(monkeypatch):
    monkeypatch.setattr("gateway.feed.link._RENEW_S", 0.3)
    with OddBroker(SILENT, ACCEPT, SILENT, ACCEPT) as broker, line(broker.port) as it:
        until(lambda: len(broker.connects) == 4, what="the second try")
        it.came_up(2)
        threading.Event().wait(0.8)  # nothing may happen in this time
        assert broker.connects == [5, 4, 5, 4]


# Coming back ---------------------------------------------------------------------------------------------


@pytest.mark.parts
def test_it_comes_back_each_time_the_broker_is_killed(mosquitto):
    with line(mosquitto.port) as it:
        for time_ in (1, 2, 3):
            it.came_up(time_)
            it.confirmed(it.link.publish("a", b"1"))
            mosquitto.kill()
            until(lambda: not it.link.up, what="the loss to be seen")
            assert it.link.publish("a", b"1") is None
            mosquitto.start()
        it.came_up(4)
    assert len(it.downs) == 4


@pytest.mark.parts
def test_a_frozen_broker_is_noticed_by_keepalive_and_found_again(mosquitto):
    with line(mosquitto.port, keepalive_s=1) as it:
        it.came_up()
        mosquitto.freeze()
        until(lambda: it.downs, within_s=8, what="keepalive to notice")
        mosquitto.thaw()
        it.came_up(2)


@pytest.mark.slow
def test_a_closed_port_is_said_once_and_tried_for_ever_with_pauses_that_grow_and_differ(caplog, monkeypatch):
    tries = []
    monkeypatch.setattr(
        Link,
        "_connect",
        lambda *_: tries.append(time.monotonic()) or (_ for _ in ()).throw(OSError("refused")),
    )
    with line(free_port()):
        until(lambda: len(tries) > 12, what="a dozen tries")
    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses[0] < 0.2
    assert max(pauses) < 0.4 + 0.15
    assert len({round(pause, 3) for pause in pauses[4:]}) > 3, "jitter"
    assert [r.message for r in caplog.records].count(
        next(r.message for r in caplog.records if "no connection to 127.0.0.1" in r.message)
    ) == 1


@pytest.mark.parts
def test_a_refused_login_is_said_once_in_words_and_not_hammered(caplog, monkeypatch):
    monkeypatch.setattr("gateway.feed.link._PAUSE_FIRST_S", 0.5)
    monkeypatch.setattr("gateway.feed.link._PAUSE_MOST_S", 10.0)
    with Mosquitto(["allow_anonymous false"]) as broker, line(broker.port, username="n1", password="x"):
        until(lambda: broker.log.count("Sending CONNACK to 127.0.0.1 (135") >= 2 or
              broker.log.count("Sending CONNACK") >= 2, what="two tries")  # fmt: skip
        threading.Event().wait(1.0)  # to see how often it tries
        assert broker.log.count("Sending CONNACK") <= 4
    said = [r.message for r in caplog.records if "refuses the connection" in r.message]
    assert said == [f"mqtt: 127.0.0.1:{broker.port} refuses the connection: Not authorized"]


@pytest.mark.slow
def test_a_broker_that_throws_us_out_each_time_is_not_hammered():
    with OddBroker(ACCEPT) as broker, line(broker.port) as it:
        deadline, count = time.monotonic() + 2, 0
        while time.monotonic() < deadline:
            count += 1
            until(lambda count=count: len(it.ups) >= count, what="it to come again")
            broker.hang_up()
    assert len(it.ups) < 14, "0.05 s between tries would be forty"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_breaks_the_reader_does_not_end_the_link(caplog):
    with OddBroker(GARBAGE, ACCEPT) as broker, line(broker.port) as it:
        until(lambda: len(broker.connects) > 1, what="it to connect again")
        it.came_up()


@pytest.mark.parts
def test_a_message_that_cannot_be_dealt_with_costs_the_connection_and_comes_again(mosquitto, caplog):
    with line(mosquitto.port, persistent=True, client_id="keeps") as it:
        it.came_up()
        it.fail = RuntimeError("the disk said no")
        it.link.publish("to/n1", b"precious")  # it may be back, and the connection gone, before this returns
        until(lambda: it.heard == [b"precious", b"precious"], what="it to come again")
        it.came_up(2)
    assert "the disk said no" in caplog.text


@pytest.mark.parts
def test_two_machines_of_one_name_are_told_that_there_may_be_two(mosquitto, caplog):
    with line(mosquitto.port, client_id="twin") as it:
        other = Line(mosquitto.port, client_id="twin")
        other.link.start()
        try:
            until(lambda: "each needs its own" in caplog.text, within_s=60, what="one of them to be told")
        finally:
            other.link.stop()
        assert "the same name (twin)" in caplog.text
        assert it.ups


# What is sent --------------------------------------------------------------------------------------------


def test_an_acknowledgement_never_counts_for_a_message_of_another_connection():
    with OddBroker(ACCEPT, puback=False) as broker, line(broker.port) as it:
        it.came_up()
        first = it.link.publish("a", b"1")
        until(lambda: broker.published, what="the first to arrive")
        broker.hang_up()
        it.came_up(2)
        assert not it.link.current(first)
        second = it.link.publish("a", b"2")
        until(lambda: len(broker.published) == 2, what="the second to arrive")
        assert broker.published[0] == broker.published[1], "the same packet number on the wire"
        broker.answer()
        it.confirmed(second)
        assert it.acks == [(second, None)]
        assert first != second


def test_no_more_is_in_flight_than_the_broker_allows():
    with OddBroker(ACCEPT, puback=False, receive_maximum=5) as broker, line(broker.port) as it:
        it.came_up()
        numbers = [it.link.publish("a", b"%d" % number) for number in range(12)]
        until(lambda: len(broker.published) == 5, what="five to arrive")
        threading.Event().wait(0.3)  # a sixth may not come
        assert len(broker.published) == 5
        broker.puback = True
        broker.answer()
        it.confirmed(numbers[-1])


@pytest.mark.parts
def test_the_broker_speaks_for_a_node_that_was_killed_and_not_for_one_that_said_good_bye(mosquitto):
    with line(mosquitto.port, client_id="watcher") as watcher:
        watcher.came_up()
        with line(mosquitto.port, client_id="polite", will=Will("to/n1", b"polite is gone")) as it:
            it.came_up()
        lost = Line(mosquitto.port, client_id="lost", will=Will("to/n1", b"lost is gone"))
        lost.link.start()
        lost.came_up()
        lost.link._client.socket().shutdown(socket.SHUT_RDWR)
        until(lambda: watcher.heard, what="the will")
        lost.link.stop()
    assert watcher.heard == [b"lost is gone"]
