"""The write API: InfluxDB's answers, and nothing of a batch counts before all of it does."""

import gzip
import http.client
import json
import socket
from typing import Any

import pytest
from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS

from edge_api.api.view import CannotCommit, SpoolFull
from edge_api.ingest.body import BodyError, TooLarge, gunzip, read_batch
from tests.edge_api.conftest import Client
from tests.edge_api.fake_edge import NOW_NS, WRITER, FakeEdge
from tests.parts.wait import until

LINE = b'WasteContainer,asset=bin-1,domain=waste fillingLevel=0.5,q="good" 1795412300000000000'
PACKED = gzip.compress(LINE)
WRITE = "/api/v2/write?org=o&bucket=b"
GZIP = WRITER | {"Content-Encoding": "gzip"}


def body(answer: Any) -> Any:
    assert answer.headers["content-type"].startswith("application/json")
    return json.loads(answer.data)


def test_plain_lines_are_taken_and_packed(client: Client, edge: FakeEdge) -> None:
    answer = client.post(WRITE, LINE, WRITER)
    assert (answer.status, answer.data) == (204, b"")
    assert edge.lines() == [LINE.decode()]
    assert edge.batches[0].points[0].tags["asset"] == "bin-1"


def test_gzipped_lines_in_ns_keep_their_exact_bytes(client: Client, edge: FakeEdge) -> None:
    packed = gzip.compress(b"# kept too\n" + LINE + b"\n")
    assert client.post(WRITE + "&precision=ns", packed, GZIP).status == 204
    assert edge.batches[0].body_gzip == packed


def test_joined_gzip_members_are_one_body(client: Client, edge: FakeEdge) -> None:
    packed = b"".join(gzip.compress(b"m,asset=a f=%di %d\n" % (n, n)) for n in range(300))
    assert client.post(WRITE, packed, GZIP).status == 204
    assert len(edge.batches[0].points) == 300
    assert edge.batches[0].body_gzip == packed


def test_a_last_line_without_its_end_gets_one_so_that_segments_can_be_joined(
    client: Client, edge: FakeEdge
) -> None:
    packed = gzip.compress(LINE)
    assert client.post(WRITE, packed, GZIP).status == 204
    assert edge.batches[0].body_gzip.startswith(packed)
    assert gzip.decompress(edge.batches[0].body_gzip) == LINE + b"\n"


@pytest.mark.parametrize(("precision", "stamp"), [("s", 17), ("ms", 17_000), ("us", 17_000_000)])
def test_other_precisions_are_written_anew_in_ns(
    client: Client, edge: FakeEdge, precision: str, stamp: int
) -> None:
    line = b"m,asset=a f=1,n=2u %d" % stamp
    assert client.post(f"{WRITE}&precision={precision}", gzip.compress(line), GZIP).status == 204
    assert edge.lines() == ["m,asset=a f=1.0,n=2u 17000000000"]


def test_a_line_without_a_time_gets_the_edges_time(client: Client, edge: FakeEdge) -> None:
    assert client.post(WRITE, gzip.compress(b"m,asset=a f=1"), GZIP).status == 204
    assert edge.lines() == [f"m,asset=a f=1.0 {NOW_NS}"]


def test_one_bad_line_refuses_the_whole_batch_and_is_named(client: Client, edge: FakeEdge) -> None:
    answer = client.post(WRITE, LINE + b"\nbroken\n" + LINE, WRITER)
    assert answer.status == 400
    assert body(answer) == {
        "code": "invalid",
        "message": "line 2: unable to parse 'broken': missing fields",
        "line": 2,
    }
    assert edge.batches == []


@pytest.mark.parametrize("empty", [b"", b"\n\n", b"# only a comment"])
def test_a_body_without_points_is_refused(client: Client, edge: FakeEdge, empty: bytes) -> None:
    answer = client.post(WRITE, empty, WRITER)
    assert (answer.status, body(answer)["message"]) == (400, "writing requires points")
    assert edge.batches == []


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Token x"}, {"Authorization": "Token"}, {"Authorization": "Basic !!!"}]
)
def test_without_the_right_token_nothing_is_taken(
    client: Client, edge: FakeEdge, headers: dict[str, str]
) -> None:
    answer = client.post(WRITE, LINE, headers)
    assert (answer.status, body(answer)["code"]) == (401, "unauthorized")
    assert edge.batches == []


