"""Because a consumer trusts the published contract: it must be what the code encodes, letter by letter."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gateway.cli import main
from gateway.feed import TYPES, encode, examples
from gateway.feed.channels import FACTS
from gateway.feed.schema import asyncapi, files, schemas

PUBLISHED = Path(__file__).parents[2] / "docs" / "feed"
SCHEMAS = schemas()
FILES = files()
ALL = [(name, body) for name, bodies in examples.by_name().items() for body in bodies]


def valid(name, body):
    return Draft202012Validator(SCHEMAS[name]).is_valid(body)


@pytest.mark.parametrize("path", FILES)
def test_what_is_published_is_what_the_code_makes(path):
    assert (PUBLISHED / path).read_text(encoding="utf-8") == files()[path], (
        "commune feed schema --out docs/feed"
    )


def test_nothing_else_is_published_as_a_schema():
    assert {f"schemas/{file.name}" for file in (PUBLISHED / "schemas").iterdir()} < set(FILES)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one_of_2020_12(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize(("name", "body"), ALL)
def test_each_example_fits_its_schema_and_no_other_type(name, body):
    decoded = json.loads(encode(body))
    assert valid(name, decoded)
    assert name not in TYPES or [kind for kind in TYPES if valid(kind, decoded)] == [name]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("v", 2),
        ("ts", "2026-11-23T05:40:00Z"),
        ("ts", "2026-11-23T12:40:00.000+07:00"),
        ("seq", -1),
        ("seq", 1.5),
        ("gw", "GW 1"),
        ("q", "fine"),
        ("qr", "no-echo"),
        ("raw", "pH=seven"),
        ("fillingLevel", 1.01),
        ("fillingLevel", None),
        ("status", "full"),
        ("position", {"x": 1}),
    ],
)
def test_a_body_that_breaks_the_contract_breaks_the_schema(key, value):
    body = msgspec.to_builtins(examples.readings()["WasteContainer"])
    assert not valid("WasteContainer", {**body, key: value})


def test_a_key_that_nobody_knows_yet_breaks_nothing():
    body = msgspec.to_builtins(examples.readings()["WasteContainer"])
    assert valid("WasteContainer", {**body, "odour": 3, "colour": "green"})


def test_every_channel_and_body_is_in_the_asyncapi_document():
    document = asyncapi()
    assert list(document["channels"]) == list(FACTS)
    for operation in document["operations"].values():
        facts = FACTS[operation["channel"]["$ref"].rpartition("/")[2]]
        assert operation["bindings"]["mqtt"] == {
            "qos": facts.qos,
            "retain": facts.retain,
            "bindingVersion": "0.2.0",
        }
    assert set(document["components"]["messages"]) == set(SCHEMAS)


def test_the_command_writes_and_prints_the_contract(tmp_path):
    assert CliRunner().invoke(main, ["feed", "schema", "--out", str(tmp_path)]).exit_code == 0
    assert json.loads((tmp_path / "asyncapi.json").read_text(encoding="utf-8")) == asyncapi()
    assert json.loads(CliRunner().invoke(main, ["feed", "schema"]).output) == asyncapi()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    answer = CliRunner().invoke(main, ["feed", "schema", "--out", str(tmp_path / "file" / "below")])
    assert answer.exit_code == 2
    assert "give a folder that can be written" in answer.output
