"""A node fits an old Pi beside an edge and a broker: what it loads, and what it takes at rest and at work."""

import json
import subprocess
import sys
import threading

import pytest

from simulators.clock import VirtualClock
from tests.gateway.nodes import RealNode
from tests.gateway.sending import edge_side
from tests.gateway.times import Desk
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

DRAIN_MB = 4.0  # what a window of messages on their way takes for a while
MOST_MB = 45.0  # a Pi with 512 MB has room for more, an old one shared with an edge and a broker has not


def test_a_node_loads_nothing_of_an_edge_or_of_sqlmodel():
    program = (
        "import sys, gateway.node, gateway.cli, sensors.io.pi; from sensors import registry\n"
        "registry.driver('pi-health')\n"
        "heavy = {'sqlmodel', 'sqlalchemy', 'pydantic', 'fastapi', 'uvicorn', 'jinja2', 'influxdb_client',"
        " 'edge_api', 'simulators'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parts
def test_a_node_stays_small_at_rest_and_while_it_drains_a_hundred_thousand(tmp_path, record_property):
    with Mosquitto(["max_queued_messages 0"]) as broker:
        (tmp_path / "rest").mkdir()
        with RealNode(tmp_path / "rest", broker.port) as node:
            threading.Event().wait(3)  # to be at rest
            rest = node.rss_mb
        (tmp_path / "load").mkdir()
        desk = fill(tmp_path / "load" / "node.db", 100_000)
        most = 0.0
        with (
            edge_side(broker.port, confirms=False) as edge,
            RealNode(tmp_path / "load", broker.port) as node,
        ):
            until(edge.seqs, within_s=20, what="the drain to begin")
            seen = 0
            while len(edge.seen) < 100_000:
                most = max(most, node.rss_mb)
                mark = mark_of(edge.seen, seen)
                if mark > seen:
                    seen = mark
                    edge.custody(desk, mark)
                threading.Event().wait(0.05)  # between two looks
        print(json.dumps({"rss_mb": {"rest": rest, "drain": most}}))
        record_property("rss_mb", f"{rest:.1f} {most:.1f}")
        assert rest <= MOST_MB
        assert most <= MOST_MB + DRAIN_MB


def mark_of(seen, start):
    mark = start
    while mark + 1 in seen:
        mark += 1
    return mark


def fill(path, count):
    """Make a spool in which so many dated readings wait; return its name."""
    desk = Desk(path, VirtualClock())
    desk.bulk(count, group=1_000)
    desk.spool.close()
    return desk.journal.ep
