"""Who may write, for whom, and how often: tokens, the machine itself, and limits for everybody."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from edge_api.api.app import create_app
from edge_api.config import Http
from edge_api.config import load as load_config
from edge_api.limits import Limiter, Limits
from edge_api.tokens import holder
from gateway.cli import main
from tests.edge_api.conftest import Client, Switch
from tests.edge_api.edge_rig import COMMUNE, PROVINCE, edge_at_work, edge_config
from tests.edge_api.fake_edge import FakeEdge, _token

WRITE = "/api/v2/write?org=o&bucket=b"
OWN = "WasteContainer,asset=bin-1,commune=18562,domain=waste,province=42 fillingLevel=0.5 1795412400000000000"
FOREIGN = OWN.replace("18562", "18565")
AWAY = {"X-Forwarded-For": "10.0.0.9"}  # a proxy on this machine speaks for somebody else


def bearer(secret: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Token {secret}", **more}


def write(client: Client, line: str, headers: dict[str, str]) -> tuple[int, Any]:
    answer = client.post(WRITE, line, headers)
    return answer.status, json.loads(answer.data) if answer.data else None


def test_a_token_of_one_commune_does_not_write_under_anothers_code(client: Client, edge: FakeEdge) -> None:
    edge.level, edge.tokens = "province", [_token("child", ["ingest"], "18562")]
    assert write(client, OWN, bearer("child")) == (204, None)
    assert write(client, "weather,asset=roof temp=31.5", bearer("child")) == (204, None)
    said = "commune 18565: this token writes for 18562 only"
    for body in (FOREIGN, f"{OWN}\n{FOREIGN}"):
        assert write(client, body, bearer("child")) == (403, {"code": "forbidden", "message": said})
    assert len(edge.lines()) == 2


def test_a_communes_edge_takes_no_readings_of_another_commune(client: Client, edge: FakeEdge) -> None:
    status, body = write(client, f"{OWN}\n{FOREIGN}", bearer("w"))
    assert (status, body["code"]) == (422, "unprocessable entity")
    assert body["message"] == "commune 18565: this edge serves 18562 only"
    assert edge.lines() == []


@pytest.mark.slow
def test_without_tokens_only_this_machine_writes_unless_the_edge_is_open(tmp_path: Path) -> None:
    config = edge_config(tmp_path, COMMUNE)
    with edge_at_work(config, serve=True) as (_, url):
        client = Client(url)
        assert write(client, OWN, {})[0] == 204
        for away in (AWAY, {"Origin": "http://evil.example"}, {"Via": "1.1 proxy"}):
            assert write(client, OWN, away)[0] == 401
            assert client.get("/v1/export", headers=away).status == 401
        assert client.get("/v1/relay", headers=AWAY).status == 200
    config = msgspec.structs.replace(config, http=Http(host="127.0.0.1", open=True))
    with edge_at_work(config, serve=True) as (_, url):
        assert write(Client(url), OWN, AWAY)[0] == 204


def test_with_tokens_not_even_this_machine_writes_without_one(tmp_path: Path) -> None:
    config = edge_config(tmp_path, PROVINCE, tokens=[_token("right", ["ingest"]), _token("look", ["read"])])
    with edge_at_work(config, serve=True) as (_, url):
        client = Client(url)
        assert [write(client, OWN, headers)[0] for headers in ({}, bearer("look"), bearer("x"))] == [401] * 3
        assert write(client, OWN, bearer("right")) == (204, None)
        assert client.get("/v1/export", headers=bearer("right")).status == 401


def test_wrong_tokens_are_tried_only_so_often_and_the_right_one_always_works(client: Client) -> None:
    found = [write(client, OWN, bearer(f"guess-{number}"))[0] for number in range(12)]
    assert found == [401] * 10 + [429] * 2
    answer = client.post(WRITE, OWN, bearer("guess"))
    assert int(answer.headers["Retry-After"]) in range(1, 7)
    assert json.loads(answer.data)["code"] == "too many requests"
    assert write(client, OWN, bearer("w"))[0] == 204


def test_who_asks_too_often_is_told_when_to_come_again(edge: FakeEdge, server: tuple[Switch, Client]) -> None:
    switch, client = server
    switch.app = create_app(edge, callers=Limits(requests=0.5))
    assert [client.get("/ping", headers=AWAY).status for _ in range(6)] == [204] * 5 + [429]
    refused = client.get("/v1/relay", headers=AWAY)
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "2"
    assert "content-security-policy" in refused.headers
    assert write(client, OWN, {**AWAY, **bearer("invented")})[0] == 429, "a new token is no new bucket"
    assert write(client, OWN, {**AWAY, **bearer("w")})[0] == 204, "a right one has its own"
    assert client.get("/ping").status == 204, "this machine is not counted"


def test_an_address_has_so_many_streams_and_no_more(edge: FakeEdge, server: tuple[Switch, Client]) -> None:
    switch, client = server
    switch.app = create_app(edge, callers=Limits(streams=2))
    open_ = [client.get("/v1/stream", headers=AWAY, preload_content=False) for _ in range(2)]
    refused = client.get("/v1/stream", headers=AWAY)
    assert (refused.status, b"are listening already" in refused.data) == (503, True)
    own = client.get("/v1/stream", preload_content=False)
    assert own.status == 200
    for each in (*open_, own):
        each.close()
    switch.app.state.streams.close()


def test_a_bucket_fills_slowly_holds_so_much_and_is_each_callers_own() -> None:
    now = 0.0
    limiter = Limiter(2.0, 3.0, lambda: now)
    assert [limiter.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.wait_s("b") == 0
    assert limiter.blocked_s("a") == 0.5
    now = 0.5
    assert [limiter.wait_s("a"), limiter.wait_s("a")] == [0, 0.5]
    now = 1000.0
    assert [limiter.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert [Limiter(0.0, 0.0).wait_s("a") for _ in range(100)] == [0] * 100


def test_a_bucket_costs_no_memory_for_ever() -> None:
    limiter = Limiter(1.0, 2.0, lambda: 0.0)
    limiter.wait_s("greedy")
    limiter.wait_s("greedy")
    for number in range(30_000):
        limiter.wait_s(number)
    assert len(limiter._buckets) <= 10_000
    assert limiter.wait_s("greedy") > 0


def new(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["edge", "token", "new", *words])
    return done.exit_code, done.output


def test_a_new_token_is_printed_once_with_lines_that_know_it(tmp_path: Path) -> None:
    code, output = new("village-3", "--scopes", "ingest,read", "--commune", "18562")
    secret, _, table = output.partition("\n\n")
    file = tmp_path / "edge.toml"
    file.write_text(f'[site]\nlevel = "province"\nprovince = "42"\n{table}')
    (token,) = load_config(file, {}).tokens
    assert (code, token.scopes, token.commune) == (0, ["ingest", "read"], "18562")
    assert holder([token], secret) is token
    assert secret not in table
    assert holder([token], "") is holder([token], "\udcff") is None
    assert json.loads(new("a", "--scopes", "admin", "--json")[1])["token"] != secret


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a", "--scopes", "write"), "'write' is none of ingest, read, admin"),
        (("a", "--scopes", ","), "scopes: "),
        (("A B", "--scopes", "read"), "name: "),
        (("a", "--scopes", "read", "--commune", "185"), "commune: "),
    ],
)
def test_a_token_that_no_edge_would_know_is_not_made(words: tuple[str, ...], said: str) -> None:
    code, output = new(*words)
    assert code == 2
    assert said in output
