"""The AsyncAPI document is judged by AsyncAPI's own parser from npm."""

import json
import os
import subprocess

import pytest

from gateway.feed.schema import asyncapi
from tests.parts.npm import installed
from tests.parts.process import find_program

PARSE = """
import { Parser } from '@asyncapi/parser';
import { readFileSync } from 'node:fs';
const { document, diagnostics } = await new Parser().parse(readFileSync(0, 'utf8'));
const channels = document ? document.channels().all().map(each => each.id()) : [];
const said = diagnostics.map(each => [each.severity, each.code, each.message]);
console.log(JSON.stringify({ channels, diagnostics: said }));
"""
ADVICE = {"asyncapi-latest-version"}  # 3.1 is out; 3.0 is what most tools read


def judged(document):
    folder = installed("@asyncapi/parser@3")
    script = folder / f"parse-{os.getpid()}.mjs"
    script.write_text(PARSE)
    try:
        done = subprocess.run(
            [find_program("node"), str(script)],
            input=json.dumps(document),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    finally:
        script.unlink()
    return json.loads(done.stdout)


@pytest.mark.lab
@pytest.mark.timeout(600)
def test_asyncapis_own_parser_finds_nothing_wrong():
    document = asyncapi()
    found = judged(document)
    assert found["channels"] == list(document["channels"])
    assert [each for each in found["diagnostics"] if each[1] not in ADVICE] == []


@pytest.mark.lab
@pytest.mark.timeout(600)
def test_the_parser_would_see_a_word_and_a_reference_that_are_wrong():
    document = asyncapi()
    document["operations"]["sendTelemetry"]["action"] = "shout"
    document["operations"]["sendState"]["channel"] = {"$ref": "#/channels/nowhere"}
    assert len([each for each in judged(document)["diagnostics"] if each[1] not in ADVICE]) >= 2
