"""The retained side of the feed says how things stand, to whoever comes later, and after a broker forgot."""

import signal
import subprocess
import sys

import pytest

from gateway.feed import decode_reading
from gateway.journal import Entry
from gateway.node import metas
from gateway.shown import Shown
from simulators.clock import VirtualClock
from tests.gateway.sending import CONFIG, OWN, edge_side, sender
from tests.gateway.times import BAD
from tests.parts.wait import until

HEAD = '{"v":1,"type":"WasteContainer","gw":"gw-01","ep":"aa","seq":1,'
BODY = HEAD + '"ts":"2026-11-23T05:40:%02d.000Z","q":"%s"}'


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr("gateway.publisher._TICK_S", 0.1)
    monkeypatch.setattr("gateway.feed.link._PAUSE_FIRST_S", 0.05)
    monkeypatch.setattr("gateway.feed.link._PAUSE_MOST_S", 0.4)


def entry(second, quality="good", asset="bin-1"):
    body = decode_reading((BODY % (second, quality)).encode())
    return Entry(f"waste/{asset}/telemetry", body, second * 1_000_000_000, 60.0)


def all_of(shown):
    said = {}
    while shown.say(lambda path, body: said.setdefault(path, body) is body):
        pass
    return said


def test_a_state_only_moves_forward_in_ts():
    shown = Shown(metas(CONFIG))
    for second in (5, 7, 6, 3):
        shown.committed([entry(second)])
    assert b":07.000Z" in all_of(shown)["waste/bin-1/state"]


def test_an_asset_of_which_nothing_comes_for_its_stale_after_is_a_fault_until_something_comes():
    known = metas(CONFIG)
    stale_s = next(meta.staleAfter for path, meta in known if path == "waste/bin-1/meta")
    shown = Shown(known)
    shown.committed([entry(1)])
    all_of(shown)
    shown.overdue(int((1 + stale_s) * 1e9))
    assert all_of(shown) == {}
    shown.overdue(int((2 + stale_s) * 1e9))
    said = all_of(shown)
    assert said == {"waste/bin-1/status": b"fault", "waste/bin-2/status": b"fault"}, "not of the node itself"
    shown.committed([entry(2)])
    assert all_of(shown)["waste/bin-1/status"] == b"online"


def test_an_undated_reading_is_no_state_but_its_fault_shows():
    undated = entry(0, "bad")
    undated.body.ts = "1970-01-01T00:00:00.000Z"
    shown = Shown(metas(CONFIG))
    shown.committed([undated])
    assert all_of(shown) == {"waste/bin-1/status": b"fault"}


def test_what_could_not_be_sent_is_due_again_and_newer_words_replace_older_ones():
    shown = Shown(metas(CONFIG))
    shown.committed([entry(1)])
    assert not shown.say(lambda *_: False)
    shown.committed([entry(2)])
    assert b":02.000Z" in all_of(shown)["waste/bin-1/state"]
    assert all_of(shown) == {}


def test_all_is_due_on_a_new_connection():
    shown = Shown(metas(CONFIG))
    shown.committed([entry(1)])
    all_of(shown)
    shown.again()
    assert sorted(all_of(shown)) == [
        "gateway/gw-01/meta",
        "gateway/gw-01/status",
        "waste/bin-1/meta",
        "waste/bin-1/state",
        "waste/bin-1/status",
        "waste/bin-2/meta",
        "waste/bin-2/status",
    ]


@pytest.mark.parts
def test_a_broker_that_forgot_everything_is_told_again_what_the_node_can_still_send(tmp_path, mosquitto):
    with sender(tmp_path / "node.db", mosquitto.port) as node:
        with edge_side(mosquitto.port) as edge:
            node.readings(3)
            node.publisher.start()
            until(lambda: len(edge.seqs()) == 3, what="all to arrive")
            edge.custody(node.journal.ep, 2)
            until(lambda: node.waiting == 1, what="custody")
        mosquitto.kill()
        node.publisher._idle = False
        mosquitto.start()
        until(lambda: "as node (p5" in mosquitto.log.rpartition("running")[2], what="the node to come back")
        until(lambda: node.publisher._idle and not node.publisher._flight, what="all PUBACKs")
        with edge_side(mosquitto.port, client_id="late") as late:
            until(lambda: late.last("waste/bin-1/state"), what="the state")
            until(lambda: late.last(OWN + "/meta"), what="the node's meta")
            assert all(retained for path, _, retained in late.heard if not path.endswith("/telemetry"))
            meta = late.last(OWN + "/meta")
            assert (meta.ep, meta.held) == (node.journal.ep, 3)
            assert late.last("waste/bin-2/meta").interval == 60
            assert late.last(OWN + "/status") == late.last("waste/bin-1/status") == "online"
            assert late.last("waste/bin-1/state").seq == 3


