"""Alarms, retained words and commands at a real broker: a node that is killed, a broker that is, a lamp."""

import time
from collections import Counter

import pytest

from gateway import config_check
from gateway.feed import Ack, Command, Event, encode, from_ns
from gateway.feed.bodies import decode
from gateway.feed.link import Link, Settings
from gateway.node import Node
from simulators.clock import PacedClock
from simulators.commune import build
from simulators.signals.relay import RelaySignal
from tests.faults.rig import NodeProgram
from tests.gateway.sending import edge_side
from tests.parts.wait import until

pytestmark = pytest.mark.parts
ALWAYS = """
[[alarm]]
kind = "disk"
type = "Device"
field = "diskFree"
below = 1000000.0
[[alarm]]
kind = "limit"
type = "StreetlightControlCabinet"
field = "voltageR"
above = 1.0
delay = "5min"
"""


def test_a_node_killed_again_and_again_while_alarms_are_open_raises_each_once(tmp_path, mosquitto):
    with edge_side(mosquitto.port, confirms=True) as edge:

        def raised():
            found = {(b.ep, b.seq): (b.type, b.state) for _, b, _ in edge.heard if isinstance(b, Event)}
            return Counter(word for word in found.values() if word[0] in {"disk", "limit"})

        def readings():
            return len(set(edge.seqs()))

        node = NodeProgram(tmp_path / "n", mosquitto, bins=1)
        file = tmp_path / "n" / "node.toml"
        file.write_text(file.read_text() + ALWAYS)
        node.start()
        for pause_s in (0.3, 1.1, 0.7):
            before = readings()
            until(lambda: readings() > before + 5, within_s=30, what="readings")  # noqa: B023 - asked at once
            time.sleep(pause_s)  # a moment of its own for each kill
            node.kill()
            node.start()
        until(lambda: raised()["limit", "raised"], within_s=60, what="the alarm with a delay")
        before = readings()
        until(lambda: readings() > before + 20, within_s=60, what="more readings")
        node.stop()
        assert raised() == {("disk", "raised"): 1, ("limit", "raised"): 1}
        assert edge.wrong == []


def shown_at(port):
    """A look at what is retained, and what is said while one looks: a set that grows."""
    heard = set()
    link = Link(
        Settings(host="127.0.0.1", port=port, client_id=f"look-{time.monotonic_ns()}"),
        on_up=lambda link: link.subscribe([f"ntm/v1/+/+/+/+/{each}" for each in ("meta", "state", "status")]),
        on_down=lambda _: None,
        on_message=lambda message: (message.ack(), heard.add(message.topic)),
        on_puback=lambda *_: None,
    )
    link.start()
    return link, heard


def test_a_broker_that_was_killed_and_forgot_has_every_retained_topic_again(tmp_path, mosquitto):
    with NodeProgram(tmp_path / "n", mosquitto, bins=2):

        def topics():
            link, heard = shown_at(mosquitto.port)
            try:
                until(lambda: len(heard) >= 24, within_s=30, what="meta, state and status of eight assets")
            finally:
                link.stop(1.0)
            return set(heard)

        before = topics()
        mosquitto.kill()
        mosquitto.start()
        assert topics() == before


def test_a_lamp_follows_a_command_from_the_broker_and_says_so_or_why_not(tmp_path, mosquitto):
    clock = PacedClock(speed=5.0)
    world = build(1, clock, bins=0, domains=["lighting"])
    lamp = RelaySignal(clock, world.io.pin("GPIO17"), world.io.pin("GPIO22"))
    file = tmp_path / "node.toml"
    file.write_text(
        f'[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\nlat = 18.34\nlon = 105.9\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {mosquitto.port}\n[spool]\npath = "{tmp_path}/node.db"\n'
        f'[commands]\nenabled = true\naudit = "{tmp_path}/audit.log"\n'
        '[[lighting]]\nasset = "cabinet-01"\ndevice = "relay"\n[lighting.schedule]\n'
        '[[device]]\nid = "relay"\ndriver = "relay"\nconfig = { line = "GPIO17", feedback = "GPIO22" }\n'
        + world.config_toml(every="10s", stale_after="30s")
    )
    node = Node(config_check.load(file, {}), world.io)
    answers = []
    topic = "ntm/v1/42/18562/lighting/cabinet-01/"
    link = Link(
        Settings(host="127.0.0.1", port=mosquitto.port, client_id="operator"),
        on_up=lambda link: link.subscribe([topic + "ack"]),
        on_down=lambda _: None,
        on_message=lambda message: (message.ack(), answers.append(decode(message.payload, Ack))),
        on_puback=lambda *_: None,
    )

    def tell(name, state):
        expires = from_ns(clock.wall_ns() + 600 * 10**9)
        body = Command(v=1, id=name, powerState=state, expires=expires, by="Lan")
        before = len(answers)
        link.publish(topic + "cmd", encode(body))
        until(lambda: len(answers) > before, within_s=20, what=f"an answer to {name}")
        assert answers[-1].id == name
        reason = answers[-1].reason
        return answers[-1].outcome, reason if isinstance(reason, str) else None

    node.start()
    link.start()
    try:
        until(lambda: link.up and node.publisher.link.up, within_s=20, what="both links")
        until(lambda: node.lights._lamps["cabinet-01"].shown is False, within_s=20, what="noon")
        assert tell("c-1", "on") == ("done", None)
        assert lamp.on
        assert tell("c-1", "on") == ("refused", "replayed")
        lamp.faults.inject("welded")
        assert tell("c-2", "off") == ("failed", "no-feedback")
        assert lamp.on, "its contacts are welded"
        lamp.faults.mend("welded")
        lamp.refresh()
        assert tell("c-3", "off") == ("done", None)
        assert not lamp.on
        assert (tmp_path / "audit.log").read_text().count('"by": "Lan"') == 7
    finally:
        link.stop(1.0)
        node.stop(1.0)
        clock.close()
        world.close()
