"""The conformance kit on a real broker: a demo's whole feed keeps to the contract; what breaks it shows."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion

from gateway.cli import main
from gateway.feed.kit import Check, read_capture, write_line
from gateway.feed.kit.listen import Broker, ListenError, listen
from tests.gateway.feed_session import session
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

pytestmark = pytest.mark.parts

COMMUNE = str(Path(sys.executable).parent / "commune")


class Captor:
    """Captures what is on a broker until told to stop."""

    def __init__(self, broker):
        self.heard = []
        self.over = threading.Event()
        self._listening = listen(Broker(host="127.0.0.1", port=broker.port), ["ntm/v1/#", "end"], None)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        for it in self._listening:
            if it.topic == "end":
                break
            self.heard.append(it)
        self._listening.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join(10)
        assert not self._thread.is_alive()


def say(broker, messages):
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for topic, payload, qos, retain in messages:
        client.publish(topic, payload, qos, retain).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_every_message_of_a_demo_keeps_to_the_contract(mosquitto, tmp_path):
    with Captor(mosquitto) as captor:
        until(lambda: "SUBSCRIBE" in mosquitto.log, what="the captor to subscribe")
        demo = [COMMUNE, "demo", "--for", "6", "--nodes", "2", "--broker", mosquitto.address, "--json"]
        answer = subprocess.run(demo, capture_output=True, text=True, timeout=100, check=True)
        say(mosquitto, [("end", "end", 1, False)])
    facts = json.loads(answer.stdout.splitlines()[-1])
    file = tmp_path / "capture.jsonl"
    file.write_text("\n".join(write_line(it) for it in captor.heard), encoding="utf-8")
    check = Check(wall=False)
    for it in read_capture(file):
        check.take(it)
    assert check.finish() == []
    assert check.heard["telemetry"] >= facts["taken"] - check.heard["event"] > 0
    assert {"meta", "status", "state", "custody"} <= set(check.heard)


def test_a_live_broker_that_keeps_to_the_contract_is_fine_and_one_that_does_not_is_not(mosquitto):
    said = [it for it in session() if it.retain and not it.topic.endswith("/custody")]
    say(mosquitto, [(it.topic, it.payload, it.qos, it.retain) for it in said])
    place = ["--host", "127.0.0.1", "--port", str(mosquitto.port), "--for", "0.5"]
    answer = CliRunner().invoke(main, ["feed", "validate", *place, "--clock", "feed", "--lang", "en"])
    assert (answer.exit_code, answer.output) == (
        0,
        "24 messages (8 meta, 8 status, 8 state), 0 breaches\n",
    )
    telemetry = next(it for it in session() if it.topic.endswith("/telemetry"))
    say(mosquitto, [(telemetry.topic, telemetry.payload, 0, True)])
    answer = CliRunner().invoke(main, ["feed", "validate", *place, "--clock", "feed", "--json"])
    assert answer.exit_code == 1
    rules = [json.loads(line).get("rule") for line in answer.output.splitlines()[:-1]]
    assert rules == ["qos", "retain"]


def test_flags_are_heard_as_they_were_published_even_live(mosquitto):
    with Captor(mosquitto) as captor:
        until(lambda: "SUBSCRIBE" in mosquitto.log, what="the captor to subscribe")
        flags = [(qos, retain) for qos in (0, 1, 2) for retain in (False, True)]
        say(mosquitto, [("ntm/v1/x", "x", *each) for each in flags])
        say(mosquitto, [("end", "end", 2, False)])  # the longest way: all others have come by then
    # a broker keeps the order only among messages of one QoS
    assert sorted((it.qos, it.retain) for it in captor.heard) == flags


def test_a_broker_that_hangs_up_in_the_middle_is_a_finding(mosquitto):
    messages = [(it.topic, it.payload, it.qos, it.retain) for it in session() if it.retain]
    say(mosquitto, messages)
    arguments = ["--host", "127.0.0.1", "--port", str(mosquitto.port), "--for", "60", "--json"]
    command = [COMMUNE, "feed", "validate", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as check:
        until(lambda: "Received PUBACK" in mosquitto.log, within_s=30, what="the check to hear something")
        mosquitto.kill()
        answers, _ = check.communicate(timeout=60)
    assert check.returncode == 1
    assert '"rule": "broker"' in answers


def test_a_broker_that_refuses_is_named():
    with Mosquitto(["allow_anonymous false"]) as broker, pytest.raises(ListenError, match="refuses"):
        next(listen(Broker(host="127.0.0.1", port=broker.port), ["#"], 1.0))


def test_what_mosquitto_sub_writes_is_a_capture(mosquitto, tmp_path):
    said = [it for it in session() if it.retain]
    say(mosquitto, [(it.topic, it.payload, it.qos, it.retain) for it in said])
    count = len({it.topic for it in said})
    file = tmp_path / "capture.jsonl"
    with file.open("wb") as out:
        command = ["mosquitto_sub", "-p", str(mosquitto.port), "-V", "5", "-q", "2", "--retain-as-published"]
        subprocess.run(
            [*command, "-t", "ntm/v1/#", "-F", "%j", "-C", str(count)], stdout=out, check=True, timeout=30
        )
    newest = {it.topic: it.payload for it in said}
    assert {it.topic: it.payload for it in read_capture(file)} == newest
