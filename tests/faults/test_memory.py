"""An hour of a commune's traffic leaves the edge's memory where it was."""

import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.feed import encode, from_ns
from gateway.feed.bodies import WasteContainer
from tests.faults.backlog import START_NS
from tests.faults.rig import EdgeProgram, NodeProgram, mqtt_table, v1_upstream
from tests.faults.test_kills import SITE
from tests.faults.test_long_outage import rss_mb
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

ASSETS = 300
TEN_MINUTES = 10 * ASSETS


def publish(port: int, first: int, count: int) -> None:
    """Send readings of 300 bins, a minute apart each, as fast as the broker takes them."""
    room = threading.Semaphore(200)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_publish = lambda *_: room.release()
    client.connect("127.0.0.1", port)
    client.loop_start()
    for seq in range(first, first + count):
        asset, minute = seq % ASSETS, seq // ASSETS
        at_ns = START_NS + minute * 60_000_000_000 + asset * 1_000_000
        body = WasteContainer(
            v=1, ts=from_ns(at_ns), gw="gw-09", ep="ab", seq=seq, q="good", fillingLevel=0.5, temperature=31.0
        )
        room.acquire()
        client.publish(f"ntm/v1/42/18562/waste/bin-{asset:04}/telemetry", encode(body), qos=1)
    for _ in range(200):
        room.acquire()
    client.disconnect()
    client.loop_stop()


@pytest.mark.parts
@pytest.mark.timeout(200)
def test_an_edges_memory_is_flat_over_an_hour_of_traffic_and_a_node_is_small(tmp_path: Path) -> None:
    lines = ["max_queued_messages 0", "max_inflight_messages 0"]
    with Mosquitto(lines) as broker, InfluxDB() as database:
        extra = mqtt_table(broker) + v1_upstream(database)
        with EdgeProgram(tmp_path / "e", SITE, extra=extra) as edge:
            rest_mb = rss_mb(edge.pid)
            sizes = []
            for ten in range(6):
                first = 1 + ten * TEN_MINUTES
                publish(broker.port, first, TEN_MINUTES)
                last = first + TEN_MINUTES - 1
                until(
                    lambda last=last: last in edge.seen(("gw-09", "ab")), within_s=60, what="all to be taken"
                )
                until(edge.drained, within_s=60, what="all to be delivered")
                sizes.append(rss_mb(edge.pid))
            assert database.count("WasteContainer", "seq") == 6 * TEN_MINUTES
            with NodeProgram(tmp_path / "n", broker) as node:
                until(lambda: len(node.taken()) > 30, within_s=60, what="the node to read")
                node_mb = rss_mb(node.pid)
    print(f"edge at rest {rest_mb:.0f} MB, after each ten minutes {[round(size) for size in sizes]}")
    print(f"simulated node (with its worlds) {node_mb:.0f} MB")
    assert sizes[-1] < sizes[1] * 1.1
