"""The feed on a real broker: acknowledged when it is on disk, refused with a reason, never lost."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.feed.link import RECEIVE_MAXIMUM
from simulators.demo.brokers import broker as demo_broker
from tests.edge_api.edge_rig import (
    BIN,
    NODE,
    edge_at_work,
    edge_config,
    meta,
    publisher,
    reading,
    seqs,
)
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

pytestmark = pytest.mark.parts

GENEROUS = ["max_queued_messages 0", "max_inflight_messages 20"]


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto(GENEROUS, persistence=True) as part:
        yield part


def pubacks(broker: Mosquitto) -> int:
    """How many messages the edge has acknowledged."""
    return broker.log.count("Received PUBACK from edge-commune-18562")


def connected(broker: Mosquitto, times: int = 1) -> None:
    subscribed = "Sending SUBACK to edge-commune-18562"
    until(lambda: broker.log.count(subscribed) >= times, within_s=20, what="the edge to hear the broker")


def test_nothing_is_acknowledged_before_it_is_on_disk(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.spool.committer._RETRY_MOST_S", 0.1)
    with edge_at_work(edge_config(tmp_path, port=broker.port)) as (edge, _), publisher(broker.port) as node:
        connected(broker)
        append, full = edge.spool.append, threading.Event()

        def no_room(*_: object, **__: object) -> None:
            full.set()
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(edge.spool, "append", no_room)
        node.say(f"{NODE}/meta", meta(held=1), retain=True)
        for seq in range(1, 51):
            node.say(BIN, reading(seq))
        until(lambda: edge.committer.failing)
        until(lambda: edge.mqtt and edge.mqtt.received == 51)
        assert edge.info().problem == "database or disk is full"
        assert pubacks(broker) == 1, "the meta only"
        assert not node.heard
        monkeypatch.setattr(edge.spool, "append", append)
        until(lambda: node.custody() == 50)
        assert sorted(seqs(edge)) == list(range(1, 51))
        until(lambda: pubacks(broker) == 51)
        assert edge.info().problem is None


def test_what_an_edge_had_not_committed_when_it_ended_is_delivered_again(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with publisher(broker.port) as node:
        with edge_at_work(edge_config(tmp_path, port=broker.port)) as (edge, _):
            connected(broker)
            monkeypatch.setattr(edge.spool, "append", _never)
            for seq in range(1, 31):
                node.say(BIN, reading(seq))
            until(lambda: edge.mqtt and edge.mqtt.received == 30)
        assert not pubacks(broker)
        with edge_at_work(edge_config(tmp_path, port=broker.port)) as (edge, _):
            until(lambda: sorted(seqs(edge)) == list(range(1, 31)))


def _never(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_repeats_are_acknowledged_and_kept_once(broker: Mosquitto, tmp_path: Path) -> None:
    with edge_at_work(edge_config(tmp_path, port=broker.port)) as (edge, _), publisher(broker.port) as node:
        connected(broker)
        for seq in (1, 2, 2, 1, 3, 1):
            node.say(BIN, reading(seq))
        until(lambda: pubacks(broker) == 6)
        assert sorted(seqs(edge)) == [1, 2, 3]
        assert edge.counters().duplicates == 3


def but(number: int, /, **wrong: object) -> bytes:
    return json.dumps({**reading(number), **wrong}).encode()


# What is published, where (below ntm/v1/), and what the reason in quarantine must say.
REFUSED = [
    ("42/18562/waste/bin-1/telemetry", b"{", "truncated"),
    ("42/18562/waste/bin-1/telemetry", b"[1]", "Expected `object`"),
    ("42/18562/waste/bin-1/telemetry", b"null", "Expected `object`"),
    ("42/18562/waste/bin-1/telemetry", b'{"type":"\xff"}', "not a reading of ntm/v1"),
    ("42/18562/waste/bin-1/telemetry", but(100, temperature=float("nan")), "invalid character"),
    ("42/18562/waste/bin-1/telemetry", but(101, fillingLevel="full"), "got `str` - at `$.fillingLevel`"),
    ("42/18562/waste/bin-1/telemetry", but(102, temperature=None), "got `null` - at `$.temperature`"),
    ("42/18562/waste/bin-1/telemetry", but(103, cargoWeight={}), "got `object` - at `$.cargoWeight`"),
    ("42/18562/waste/bin-1/telemetry", but(104, fillingLevel=1.5), "<= 1.0 - at `$.fillingLevel`"),
    (
        "42/18562/waste/bin-1/telemetry",
        but(105, ts="1970-01-01T00:00:05.000Z"),
        "clock of the node is not set",
    ),
    ("42/18562/waste/bin-1/telemetry", but(106, ts="today"), "ts 'today' is not an RFC 3339 time"),
    ("42/18562/waste/bin-1/telemetry", but(107, gw="GW 01"), "at `$.gw`"),
    ("42/18562/waste/bin-1/telemetry", but(117, ep="aa\n"), "at `$.ep`"),
    ("42/18562/waste/bin-1/telemetry", but(108, seq=-1), "at `$.seq`"),
    ("42/18562/waste/bin-1/telemetry", but(109, v=2), "at `$.v`"),
    ("42/18562/waste/bin-1/telemetry", but(110, q="splendid"), "at `$.q`"),
    ("42/18562/waste/bin-1/telemetry", but(111, type="Banana"), "Banana"),
    ("42/18562/waste/bin-1/telemetry", but(112, type="Streetlight"), "does not belong to domain waste"),
    ("42/18562/waste/Bin_1/telemetry", but(113), "asset 'Bin_1' is not made of a-z"),
    ("42/18562/air/bin-1/telemetry", but(114), "domain 'air' is none of"),
    ("vn/18562/waste/bin-1/telemetry", but(115), "province 'vn' is not a 2-digit"),
    ("42/18563/waste/bin-1/telemetry", but(116), "topic of commune 18563; this edge serves 18562"),
    ("43/18562/waste/bin-1/telemetry", but(117), "topic of province 43; this edge serves 42"),
    ("42/18562/gateway/gw-01/meta", b"{}", "missing required field `v`"),
    (
        "42/18562/gateway/gw-01/event",
        json.dumps({**reading(118), "type": "gap", "id": "g", "from": 9, "to": 3}).encode(),
        "from is not above to",
    ),
]


def test_each_broken_message_is_quarantined_with_what_is_wrong_and_its_neighbours_pass(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with edge_at_work(edge_config(tmp_path, port=broker.port)) as (edge, _), publisher(broker.port) as node:
        connected(broker)
        for number, (place, body, _) in enumerate(REFUSED, 1):
            node.say(f"ntm/v1/{place}", body)
            node.say(BIN, reading(number))
        until(lambda: pubacks(broker) == 2 * len(REFUSED))
        assert sorted(seqs(edge)) == list(range(1, len(REFUSED) + 1))
        rows = edge.spool.query("SELECT place, body, reason FROM quarantine WHERE source = 'mqtt'")
    found = {(place, body): reason for place, body, reason in rows}
    assert len(found) == len(rows) == len(REFUSED)
    for place, body, reason in REFUSED:
        assert reason in found[f"ntm/v1/{place}", body]


def test_what_a_broken_message_says_of_its_number_does_not_hold_up_custody(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with edge_at_work(edge_config(tmp_path, port=broker.port)) as (_edge, _), publisher(broker.port) as node:
        connected(broker)
        node.say(f"{NODE}/meta", meta(held=1))
        node.say(BIN, reading(1))
        node.say(BIN, reading(3))
        until(lambda: node.custody() == 1)
        node.say(BIN, reading(2, temperature="hot"))
        until(lambda: node.custody() == 3)


def test_retained_metas_and_statuses_are_known_to_an_edge_that_starts_later(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with publisher(broker.port) as node:
        node.say(f"{NODE}/meta", meta(held=7), retain=True)
        node.say(f"{NODE}/status", b"online", retain=True)
        with edge_at_work(edge_config(tmp_path, port=broker.port)) as (edge, _):
            until(lambda: node.custody() == 6)
            until(lambda: [asset.status for asset in edge.history.latest()] == ["online"])
            assert edge.history.latest()[0].name == "Nút 1"


def test_a_broker_that_lost_everything_is_subscribed_to_and_told_custody_again(tmp_path: Path) -> None:
    with Mosquitto(GENEROUS) as broker, edge_at_work(edge_config(tmp_path, port=broker.port)) as _:
        connected(broker)
        with publisher(broker.port) as node:
            node.say(f"{NODE}/meta", meta(held=1))
            node.say(BIN, reading(1))
            until(lambda: node.custody() == 1)
        broker.kill()
        broker.start()
        connected(broker, times=2)
        with publisher(broker.port) as node:
            until(lambda: node.custody() == 1)
            node.say(BIN, reading(2))
            until(lambda: node.custody() == 2)


def test_slow_commits_are_not_held_to_the_brokers_window(broker: Mosquitto, tmp_path: Path) -> None:
    count = 8_000
    with edge_at_work(edge_config(tmp_path, port=broker.port)) as (edge, _), publisher(broker.port) as node:
        connected(broker)
        append = edge.spool.append

        def slow(*them: object, **more: object) -> object:
            threading.Event().wait(0.2)
            return append(*them, **more)  # type: ignore[arg-type]

        edge.spool.append = slow  # type: ignore[method-assign, assignment]
        for seq in range(1, count + 1):
            node.say(BIN, reading(seq))
        until(lambda: edge.intake.counts.committed == count, within_s=60)
        commits = edge.intake.counts.commits
        edge.spool.append = append  # type: ignore[method-assign]
    assert count / commits > 100, f"{commits} commits: about {RECEIVE_MAXIMUM} may be on their way"


def test_a_broker_that_speaks_only_3_1_1_is_heard(tmp_path: Path) -> None:
    with demo_broker("embedded", tmp_path) as (_, port), publisher(port, protocol=4) as node:
        began = time.monotonic()
        node.say(f"{NODE}/meta", meta(held=1), retain=True)
        with edge_at_work(edge_config(tmp_path, port=port)) as (edge, _):
            until(edge.history.latest, within_s=20, what="the edge to be subscribed")
            for seq in range(1, 201):
                node.say(BIN, reading(seq))
            until(lambda: node.custody() == 200, within_s=20)
            assert sorted(seqs(edge)) == list(range(1, 201))
        assert time.monotonic() - began < 30