def test_a_bearer_token_is_as_good(client: Client) -> None:
    assert client.post(WRITE, LINE, {"Authorization": "Bearer w"}).status == 204


@pytest.mark.parametrize(
    "broken",
    [
        b"not gzip",
        PACKED[:-3],
        PACKED[:9],
        PACKED + b"tail",
        PACKED + b"\0" * 8,
        PACKED[:-6] + b"\1\2\3\4\5\6",
    ],
    ids=["plain", "cut", "header only", "tail", "padding", "checksum"],
)
def test_corrupt_gzip_is_refused(client: Client, edge: FakeEdge, broken: bytes) -> None:
    answer = client.post(WRITE, broken, GZIP)
    assert (answer.status, body(answer)["code"]) == (400, "invalid")
    assert "gzip" in body(answer)["message"]
    assert edge.batches == []


def test_an_unknown_content_encoding_is_refused(client: Client) -> None:
    answer = client.post(WRITE, LINE, WRITER | {"Content-Encoding": "br"})
    assert (answer.status, body(answer)["code"]) == (415, "invalid")


def test_an_unknown_precision_is_refused_in_influx_words(client: Client) -> None:
    answer = client.post(WRITE + "&precision=h", LINE, WRITER)
    assert (answer.status, body(answer)["code"]) == (400, "invalid")
    assert "precision" in body(answer)["message"]


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(
    client: Client, edge: FakeEdge
) -> None:
    host, _, port = client.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    connection.putrequest("POST", WRITE)
    for name, value in (GZIP | {"Content-Length": "100000000000"}).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["code"] == "request too large"
    connection.close()
    assert edge.batches == []


def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large(client: Client) -> None:
    def pieces() -> Any:
        for _ in range(10):
            yield b"x" * 20_000

    assert client.post(WRITE, pieces(), GZIP | {"Transfer-Encoding": "chunked"}).status == 413


def test_what_came_whole_is_kept_though_the_sender_hangs_up_and_what_did_not_is_not(
    client: Client, edge: FakeEdge
) -> None:
    host, _, port = client.url.removeprefix("http://").partition(":")
    head = (
        f"POST {WRITE} HTTP/1.1\r\nHost: x\r\nAuthorization: Token w\r\nContent-Length: {len(LINE)}\r\n\r\n"
    )
    for sent in (LINE[:-1], LINE):
        with socket.create_connection((host, int(port)), timeout=5) as wire:
            wire.sendall(head.encode() + sent)
    until(lambda: edge.batches, within_s=10, what="the whole body")
    assert client.post(WRITE, LINE.replace(b"bin-1", b"bin-2"), WRITER).status == 204
    assert edge.lines() == [LINE.decode(), LINE.decode().replace("bin-1", "bin-2")]


def test_the_last_of_several_precisions_counts(client: Client, edge: FakeEdge) -> None:
    assert client.post(WRITE + "&precision=h&precision=ms", b"m f=1 17", WRITER).status == 204
    assert edge.lines() == ["m f=1.0 17000000"]


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(client: Client, edge: FakeEdge) -> None:
    answer = client.post(WRITE, gzip.compress(b" " * 20_000_000), GZIP)
    assert (answer.status, body(answer)["code"]) == (413, "request too large")
    assert edge.batches == []


def test_a_bomb_of_many_members_is_refused() -> None:
    with pytest.raises(TooLarge):
        gunzip(gzip.compress(b"x" * 1000) * 200, 100_000)


