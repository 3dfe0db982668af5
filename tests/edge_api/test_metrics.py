"""Metrics: Prometheus can read them, and they say what EdgeView says."""

from pathlib import Path

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from edge_api.config import Upstream
from edge_api.edge import Edge
from edge_api.lines import join_lines
from edge_api.metrics import Metrics
from edge_api.rollups.settings import Rollups
from gateway.spool import READINGS, Segment, span_of
from sensors.settings import Seconds
from tests.edge_api.conftest import Client
from tests.edge_api.edge_rig import PROVINCE, edge_config
from tests.edge_api.fake_edge import NOW_NS, FakeEdge
from tests.edge_api.rig import config
from tests.parts.wait import until

OLD = b"WasteContainer,asset=bin-1,commune=18562,domain=waste,province=42 fillingLevel=0.5"


def test_metrics_say_what_the_edge_counts(client: Client, edge: FakeEdge) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.data.decode())
        for sample in family.samples
    }
    assert found["commune_spool_points",] == 12366
    assert found["commune_received_total",] == 10
    assert found["commune_ready",] == 1
    assert found["commune_gaps", "quota"] == 1
    assert found["commune_relay_delivered_total", "province"] == 7
    assert found["commune_relay_waiting_points", "backlog", "province"] == 12345
    assert found["commune_relay_autonomy_seconds", "province"] == 168.5 * 3600
    assert found["commune_relay_state", "province", "retrying"] == 1
    assert found["commune_node_missing", "7f3a9c", "gw-01"] == 1
    assert found["process_resident_memory_bytes",] > 0
    edge.problem = "full"
    assert b"commune_ready 0.0" in client.get("/metrics").data


def test_an_edge_tells_a_monitor_how_many_readings_are_in_no_roll_up(tmp_path: Path) -> None:
    central = Upstream(name="central", url="http://127.0.0.1:1", what="rollups")
    upstreams = [config("http://127.0.0.1:1"), central]
    kept = Rollups(keep=Seconds(86_400))
    edge = Edge(replace(edge_config(tmp_path, PROVINCE, None, upstreams), rollups=kept), lambda: NOW_NS)
    at_ns = NOW_NS - 26 * 3600 * 10**9
    body = join_lines([b"%s %d" % (OLD, at_ns)])
    edge.spool.append([Segment(READINGS, 1, span_of([("gw-01", "aa", 1)]), body, at_ns, at_ns)])
    edge.start()
    try:
        until(lambda: edge.rollers[0].passed_over, what="the roller to look at the reading")
        text = Metrics(edge).text().decode()
    finally:
        edge.stop(0.0)
    assert 'commune_rollups_passed_over_total{upstream="central"} 1.0' in text
    assert text.count("commune_rollups_passed_over_total{") == 1, "where readings go up, none is passed over"
