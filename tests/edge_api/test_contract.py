"""Because a consumer far from us asks the edge itself what its feed is."""

import json

import pytest

from gateway.feed import schema


def test_an_edge_serves_the_contract_to_anyone(client):
    assert json.loads(client.get("/feed/asyncapi.json").data) == schema.asyncapi()
    answer = client.get("/feed/schemas/WasteContainer.json")
    assert answer.headers["content-type"] == "application/schema+json"
    assert json.loads(answer.data) == schema.schemas()["WasteContainer"]


@pytest.mark.parametrize("name", ["Nothing", "..%2F..%2Fetc", "Ch%E1%BB%A3"])
def test_a_body_that_the_feed_has_not_is_not_found(client, name):
    assert client.get(f"/feed/schemas/{name}.json").status == 404


def test_the_bodies_that_there_are_are_named(client):
    assert "WasteContainer" in json.loads(client.get("/feed/schemas/Bin.json").data)["detail"]
