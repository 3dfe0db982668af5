"""Only custody frees a reading; whatever broker and edge do, all is sent again until it is confirmed."""

import logging
import socket
import threading
import time
from pathlib import Path

import pytest

from gateway.feed import Custody, encode
from simulators.clock import VirtualClock
from tests.gateway.odd_broker import ACCEPT, OddBroker
from tests.gateway.sending import CUSTODY, edge_side, sender
from tests.gateway.times import BAD
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

pytestmark = pytest.mark.parts


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr("gateway.publisher._STALL_FIRST_S", 0.5)
    monkeypatch.setattr("gateway.publisher._STALL_MOST_S", 2.0)
    monkeypatch.setattr("gateway.publisher._TICK_S", 0.1)
    monkeypatch.setattr("gateway.feed.link._PAUSE_FIRST_S", 0.05)
    monkeypatch.setattr("gateway.feed.link._PAUSE_MOST_S", 0.4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "node.db"


def patient(monkeypatch):
    monkeypatch.setattr("gateway.publisher._STALL_FIRST_S", 60.0)


def test_a_puback_frees_nothing_and_custody_frees_just_what_it_names(path, mosquitto, monkeypatch):
    patient(monkeypatch)
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port) as node:
        node.readings(5)
        node.publisher.start()
        until(lambda: edge.seqs() == [1, 2, 3, 4, 5], what="all to arrive")
        until(lambda: not node.publisher._flight, what="all PUBACKs")
        assert node.waiting == 5
        edge.custody(node.journal.ep, 3)
        until(lambda: node.waiting == 2, what="custody to free three")
        node.spool.reclaim({}, node.publisher.outbox.releasable())
        assert [head.id for head in node.heads()] == [4, 5]


def test_after_a_reconnection_everything_above_custody_is_sent_again(path, mosquitto, monkeypatch):
    patient(monkeypatch)
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port) as node:
        node.readings(6)
        node.publisher.start()
        until(lambda: len(edge.seqs()) == 6, what="all to arrive")
        edge.custody(node.journal.ep, 2)
        until(lambda: node.waiting == 4, what="custody")
        node.publisher.link._client.socket().shutdown(socket.SHUT_RDWR)
        until(lambda: edge.seqs()[6:] == [3, 4, 5, 6], within_s=20, what="the rest again")


def test_events_come_first_then_the_newest_and_the_backlog_last_after_an_outage(path, mosquitto, monkeypatch):
    patient(monkeypatch)
    monkeypatch.setattr("gateway.publisher._LIVE_BYTES", 600)
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port) as node:
        node.readings(20)
        event = node.event()
        node.publisher.start()
        until(lambda: len(edge.seqs()) == 21, what="all to arrive")
        order = edge.seqs()
        assert order[0] == event
        newest = order[1 : order.index(1)]
        assert newest
        assert newest == list(range(20 - len(newest) + 1, 21))
        assert order[order.index(1) :] == list(range(1, 21 - len(newest)))


def test_an_event_overtakes_a_large_segment_of_the_backlog(path, monkeypatch):
    patient(monkeypatch)
    with OddBroker(ACCEPT, puback=False) as broker, sender(path, broker.port) as node:
        node.bulk(3000, group=3000)
        node.readings(70)  # so that the large one is backlog
        monkeypatch.setattr("gateway.publisher._LIVE_BYTES", 600)
        node.publisher.start()
        until(lambda: len(broker.published) >= 100, what="the window to fill")
        node.event()
        broker.puback = True
        broker.answer()
        until(lambda: any(topic.endswith("/event") for topic, _ in broker.published), what="the event")
        sent = [topic.rsplit("/", 1)[1] for topic, _ in broker.published]
        assert sent.index("event") < 500


