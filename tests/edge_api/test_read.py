"""The reading API: what went in comes out, and every wrong question is answered with what would be right."""

import asyncio
import base64
import json
import threading
import time
from typing import Any

import pytest
import urllib3

from edge_api.api.app import create_app
from edge_api.api.stream import Streams
from edge_api.lineprotocol import parse
from gateway.feed import Meta
from gateway.feed.bodies import Location
from tests.edge_api.conftest import Client, serve
from tests.edge_api.fake_edge import NOW_NS, READER, WRITER, FakeEdge

SECOND = 10**9
KEY = "42/18562/waste/bin-1"


def line(seconds_ago: float, fields: str, asset: str = "bin-1", commune: str = "18562") -> str:
    ts = NOW_NS - round(seconds_ago * SECOND)
    return f"WasteContainer,asset={asset},commune={commune},domain=waste,province=42 {fields} {ts}"


def add(edge: FakeEdge, *lines: str) -> None:
    edge.history.add(parse("\n".join(lines).encode()))


def ok(answer: urllib3.BaseHTTPResponse) -> Any:
    assert answer.status == 200, answer.data
    return json.loads(answer.data)


def problem(answer: urllib3.BaseHTTPResponse) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = json.loads(answer.data)
    assert body["status"] == answer.status
    return answer.status, body["detail"]


def test_an_asset_is_shown_with_what_its_node_says_of_it(client: Client, edge: FakeEdge) -> None:
    add(
        edge, line(10, 'fillingLevel=0.5,q="uncertain",qr="fillingLevel:range",gw="gw-01",seq=1i,status="ok"')
    )
    meta = Meta(
        v=1,
        type="WasteContainer",
        id="bin-1",
        name="Chợ Cẩm Bình",
        gw="gw-01",
        interval=60,
        staleAfter=180,
        location=Location(18.3, 105.9),
        units={"fillingLevel": "C62"},
    )
    edge.history.meta("42", "18562", "waste", meta)
    edge.history.status("42", "18562", "waste", "bin-1", "online")
    ts = "2026-11-23T05:39:50.000Z"
    expected = {
        "key": KEY,
        "province": "42",
        "commune": "18562",
        "domain": "waste",
        "id": "bin-1",
        "type": "WasteContainer",
        "name": "Chợ Cẩm Bình",
        "location": {"lat": 18.3, "lon": 105.9},
        "gw": "gw-01",
        "staleAfter": 180,
        "status": "online",
        "ts": ts,
        "quality": "uncertain",
        "reasons": {"fillingLevel": "range"},
        "fields": {
            "fillingLevel": {"value": 0.5, "ts": ts, "unit": "C62"},
            "status": {"value": "ok", "ts": ts, "unit": None},
        },
        "alerts": [],
    }
    assert ok(client.get("/v1/assets")) == [expected]
    assert ok(client.get("/v1/assets/bin-1")) == expected
    assert ok(client.get(f"/v1/assets/{KEY}")) == expected


def test_assets_can_be_chosen_by_domain_and_commune(client: Client, edge: FakeEdge) -> None:
    add(edge, line(1, "a=1"), line(1, "a=1", commune="18563"))
    assert len(ok(client.get("/v1/assets"))) == 2
    assert [a["commune"] for a in ok(client.get("/v1/assets?commune=18563&domain=waste"))] == ["18563"]
    assert ok(client.get("/v1/assets?domain=water")) == []


def test_an_id_that_several_communes_use_needs_its_key(client: Client, edge: FakeEdge) -> None:
    add(edge, line(1, "a=1"), line(1, "a=2", commune="18563"))
    status, detail = problem(client.get("/v1/assets/bin-1"))
    assert status == 409
    assert KEY in detail
    assert ok(client.get(f"/v1/readings?asset={KEY}&field=a"))[0]["value"] == 1


def test_an_unknown_asset_is_a_404(client: Client) -> None:
    assert problem(client.get("/v1/assets/none"))[0] == 404
    assert problem(client.get("/v1/readings?asset=none&field=a"))[0] == 404


def test_readings_come_sorted_with_means_when_asked(client: Client, edge: FakeEdge) -> None:
    add(edge, line(1, "a=4"), line(62, "a=1"), line(61, "a=2"), line(100_000, "a=9"), line(0, "a=6"))
    values = ok(client.get("/v1/readings?asset=bin-1&field=a"))
    assert [v["value"] for v in values] == [1, 2, 4, 6]
    assert values[-1] == {"ts": "2026-11-23T05:40:00.000Z", "value": 6, "count": 1}
    means = ok(client.get("/v1/readings?asset=bin-1&field=a&every=1min"))
    assert [(m["ts"][14:19], m["value"], m["count"]) for m in means] == [
        ("38:00", 1.5, 2),
        ("39:00", 4, 1),
        ("40:00", 6, 1),
    ]
    start, stop = "2026-11-23T12:38:59%2B07:00", "2026-11-23T05:39:59Z"
    part = ok(client.get(f"/v1/readings?asset=bin-1&field=a&start={start}&stop={stop}"))
    assert [v["value"] for v in part] == [2]


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ("asset=bin-1", "field"),
        ("field=a", "asset"),
        ("asset=bin-1&field=a&start=yesterday", "RFC 3339"),
        ("asset=bin-1&field=a&start=2026-11-23T05:40:00", "RFC 3339"),
        ("asset=bin-1&field=a&start=2026-11-23T05:40:00+07:00", "%2B"),
        ("asset=bin-1&field=a&start=2026-11-24T00:00:00Z&stop=2026-11-23T00:00:00Z", "before"),
        ("asset=bin-1&field=a&every=0", "span"),
        ("asset=bin-1&field=a&every=-5s", "span"),
        ("asset=bin-1&field=a&every=5parsec", "span"),
        ("asset=bin-1&field=a&every=nan", "span"),
    ],
)
def test_a_wrong_question_is_told_what_would_be_right(
    client: Client, edge: FakeEdge, question: str, hint: str
) -> None:
    add(edge, line(1, "a=1"))
    status, detail = problem(client.get(f"/v1/readings?{question}"))
    assert status == 400
    assert hint in detail


