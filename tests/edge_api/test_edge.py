"""Edges whole: whoever speaks Influx can feed one, an edge can feed the next, and nothing counts twice."""

import gzip
import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS

from edge_api.api.view import CannotCommit, NodeCounts, WriteBatch
from edge_api.config import Token
from edge_api.edge import Edge
from edge_api.lineprotocol import parse
from gateway.spool import Gap
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config, kept, seqs
from tests.edge_api.rig import STREAM, config, line, lines, segment
from tests.parts.http import ask
from tests.parts.influx2 import Influx2
from tests.parts.influx2_answers import unavailable
from tests.parts.wait import until

WRITE = {"org": "commune", "bucket": "commune", "precision": "ns"}


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, object]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = ask(port_of(url), "POST", "/api/v2/write", WRITE, body, named)
    return answer.status, json.loads(answer.body) if answer.body else {}


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[tuple[Edge, str]]:
    with edge_at_work(edge_config(tmp_path, PROVINCE), serve=True) as pair:
        yield pair


def test_three_levels_pass_everything_on_once(tmp_path: Path, influx2: Influx2) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    upper = edge_config(tmp_path / "a", PROVINCE, upstreams=[config(influx2.url)])
    with edge_at_work(upper, serve=True) as (province, url):
        middle = edge_config(tmp_path / "b", PROVINCE, upstreams=[config(url)])
        with edge_at_work(middle, serve=True) as (district, nearer):
            lower = edge_config(tmp_path / "c", upstreams=[config(nearer)])
            with edge_at_work(lower) as (commune, _):
                for first in range(1, 3001, 100):
                    commune.spool.append([segment(range(first, first + 100))])
                until(lambda: len(influx2.points) == 3000, within_s=20)
                until(lambda: all(e.relays[0].drained for e in (commune, district, province)))
                for each in (commune, district, province):
                    [node] = each.counters().nodes
                    assert node == NodeCounts(
                        gw="gw-01", ep="aa", taken=3000, committed=3000, delivered=3000, missing=0
                    )
    assert set(influx2.lines) == lines(range(1, 3001))
    assert influx2.repeats == 0


def test_a_batch_whose_answer_was_lost_counts_once_at_the_parent(edge: tuple[Edge, str]) -> None:
    this, url = edge
    body = gzip.compress(f"{line(1)}\n{line(2)}\n".encode())
    for _ in range(3):
        assert post(url, body, Content_Encoding="gzip") == (204, {})
    assert seqs(this) == [1, 2]
    assert (this.counters().committed, this.counters().duplicates) == (2, 4)


def test_the_influx_client_and_telegraf_can_feed_an_edge(edge: tuple[Edge, str]) -> None:
    this, url = edge
    with InfluxDBClient(url=url, token="any", org="commune", enable_gzip=True) as client:
        writer = client.write_api(write_options=SYNCHRONOUS)
        writer.write(
            bucket="commune", record=[Point("m").tag("asset", "x").field("v", n).time(n) for n in (1, 2)]
        )
        assert client.ping()
    assert post(
        url, b"cpu,host=pi usage=0.5 1795412300000000000\nmem,host=pi free=7i 1795412300000000000"
    ) == (204, {})
    assert kept(this) == [
        "m,asset=x v=1i 1", "m,asset=x v=2i 2",
        "cpu,host=pi usage=0.5 1795412300000000000", "mem,host=pi free=7i 1795412300000000000",
    ]  # fmt: skip


def test_a_wrong_body_leaves_nothing_and_says_why(edge: tuple[Edge, str]) -> None:
    this, url = edge
    good = [line(n) for n in range(1, 10)]
    status, said = post(url, "\n".join([*good[:6], "m v=", *good[6:]]).encode())
    assert status == 400
    assert said["line"] == 7
    assert str(said["message"]).startswith("line 7: unable to parse 'm v='")
    status, said = post(url, gzip.compress(good[0].encode())[:-3], Content_Encoding="gzip")
    assert (status, str(said["message"])[:5]) == (400, "gzip:")
    assert not kept(this)


