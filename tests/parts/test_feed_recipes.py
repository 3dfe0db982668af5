"""Because a recipe that was never run is a guess: each one that the page calls run is run here."""

import json
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.gateway.feed_session import session
from tests.parts.mosquitto import Mosquitto
from tests.parts.nodered import FLOW, NodeRed
from tests.parts.test_feed_live import say
from tests.parts.wait import until

DOCS = Path(__file__).parents[2] / "docs" / "feed"
COMMANDS = re.findall(r"^mosquitto_sub .*$", (DOCS / "recipes.md").read_text(encoding="utf-8"), re.MULTILINE)


def publish(broker: Mosquitto) -> None:
    say(broker, [(it.topic, it.payload, it.qos, it.retain) for it in session()])


@pytest.mark.parts
@pytest.mark.parametrize("command", COMMANDS)
def test_the_mosquitto_sub_of_the_page_hears_the_feed(mosquitto, command):
    words = [*shlex.split(command.replace("-h localhost", f"-h 127.0.0.1 -p {mosquitto.port}")), "-C", "1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ear:
        until(lambda: "Received SUBSCRIBE" in mosquitto.log, what="the recipe to subscribe")
        publish(mosquitto)
        said, _ = ear.communicate(timeout=20)
    assert ear.returncode == 0
    assert said.startswith(("ntm/v1/42/18562/", "{"))


@pytest.mark.parts
def test_the_python_script_of_the_page_prints_values_with_their_units(mosquitto):
    publish(mosquitto)
    words = [sys.executable, str(DOCS / "subscribe.py"), "127.0.0.1", str(mosquitto.port)]
    place = "ntm/v1/42/18562"
    wanted = {
        f"{place}/waste/bin-0007 2026-11-23T05:40:00.000Z fillingLevel 0.73 C62 good",
        f"{place}/gateway/gw-01 2026-11-23T05:40:00.000Z diskFree 84.4 E34 good",
    }
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as script:
        for line in script.stdout:
            wanted.discard(line.strip())
            if not wanted:
                break
        script.terminate()
    assert not wanted
    assert len((DOCS / "subscribe.py").read_text(encoding="utf-8").splitlines()) < 40


def shown(red: NodeRed) -> dict:
    with urllib.request.urlopen(f"http://{red.address}/commune", timeout=10) as answer:
        return json.load(answer)


@pytest.mark.lab
@pytest.mark.timeout(600)
def test_node_red_with_the_flow_of_the_page_shows_the_same_values(mosquitto):
    states = {it.topic: json.loads(it.payload) for it in session() if it.topic.endswith("/state")}
    statuses = {it.topic: it.payload.decode() for it in session() if it.topic.endswith("/status")}
    events = [json.loads(it.payload) for it in session() if it.topic.endswith("/event")]
    with NodeRed(FLOW, mosquitto) as red:
        until(
            lambda: mosquitto.log.count("Received SUBSCRIBE") >= 3, within_s=60, what="the flow to subscribe"
        )
        publish(mosquitto)
        publish(mosquitto)  # delivered twice, it is shown once
        until(lambda: len(shown(red)["events"]) == len(events), within_s=30, what="the events")
        until(lambda: len(shown(red)["assets"]) == len(states), within_s=30, what="the assets")
        found = shown(red)
    place = "ntm/v1/"
    assert {f"{place}{asset}/state": it["state"] for asset, it in found["assets"].items()} == states
    assert {f"{place}{asset}/status": it["status"] for asset, it in found["assets"].items()} == statuses
    assert [{key: it[key] for key in it if key != "asset"} for it in found["events"]] == events