@pytest.mark.slow
def test_an_answer_that_would_be_too_long_is_refused(client: Client, edge: FakeEdge) -> None:
    add(edge, *[line(n / 1000, "a=1") for n in range(50_001)])
    status, detail = problem(client.get("/v1/readings?asset=bin-1&field=a"))
    assert status == 400
    assert "every" in detail
    assert len(ok(client.get("/v1/readings?asset=bin-1&field=a&every=1s"))) == 51


def test_relay_gaps_and_quarantine_are_told(client: Client) -> None:
    upstream = ok(client.get("/v1/relay"))["upstreams"][0]
    assert upstream["lanes"]["backlog"] == {"points": 12345, "bytes": 67890}
    assert upstream["autonomy_hours"] == 168.5
    assert ok(client.get("/v1/gaps"))[0]["from"] == 3
    assert ok(client.get("/v1/quarantine"))[0]["reason"] == "field type conflict"


@pytest.mark.parametrize("path", ["/v1/assets", "/v1/relay", "/metrics", "/v1/stream"])
def test_where_reading_is_not_open_a_token_is_needed(client: Client, edge: FakeEdge, path: str) -> None:
    edge.open_reading = False
    answer = client.get(path)
    assert problem(answer)[0] == 401
    assert "Basic" in answer.headers["WWW-Authenticate"]
    if path != "/v1/stream":
        basic = base64.b64encode(b"anyone:r").decode()
        assert client.get(path, headers=READER).status == 200
        assert client.get(path, headers={"Authorization": f"Basic {basic}"}).status == 200
        assert client.get(path, headers=WRITER).status == 401


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_where_reading_is_not_open_a_page_asks_a_person_to_log_in(
    client: Client, edge: FakeEdge, path: str
) -> None:
    edge.open_reading = False
    answer = client.get(path)
    assert (answer.status, answer.headers["Location"].partition("?")[0]) == (303, "/login")
    assert client.get(path, headers=READER).status == 200
    assert client.get(path, headers=WRITER).status == 303


def test_an_unknown_path_is_a_problem(client: Client) -> None:
    assert problem(client.get("/nowhere"))[0] == 404
    assert problem(client.post("/v1/assets", b"", {}))[0] == 405


def test_new_readings_are_streamed(client: Client, edge: FakeEdge) -> None:
    answer = client.get("/v1/stream", preload_content=False)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.readline() == b"retry: 5000\n"
    client.post("/api/v2/write", line(1, 'a=1u,q="good",gw="g"').encode(), WRITER)
    received = [answer.readline() for _ in range(3)]
    assert received[1] == b"event: reading\n"
    assert json.loads(received[2].removeprefix(b"data: ")) == {
        "asset": KEY,
        "type": "WasteContainer",
        "ts": "2026-11-23T05:39:59.000Z",
        "q": "good",
        "fields": {"a": 1},
    }
    answer.close()


def test_a_slow_listener_is_let_go_and_the_others_stay(edge: FakeEdge) -> None:
    async def listen() -> None:
        streams = Streams()
        slow, quick = streams.join(), streams.join()
        assert await anext(slow) == await anext(quick)
        points = parse(line(1, "a=1").encode())
        for _ in range(70):
            streams.publish(points)
            await asyncio.sleep(0)
            assert b"reading" in await anext(quick)
        assert [data async for data in slow] == []
        streams.close()
        assert [data async for data in quick] == []
        streams.publish(points)

    asyncio.run(listen())


def test_no_more_than_a_few_may_listen(client: Client) -> None:
    answers = [client.get("/v1/stream", preload_content=False) for _ in range(32)]
    assert problem(client.get("/v1/stream"))[0] == 503
    for answer in answers:
        answer.close()
    deadline = time.monotonic() + 20
    while (again := client.get("/v1/stream", preload_content=False)).status == 503:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    again.close()


@pytest.mark.slow
def test_writers_are_not_disturbed_by_a_server_that_has_stopped(edge: FakeEdge) -> None:
    with serve(create_app(edge)) as client:
        answer = client.get("/v1/stream", preload_content=False)
        answer.readline()
    add(edge, line(1, "a=1"))
    answer.close()


def test_many_threads_may_ask_while_one_writes(client: Client, edge: FakeEdge) -> None:
    add(edge, line(1, "a=1"))
    failures: list[int] = []

    def ask() -> None:
        for _ in range(10):
            answer = client.get("/v1/readings?asset=bin-1&field=a")
            if answer.status != 200:
                failures.append(answer.status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(50):
        add(edge, line(2 + n, "a=1"))
        if n % 10 == 0:
            edge.history.flush()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_description_of_the_api_names_every_route_and_body(edge: FakeEdge) -> None:
    api = create_app(edge).openapi()
    assert {
        "/api/v2/write",
        "/ping",
        "/health",
        "/v1/assets",
        "/v1/readings",
        "/v1/stream",
        "/metrics",
    } <= set(api["paths"])
    text = json.dumps(api)
    for name in ("Asset", "Reading", "RelayStatus", "Gap", "QuarantinedLine"):
        assert name in api["components"]["schemas"]
        assert f"#/components/schemas/{name}" in text