def test_a_hundred_megabytes_are_refused_and_the_edge_goes_on(edge: tuple[Edge, str]) -> None:
    this, url = edge
    connection = http.client.HTTPConnection("127.0.0.1", port_of(url), timeout=20)
    piece = (line(1) + "\n").encode() * 8_000
    try:
        connection.request("POST", "/api/v2/write", (piece for _ in range(100_000_000 // len(piece))))
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # it hung up while we were still sending
    finally:
        connection.close()
    assert status == 413
    bomb = gzip.compress(bytes(100_000_000))
    assert post(url, bomb, Content_Encoding="gzip")[0] == 413
    assert post(url, line(1).encode())[0] == 204
    assert len(kept(this)) == 1


def test_only_a_token_with_the_scope_opens_an_edge(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"right").hexdigest()
    tokens = [Token(name="child", sha256=digest, scopes=["ingest"])]
    with edge_at_work(edge_config(tmp_path, PROVINCE, tokens=tokens), serve=True) as (edge, url):
        assert post(url, line(1).encode(), Authorization="Token wrong")[0] == 401
        assert post(url, line(1).encode())[0] == 401
        assert post(url, line(1).encode(), Authorization="Token right")[0] == 204
        assert edge.token_ok("", "read")
    assert not edge.token_ok("", "ingest")


def test_a_child_with_a_wrong_token_holds_and_goes_on_when_it_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_api.pace.HOLD_S", 0.05)
    digest = hashlib.sha256(b"right").hexdigest()
    (tmp_path / "token").write_text("wrong\n")
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "child").mkdir()
    tokens = [Token(name="child", sha256=digest, scopes=["ingest"])]
    with edge_at_work(edge_config(tmp_path, PROVINCE, tokens=tokens), serve=True) as (parent, url):
        up = config(url, token_file=tmp_path / "token")
        with edge_at_work(edge_config(tmp_path / "child", upstreams=[up])) as (child, _):
            child.spool.append([segment([1])])
            until(lambda: child.relays[0].state.value == "holding")
        (tmp_path / "token").write_text("right\n")
        with edge_at_work(edge_config(tmp_path / "child", upstreams=[up])) as (child, _):
            until(lambda: child.relays[0].drained)
            assert seqs(parent) == [1]


def test_counters_tell_delivered_from_committed_and_gaps_from_both(tmp_path: Path, influx2: Influx2) -> None:
    influx2.always(unavailable())
    with edge_at_work(edge_config(tmp_path, upstreams=[config(influx2.url)])) as (edge, _):
        edge.spool.append(
            [segment(range(11, 21))], gaps=[Gap(STREAM, 1, 4, "released"), Gap(STREAM, 5, 8, "quota")]
        )
        [node] = edge.counters().nodes
        assert (node.taken, node.committed, node.delivered, node.missing) == (20, 10, 0, 4 + 2)
        influx2.always(None)
        until(lambda: edge.counters().nodes[0].delivered == 10)
        influx2.always(unavailable())
        edge.spool.append([segment([21])])
        assert edge.counters().nodes[0].delivered == 10


def test_what_is_delivered_is_unknown_with_a_long_backlog_and_known_again_after_it(
    tmp_path: Path, influx2: Influx2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_api.outbox._MOST_LOOKED_AT", 5)
    with edge_at_work(edge_config(tmp_path)) as (edge, _):
        for seq in range(1, 11):
            edge.spool.append([segment([seq])])
        assert edge.counters().nodes[0].delivered is None, "there is no upstream"
    influx2.always(unavailable())
    with edge_at_work(edge_config(tmp_path, upstreams=[config(influx2.url)]), serve=True) as (edge, url):
        assert edge.counters().nodes[0].delivered is None
        assert "commune_node_delivered_total{" not in ask(port_of(url), "GET", "/metrics").text
        assert ask(port_of(url), "GET", "/").status == 200
        influx2.always(None)
        until(lambda: edge.counters().nodes[0].delivered == 10, within_s=20)


@pytest.mark.slow
def test_metrics_and_page_are_quick_with_a_long_backlog(tmp_path: Path, influx2: Influx2) -> None:
    influx2.always(unavailable(3600))
    with edge_at_work(edge_config(tmp_path, upstreams=[config(influx2.url)]), serve=True) as (edge, url):
        for first in range(1, 40_001, 2000):
            edge.spool.append([segment([seq]) for seq in range(first, first + 2000)])
        for path in ("/metrics", "/", "/v1/relay"):
            began = time.monotonic()
            assert ask(port_of(url), "GET", path).status == 200
            assert time.monotonic() - began < 2.0, path


def test_too_much_at_once_is_refused_with_retry_after_and_mqtt_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_api.asked._MOST_WAITING", 3)
    with edge_at_work(edge_config(tmp_path)) as (edge, _):
        go = threading.Event()
        append = edge.spool.append
        monkeypatch.setattr(edge.spool, "append", lambda *a, **k: go.wait(10) and append(*a, **k))
        batch = WriteBatch(gzip.compress(b"m v=1 1\nm v=2 2\n"), parse(b"m v=1 1\nm v=2 2\n"))
        first = edge.submit(batch)
        with pytest.raises(CannotCommit, match="too much waits") as said:
            edge.submit(batch)
        assert said.value.retry_after_s > 0
        go.set()
        first.result(10)
        edge.submit(batch).result(10)


def test_an_edge_that_is_stopping_leaves_batches_with_their_senders(tmp_path: Path) -> None:
    with edge_at_work(edge_config(tmp_path)) as (edge, _):
        edge.committer.stop()
        with pytest.raises(CannotCommit, match="closing"):
            edge.submit(WriteBatch(b"", parse(b"m v=1 1")))


def test_a_stop_is_bounded_with_several_silent_upstreams(tmp_path: Path) -> None:
    with Influx2() as one, Influx2() as two:
        for part in (one, two):
            part.always(unavailable(3600))
        ups = [config(one.url, "one"), config(two.url, "two")]
        edge = Edge(edge_config(tmp_path, upstreams=ups))
        edge.start()
        edge.spool.append([segment([1])])
        until(lambda: one.requests and two.requests)
        began = time.monotonic()
        edge.stop(1.0)
        assert time.monotonic() - began < 4


def test_many_children_at_once_all_get_their_answer(edge: tuple[Edge, str]) -> None:
    this, url = edge
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda n: post(url, line(n).encode())[0], range(1, 201)))
    assert found == [204] * 200
    assert sorted(seqs(this)) == list(range(1, 201))
    assert this.counters().commits < 200
