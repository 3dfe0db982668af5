"""Metrics: Prometheus can read them, and they say what EdgeView says."""

from prometheus_client.parser import text_string_to_metric_families

from tests.edge_api.conftest import Client
from tests.edge_api.fake_edge import FakeEdge


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