def test_a_stall_is_asked_about_with_one_segment_in_growing_pauses_and_then_all_follows(
    path, mosquitto, caplog
):
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port) as node:
        node.readings(4)
        node.publisher.start()
        until(lambda: len(edge.seqs()) == 7, within_s=20, what="three more of the first")
        assert edge.seqs() == [1, 2, 3, 4, 1, 1, 1]
        said = [r.message for r in caplog.records if "custody has not moved" in r.message]
        assert said[0] == "custody has not moved for 0 s with 4 sent: sending again"
        edge.custody(node.journal.ep, 1)
        until(lambda: edge.seqs()[-3:] == [2, 3, 4], what="the rest after the first sign of life")
        assert node.publisher._stall_s == 0.5 or node.publisher._stalled


def test_a_node_that_was_idle_for_long_does_not_send_its_next_reading_twice(path, mosquitto, caplog):
    with edge_side(mosquitto.port, confirms=True) as edge, sender(path, mosquitto.port) as node:
        node.publisher.start()
        for count in (1, 2):
            threading.Event().wait(1.0)  # idle for twice the patience
            node.readings(1)
            until(lambda count=count: node.publisher.drained and len(edge.seqs()) >= count, what="custody")
        assert edge.seqs() == [1, 2]
        assert "custody has not moved" not in caplog.text


@pytest.mark.off_contract
def test_what_the_edge_says_of_others_or_in_another_tongue_is_ignored_with_a_line(path, mosquitto, caplog):
    caplog.set_level(logging.INFO)
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port) as node:
        node.readings(3)
        node.publisher.start()
        until(lambda: len(edge.seqs()) >= 3, what="all to arrive")
        edge.say(b"\xff not JSON")
        edge.say(b'{"v":2,"gw":"gw-01"}')
        edge.custody("bbbbbb", 3)
        edge.custody(node.journal.ep, 3, gw="gw-02")
        until(lambda: "gw-02" in caplog.text, what="the last of these to be heard")
        assert node.waiting == 3
        edge.custody(node.journal.ep, 3)
        until(lambda: node.publisher.drained, what="the true one to count")
    assert caplog.text.count("not a custody of ntm/v1") == 2
    assert "custody of gw-01/bbbbbb is not ours; ignored" in caplog.text


def test_a_broker_that_refuses_readings_is_named_once_and_nothing_is_lost(path, tmp_path, caplog):
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite #\n")
    rules = "topic read #\ntopic write ntm/v1/+/+/+/+/state\ntopic write ntm/v1/+/+/+/+/status\n"
    rules += "topic write ntm/v1/+/+/+/+/meta\n"
    acl.write_text(rules)
    with Mosquitto([f"acl_file {acl}"]) as broker, sender(path, broker.port) as node:
        node.readings(5)
        node.publisher.start()
        until(lambda: broker.log.count("Denied PUBLISH from node") > 8, within_s=20, what="many refusals")
        assert "Not authorized" in node.publisher.error
        assert caplog.text.count("the broker refuses what we publish: Not authorized; check its ACL") == 1
        assert node.waiting == 5
        broker.stop()
        acl.write_text("topic readwrite #\n")
        broker.start()
        with edge_side(broker.port, confirms=True):
            until(lambda: node.publisher.drained, within_s=20, what="all to get through")
        assert node.publisher.error is None


def test_where_the_broker_takes_custody_its_puback_frees_and_a_refusal_does_not(path, tmp_path):
    acl = tmp_path / "acl"
    acl.write_text("topic read #\n")
    with Mosquitto([f"acl_file {acl}"]) as broker, sender(path, broker.port, custody="broker") as node:
        node.readings(5)
        node.publisher.start()
        until(lambda: broker.log.count("Denied PUBLISH from node") > 20, within_s=20, what="tries")
        assert node.waiting == 5
        broker.stop()
        acl.write_text("topic readwrite #\n")
        broker.start()
        with edge_side(broker.port) as edge:
            until(lambda: node.publisher.drained, within_s=20, what="the PUBACKs")
            until(lambda: sorted(set(edge.seqs())) in ([], [1, 2, 3, 4, 5]), what="what the edge hears")