def test_members_of_every_size_are_unpacked_whole() -> None:
    pieces = [b"x" * n for n in (0, 1, 511, 512, 513, 70_000, 3)]
    packed = b"".join(gzip.compress(piece, 0) for piece in pieces)
    assert gunzip(packed, 100_000) == b"".join(pieces)
    assert gunzip(packed, len(b"".join(pieces))) == b"".join(pieces)
    with pytest.raises(TooLarge):
        gunzip(packed, len(b"".join(pieces)) - 1)


def test_a_hundred_thousand_empty_members_do_not_stall() -> None:
    assert gunzip(gzip.compress(b"") * 100_000, 10) == b""


def test_bodies_that_are_not_lines_raise_what_the_route_expects() -> None:
    with pytest.raises(BodyError):
        read_batch(b"", gzipped=True, precision="ns", now_ns=1, most_bytes=10)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_full_spool_answers_429_and_when_to_come_back(
    client: Client, edge: FakeEdge, at_once: bool
) -> None:
    edge.refusal, edge.raises_at_once = SpoolFull("the spool is full", 29.2), at_once
    answer = client.post(WRITE, LINE, WRITER)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "30")
    assert body(answer) == {"code": "too many requests", "message": "the spool is full"}


def test_a_disk_that_takes_nothing_answers_503_and_when_to_come_back(client: Client, edge: FakeEdge) -> None:
    edge.refusal = CannotCommit("disk I/O error", 0.1)
    answer = client.post(WRITE, LINE, WRITER)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert body(answer)["code"] == "unavailable"


def test_an_unforeseen_failure_is_told_in_influx_words(client: Client, edge: FakeEdge) -> None:
    edge.refusal = RuntimeError("secret detail")
    answer = client.post(WRITE, LINE, WRITER)
    assert (answer.status, body(answer)["code"]) == (500, "internal error")
    assert b"secret" not in answer.data


def test_a_wrong_method_is_told_in_influx_words(client: Client) -> None:
    answer = client.get(WRITE)
    assert (answer.status, body(answer)["code"]) == (405, "method not allowed")


def test_a_large_body_is_read_beside_the_event_loop(client: Client, edge: FakeEdge) -> None:
    lines = b"\n".join(b"m,asset=a%d f=1 %d" % (n % 7, n) for n in range(5000))
    assert client.post(WRITE, lines, WRITER).status == 204
    assert len(edge.batches[0].points) == 5000


def test_the_client_library_of_influxdb_can_ping_and_write(client: Client, edge: FakeEdge) -> None:
    with InfluxDBClient(client.url, token="w", org="o", enable_gzip=True) as influx:
        assert influx.ping()
        with pytest.warns(DeprecationWarning, match="ping"):
            assert influx.health().status == "pass"
        assert influx.version().startswith("commune")
        with influx.write_api(write_options=SYNCHRONOUS) as write:
            write.write("b", record="m,asset=x f=1i 1795412300", write_precision=WritePrecision.S)
    assert edge.lines() == ["m,asset=x f=1i 1795412300000000000"]


def test_ping_answers_get_and_head_without_a_token(client: Client) -> None:
    for method in ("GET", "HEAD"):
        answer = client.pool.request(method, client.url + "/ping")
        assert answer.status == 204
        assert answer.headers["X-Influxdb-Version"] == "commune-0.1.0"


def test_health_says_what_is_wrong(client: Client, edge: FakeEdge) -> None:
    assert body(client.get("/health"))["status"] == "pass"
    edge.problem = "the disk is full"
    answer = client.get("/health")
    assert answer.status == 503
    assert (body(answer)["status"], body(answer)["message"]) == ("fail", "the disk is full")


def test_a_backlog_is_asked_to_wait_where_live_readings_are_welcome(client: Client, edge: FakeEdge) -> None:
    edge.backlog_wait_s = 7.2
    refused = client.post(WRITE, LINE, WRITER | {"X-Commune-Lane": "backlog"})
    assert refused.status == 429
    assert refused.headers["retry-after"] == "8"
    assert not edge.batches
    assert client.post(WRITE, LINE, WRITER | {"X-Commune-Lane": "live"}).status == 204
