"""What a monitor may know of an edge: Prometheus metrics, read from the EdgeView when asked for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_api.api.view import Certificate, Counters, EdgeView, Gap, RelayStatus

if TYPE_CHECKING:
    from edge_api.province.office import Office

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = {
    "received": "Readings and events that arrived, by MQTT or HTTP",
    "committed": "Readings and events that are on this edge's disk",
    "duplicates": "Readings and events that arrived again and were known",
    "refused": "Messages and lines that break the contract",
    "commits": "Group commits",
    "thinned": "Readings given up here for want of room, since the spool began",
}
_GAUGES = {
    "spool_points": "Points on disk that are not confirmed by every upstream",
    "spool_bytes": "Bytes of the spool",
    "spool_used_bytes": "Bytes of the disk that the spool uses",
    "spool_limit_bytes": "Bytes of the disk that the spool may use now",
    "disk_free_bytes": "Bytes free on the disk of the spool",
}
_NODE_COUNTERS = {
    "taken": "Readings and events that a node took, as far as the edge knows",
    "committed": "Readings and events of a node that are on this edge's disk",
    "delivered": "Readings and events of a node that every upstream has confirmed",
}


_PARTS_OF_THE_DAY = {
    "late": "Readings of today that came late",
    "uncertain": "Readings of today that are doubtful",
    "bad": "Readings of today that have no value",
}


class Metrics:
    """The registry of one edge; two edges in one process do not mix."""

    def __init__(self, edge: EdgeView) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_EdgeCollector(edge))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _EdgeCollector(Collector):
    def __init__(self, edge: EdgeView) -> None:
        self._edge = edge

    def collect(self) -> Iterator[Metric]:
        edge = self._edge
        info = edge.info()
        yield InfoMetricFamily(
            "commune_edge",
            "Which edge this is",
            {
                "level": info.level,
                "province": info.province,
                "commune": info.commune,
                "name": info.name,
                "version": info.version,
            },
        )
        yield GaugeMetricFamily("commune_ready", "1 while the edge can take custody", float(not info.problem))
        yield from _totals(edge.counters())
        yield from _relay(edge.relay_status())
        yield _gaps(edge.gaps())
        yield _certificates(edge.certificates())
        yield from _alarms(edge)
        if edge.office is not None:
            yield from _programme(edge.office, edge.now_ns())
        yield GaugeMetricFamily(
            "commune_history_assets", "Assets known to history", len(edge.history.latest())
        )


def _certificates(certificates: Sequence[Certificate]) -> Metric:
    family = GaugeMetricFamily(
        "commune_certificate_days_left", "Days until a certificate or list ends", labels=["file"]
    )
    for each in certificates:
        if each.days_left is not None:
            family.add_metric([each.what], each.days_left)
    return family


def _totals(counters: Counters) -> Iterator[Metric]:
    for name, text in _COUNTERS.items():
        yield CounterMetricFamily(f"commune_{name}", text, getattr(counters, name))
    for name, text in _GAUGES.items():
        yield GaugeMetricFamily(f"commune_{name}", text, getattr(counters, name))
    for name, text in _NODE_COUNTERS.items():
        family = CounterMetricFamily(f"commune_node_{name}", text, labels=["gw", "ep"])
        for node in counters.nodes:
            if getattr(node, name) is not None:
                family.add_metric([node.gw, node.ep], getattr(node, name))
        yield family
    missing = GaugeMetricFamily(
        "commune_node_missing", "Readings and events of a node known to be missing", labels=["gw", "ep"]
    )
    for node in counters.nodes:
        missing.add_metric([node.gw, node.ep], node.missing)
    yield missing
    aside = GaugeMetricFamily(
        "commune_node_quarantined",
        "Readings and events of a node that are in quarantine",
        labels=["gw", "ep"],
    )
    for node in counters.nodes:
        aside.add_metric([node.gw, node.ep], node.quarantined)
    yield aside


def _programme(office: "Office", now_ns: int) -> Iterator[Metric]:
    expected = GaugeMetricFamily(
        "commune_expected_readings", "Readings a commune should have sent today so far", labels=["commune"]
    )
    present = GaugeMetricFamily("commune_present_readings", "Those that are here", labels=["commune"])
    parts = {
        name: GaugeMetricFamily(f"commune_{name}_readings", text, labels=["commune"])
        for name, text in _PARTS_OF_THE_DAY.items()
    }
    missing = GaugeMetricFamily(
        "commune_missing_readings", "Readings of today that are not here", labels=["commune", "reason"]
    )
    silent = GaugeMetricFamily(
        "commune_silent_assets", "Assets whose last reading no longer counts", labels=["commune"]
    )
    for place, count in office.silent_counts(now_ns).items():
        silent.add_metric([place], count)
    for row in office.today(now_ns):
        expected.add_metric([row.commune], row.expected)
        present.add_metric([row.commune], row.present)
        for name, family in parts.items():
            family.add_metric([row.commune], getattr(row, name))
        for reason, count in sorted(row.reasons.items()):
            missing.add_metric([row.commune, reason], count)
    yield from (expected, present, *parts.values(), missing, silent)
    yield GaugeMetricFamily(
        "commune_days_to_count", "Days of assets that are to be counted anew", office.keeper.waiting
    )


def _alarms(edge: EdgeView) -> Iterator[Metric]:
    by_severity, unseen = edge.alarms.counts()
    opened = GaugeMetricFamily("commune_alarms_open", "Alarms that are open", labels=["severity"])
    for severity in ("info", "warning", "critical"):
        opened.add_metric([severity], by_severity.get(severity, 0))
    yield opened
    yield GaugeMetricFamily(
        "commune_alarms_unacknowledged", "Open alarms that nobody has acknowledged", float(unseen)
    )


def _gaps(known: Sequence[Gap]) -> Metric:
    family = GaugeMetricFamily(
        "commune_gaps", "Ranges of readings, and stretches of time, known to be missing", labels=["reason"]
    )
    for reason, count in sorted(Counter(gap.reason for gap in known).items()):
        family.add_metric([reason], count)
    return family


def _relay(relay: RelayStatus) -> Iterator[Metric]:
    points = GaugeMetricFamily(
        "commune_relay_waiting_points", "Points that wait", labels=["upstream", "lane"]
    )
    size = GaugeMetricFamily("commune_relay_waiting_bytes", "Bytes that wait", labels=["upstream", "lane"])
    age = GaugeMetricFamily(
        "commune_relay_oldest_age_seconds", "Age of the oldest that waits", labels=["upstream"]
    )
    autonomy = GaugeMetricFamily(
        "commune_relay_autonomy_seconds", "How long the disk will last without the link", labels=["upstream"]
    )
    state = GaugeMetricFamily("commune_relay_state", "1 for the state it is in", labels=["upstream", "state"])
    delivered = CounterMetricFamily(
        "commune_relay_delivered", "Points that were confirmed", labels=["upstream"]
    )
    quarantined = CounterMetricFamily(
        "commune_relay_quarantined", "Lines that the upstream refused for good", labels=["upstream"]
    )
    passed_over = CounterMetricFamily(
        "commune_rollups_passed_over",
        "Readings in no roll-up: too old for any hour, or too far ahead",
        labels=["upstream"],
    )
    for upstream in relay.upstreams:
        name = upstream.name
        for lane in ("events", "live", "backlog"):
            points.add_metric([name, lane], getattr(upstream.lanes, lane).points)
            size.add_metric([name, lane], getattr(upstream.lanes, lane).bytes)
        if upstream.oldest_age_s is not None:
            age.add_metric([name], upstream.oldest_age_s)
        if upstream.autonomy_hours is not None:
            autonomy.add_metric([name], upstream.autonomy_hours * 3600)
        state.add_metric([name, upstream.state], 1)
        delivered.add_metric([name], upstream.delivered)
        quarantined.add_metric([name], upstream.quarantined)
        if upstream.passed_over is not None:
            passed_over.add_metric([name], upstream.passed_over)
    yield from (points, size, age, autonomy, state, delivered, quarantined, passed_over)