def test_a_hundred_thousand_waiting_fill_neither_memory_nor_the_brokers_queue(path, monkeypatch):
    patient(monkeypatch)
    with OddBroker(ACCEPT) as broker, sender(path, broker.port) as node:
        node.bulk(100_000, group=2_000)
        before = rss_mb()
        node.publisher.start()
        until(lambda: len(broker.published) > 5_000, within_s=60, what="the limit to be reached")
        until(lambda: not node.publisher._flight, what="all PUBACKs")
        count = len(broker.published)
        threading.Event().wait(1.0)  # no more may come
        assert len(broker.published) == count < 5_000 + 2 * 2_000 + 100
        node.readings(3)  # live ones go on
        until(lambda: len(broker.published) >= count + 4, what="live readings and a state")
        assert rss_mb() - before < 25
        assert len(node.publisher._flight) <= 200


def rss_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def test_live_readings_without_custody_do_not_close_the_way_for_the_backlog(path, mosquitto, monkeypatch):
    monkeypatch.setattr("gateway.publisher._UNCONFIRMED", 50)
    monkeypatch.setattr("gateway.publisher._LIVE_BYTES", 600)
    patient(monkeypatch)
    with edge_side(mosquitto.port, confirms=True) as edge, sender(path, mosquitto.port) as node:
        node.bulk(400, group=40)
        node.readings(60)
        node.publisher.start()
        until(lambda: node.publisher.drained, within_s=20, what="all to be confirmed")
        assert sorted(set(edge.seqs())) == list(range(1, 461))


def test_what_is_undated_waits_without_holding_up_what_is_dated_and_without_false_alarm(
    path, mosquitto, caplog
):
    clock = VirtualClock()
    with edge_side(mosquitto.port, confirms=True) as edge, sender(path, mosquitto.port, clock) as node:
        node.bulk(100, group=10)
        clock.reboot()
        node.again()
        node.bulk(7_000, group=100)  # more than may be on its way, and no clock
        node.publisher.start()
        until(lambda: len(edge.seqs()) == 100, what="the dated ones")
        threading.Event().wait(1.2)  # two patiences
        assert len(edge.seqs()) == 100
        assert "custody has not moved" not in caplog.text
        assert node.waiting == 7_000
        assert not node.publisher.outbox.on_its_way, "what waits may be thinned"
        began = time.monotonic()
        node.publisher.stop(5.0)
        assert time.monotonic() - began < 3, "nothing could be sent, so there is nothing to wait for"


def test_a_frozen_broker_costs_nothing_but_time(path, mosquitto):
    with (
        edge_side(mosquitto.port, confirms=True) as edge,
        sender(path, mosquitto.port, keepalive_s=1) as node,
    ):
        node.publisher.start()
        node.readings(3)
        until(lambda: node.publisher.drained, what="custody")
        mosquitto.freeze()
        node.readings(20, seen=BAD)
        until(lambda: not node.publisher.link.up, within_s=10, what="keepalive")
        mosquitto.thaw()
        until(lambda: node.publisher.drained, within_s=20, what="custody")
        assert sorted(set(edge.seqs())) == list(range(1, 24))


def test_a_retained_custody_from_before_frees_what_it_names_at_once(path, mosquitto):
    with sender(path, mosquitto.port) as node, edge_side(mosquitto.port) as edge:
        node.readings(4)
        said = encode(Custody(v=1, gw="gw-01", ep=node.journal.ep, seq=4))
        assert edge.link.publish(CUSTODY, said, retain=True)
        node.publisher.start()
        until(lambda: node.publisher.drained, what="the retained word to count")


def test_an_error_in_sending_ends_nothing(path, mosquitto, caplog, monkeypatch):
    monkeypatch.setattr("gateway.publisher._FAILURE_PAUSE_S", 0.1)
    with edge_side(mosquitto.port, confirms=True) as edge, sender(path, mosquitto.port) as node:
        real = node.dating.finish

        def once(*_):
            node.dating.finish = real
            raise RuntimeError("a bug")

        node.dating.finish = once
        node.readings(3)
        node.publisher.start()
        until(lambda: node.publisher.drained, within_s=15, what="custody")
        assert sorted(set(edge.seqs())) == [1, 2, 3]
    assert "a bug" in caplog.text
