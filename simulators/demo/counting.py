"""Counts what has arrived at the province, by asking the province: its own store, or the real database."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import urllib3
from isal import igzip

from edge_api.lineprotocol import parse
from gateway.feed import TYPES
from gateway.spool import EVENTS, READINGS, Spool
from sensors.errors import ConfigError

Identity = tuple[str, str, int]
MEASUREMENTS = (*TYPES, "Alert")


@dataclass(slots=True)
class Arrived:
    """Points found, the identities they carry, and how many points of each measurement."""

    points: int = 0
    identities: set[Identity] = field(default_factory=set)
    by_measurement: Counter[str] = field(default_factory=Counter)

    @property
    def duplicates(self) -> int:
        """Points beyond one for each identity: the same reading twice under different keys."""
        return self.points - len(self.identities)

    def add(self, measurement: str, identity: Identity) -> None:
        """Count one point."""
        self.points += 1
        self.identities.add(identity)
        self.by_measurement[measurement] += 1


def in_spool(spool: Spool, eps: set[str]) -> Arrived:
    """Count what an edge without an upstream holds. Equal points count once, as in a database."""
    found = Arrived()
    keys: set[tuple[Any, ...]] = set()
    for lane in (EVENTS, READINGS):
        for head in spool.heads(lane, 0, spool.last_id, spool.last_id + 1):
            for point in parse(igzip.decompress(spool.body(head.id))):
                key = (point.measurement, tuple(sorted(point.tags.items())), point.ts_ns)
                if key not in keys and point.fields.get("ep") in eps:
                    keys.add(key)
                    identity = (str(point.fields["gw"]), str(point.fields["ep"]), int(point.fields["seq"]))
                    found.add(point.measurement, identity)
    return found


def in_influx_v1(url: str, database: str, eps: set[str], login: tuple[str, str] | None = None) -> Arrived:
    """Ask an InfluxDB 1.x by InfluxQL."""
    found = Arrived()
    headers = urllib3.make_headers(basic_auth=":".join(login)) if login else {}
    for measurement in MEASUREMENTS:
        query = f'SELECT gw, ep, seq FROM "{measurement}" GROUP BY *'  # noqa: S608 - InfluxQL, our own names
        answer = _ask("GET", url.rstrip("/") + "/query", {"db": database, "q": query}, headers)
        for series in answer["results"][0].get("series", []):
            for _, gw, ep, seq in series["values"]:
                if ep in eps:
                    found.add(measurement, (gw, ep, seq))
    return found


def in_influx_v2(url: str, token: str, org: str, bucket: str, eps: set[str]) -> Arrived:
    """Ask an InfluxDB 2 by Flux."""
    from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415 - slow to load

    found = Arrived()
    flux = (
        f'from(bucket: "{bucket}") |> range(start: 0) '
        '|> filter(fn: (r) => r._field == "gw" or r._field == "ep" or r._field == "seq") '
        '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
    )
    with InfluxDBClient(url=url, token=token, org=org) as client:
        for table in client.query_api().query(flux):
            for record in table.records:
                if record["ep"] in eps:
                    found.add(record.get_measurement(), (record["gw"], record["ep"], int(record["seq"])))
    return found


def is_victoria(url: str) -> bool:
    """Whether a VictoriaMetrics answers there: it speaks v2 for writing, but neither Flux nor InfluxQL."""
    answer = urllib3.request("GET", url.rstrip("/") + "/metrics", timeout=10.0)
    return b"\nvm_" in answer.data


def in_victoria(url: str, gateways: dict[str, str], eps: dict[str, str], start_ms: int) -> Arrived:
    """Ask a VictoriaMetrics for its series of `seq`; it keeps no texts, so assets name their gateway."""
    found = Arrived()
    pool = urllib3.PoolManager()
    for measurement in MEASUREMENTS:
        answer = pool.request(
            "GET",
            url.rstrip("/") + "/api/v1/export",
            fields={"match[]": f"{measurement}_seq", "start": str(start_ms / 1000)},
        )
        for line in answer.data.splitlines():
            row = msgspec.json.decode(line)
            gw = gateways.get(row["metric"]["asset"])
            if gw is not None:
                for value in row["values"]:
                    found.add(measurement, (gw, eps[gw], int(value)))
    return found


def _ask(method: str, url: str, fields: dict[str, str], headers: dict[str, str]) -> Any:
    answer = urllib3.request(method, url, fields=fields, headers=headers, timeout=30.0)
    if answer.status != 200:
        raise ConfigError(f"{url} answers {answer.status}: {answer.data.decode('utf-8', 'replace')[:300]}")
    return msgspec.json.decode(answer.data)


def missing(taken: Iterable[Identity], arrived: Arrived) -> list[Identity]:
    """Return the readings that were taken and are not there."""
    return sorted(set(taken) - arrived.identities)