@pytest.mark.parts
def test_backfill_never_writes_a_state(tmp_path, mosquitto):
    clock = VirtualClock()
    with (
        edge_side(mosquitto.port, confirms=True) as edge,
        sender(tmp_path / "n.db", mosquitto.port, clock) as node,
    ):
        node.readings(50)
        node.publisher.start()
        until(lambda: node.publisher.drained, what="the backlog to be confirmed")
        node.readings(2, "bin-2")
        until(lambda: node.publisher.drained and edge.last("waste/bin-2/state"), what="the new ones")
        states = [body.seq for body in edge.of("state", "waste/bin-1")]
        assert states == [50]
        assert [body.ts for body in edge.of("state", "waste/bin-2")] == sorted(
            body.ts for body in edge.of("state", "waste/bin-2")
        )


@pytest.mark.parts
def test_a_bad_reading_shows_as_a_fault_until_a_good_one_comes(tmp_path, mosquitto):
    with edge_side(mosquitto.port, confirms=True) as edge, sender(tmp_path / "n.db", mosquitto.port) as node:
        node.publisher.start()
        for seen in ({}, {"seen": BAD}, {"seen": BAD}, {}):
            before = len(edge.of("state"))
            node.readings(1, **seen)
            until(lambda before=before: len(edge.of("state")) > before, what="the state")
        until(lambda: edge.of("status", "waste/bin-1")[-1] == "online", what="the end of the fault")
        changes = edge.of("status", "waste/bin-1")
        assert [word for word, next_ in zip(changes, [*changes[1:], None], strict=True) if word != next_] == [
            "online",
            "fault",
            "online",
        ]


@pytest.mark.parts
def test_a_clean_stop_says_offline_for_the_node_and_its_assets(tmp_path, mosquitto):
    with edge_side(mosquitto.port, confirms=True) as edge, sender(tmp_path / "n.db", mosquitto.port) as node:
        node.publisher.start()
        node.readings(1)
        until(lambda: node.publisher.drained, what="custody")
        node.publisher.stop()
        for path in (OWN, "waste/bin-1", "waste/bin-2"):
            until(lambda path=path: edge.last(path + "/status") == "offline", what=f"{path} to be offline")


KILLED = """
import sys, threading
from pathlib import Path
from tests.gateway.sending import Sender
node = Sender(Path(sys.argv[1]), int(sys.argv[2]))
node.publisher.start()
node.readings(1)
print("sending", flush=True)
threading.Event().wait()
"""


@pytest.mark.parts
def test_the_last_will_of_a_killed_node_says_offline(tmp_path, mosquitto):
    with edge_side(mosquitto.port) as edge:
        command = [sys.executable, "-c", KILLED, str(tmp_path / "n.db"), str(mosquitto.port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            until(lambda: edge.last(OWN + "/status") == "online", within_s=20, what="the node to be online")
            process.send_signal(signal.SIGKILL)
        until(lambda: edge.last(OWN + "/status") == "offline", what="the will")


@pytest.mark.parts
def test_retained_words_said_while_the_broker_is_away_do_not_pile_up(tmp_path, mosquitto):
    with sender(tmp_path / "n.db", mosquitto.port, keepalive_s=1) as node:
        node.publisher.start()
        until(lambda: node.publisher.link.up, what="the link")
        mosquitto.freeze()
        for seen in (BAD, None) * 150:
            node.readings(1, **({"seen": seen} if seen else {}))
        assert len(node.publisher._flight) <= 200
        mosquitto.thaw()
