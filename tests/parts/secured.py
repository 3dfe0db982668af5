"""Because security is tried on a real broker: Mosquitto on the files that `commune edge broker` wrote."""

import os
import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.cli import main
from tests.gateway.authorities import COMMUNE, Made
from tests.parts.process import Part
from tests.parts.wait import until

PLACE = f"ntm/v1/42/{COMMUNE}"


class SecuredBroker(Part):
    """A commune's Mosquitto, or a province's with `communes`, as the command sets it up."""

    program = "mosquitto"

    def __init__(self, made: Made, *, commune: str = COMMUNE, tables: str = "", keys: str = "") -> None:
        super().__init__()
        self.made = made
        cn = f"42-{commune}-broker" if commune else "42-broker"
        if not (made.folder / "issued" / f"{cn}.key").exists():
            made.issue("broker", commune=commune)
        files = {**made.files(cn), "crl_file": made.crl}
        lines = [f'{key} = "{path}"' for key, path in files.items()]
        level = f'level = "commune"\ncommune = "{commune}"' if commune else 'level = "province"'
        text = f"""[site]
{level}
province = "42"
[broker]
host = "127.0.0.1"
port = {self.port}
folder = "{self.folder}"
store = "{self.folder}"
{keys}
"""
        (self.folder / "edge.toml").write_text(text + "\n".join([*lines, tables]))
        done = CliRunner().invoke(main, ["edge", "broker", str(self.folder / "edge.toml")])
        assert done.exit_code == 0, done.output
        if os.getuid() == 0:
            # A change of user would clear "end with your parent", and forbid the folder.
            with (self.folder / "mosquitto.conf").open("a") as file:
                file.write("user root\n")

    def arguments(self) -> list[str]:
        return ["-c", str(self.folder / "mosquitto.conf")]

    def ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Bearer:
    """A client with a certificate: it remembers what it heard and how each message was answered."""

    def __init__(self, broker: SecuredBroker, files: dict[str, Path], client_id: str = "any") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.answers: dict[int, str] = {}
        self.ended = threading.Event()
        self.connected = threading.Event()
        self.refusal = ""
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5)
        context = ssl.create_default_context(cafile=files["ca_file"])
        if "cert_file" in files:
            context.load_cert_chain(files["cert_file"], files["key_file"])
        self.client.tls_set_context(context)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: self.ended.set()
        self.client.on_message = lambda _, __, message: self.heard.append((message.topic, message.payload))
        self.client.on_publish = self._on_publish
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self._subscribed = threading.Event()
        self._port = broker.port

    def connect(self) -> bool:
        """Connect; False when the broker does not let us in, whichever way it says so."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 60
        try:
            self.client.connect("localhost", self._port, clean_start=False, properties=properties)
        except OSError as error:
            self.refusal = str(error)
            return False
        self.client.loop_start()
        until(lambda: self.connected.is_set() or self.ended.is_set(), what="an answer")
        return self.connected.is_set()

    def say(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> str:
        """Publish with QoS 1 and return the broker's answer."""
        info = self.client.publish(topic, payload, qos=1, retain=retain)
        return until(lambda: self.answers.get(info.mid), what=f"an answer to {topic}")

    def listen(self, *filters: str) -> None:
        """Subscribe; Mosquitto grants this to everybody, and holds back at delivery."""
        for each in filters:
            self._subscribed.clear()
            self.client.subscribe(each, 1)
            until(self._subscribed.is_set, what="a suback")

    def topics(self) -> set[str]:
        return {topic for topic, _ in self.heard}

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, _, __, ___, code, ____) -> None:
        (self.ended if code.is_failure else self.connected).set()
        self.refusal = str(code)

    def _on_publish(self, _, __, mid, code, ___) -> None:
        self.answers[mid] = str(code)


@contextmanager
def bearer(broker: SecuredBroker, files: dict[str, Path], client_id: str = "any"):
    """A connected client; it must be let in."""
    it = Bearer(broker, files, client_id)
    try:
        assert it.connect(), it.refusal
        yield it
    finally:
        it.close()


def let_in(broker: SecuredBroker, files: dict[str, Path]) -> bool:
    """Whether the broker takes a client with these files."""
    it = Bearer(broker, files)
    try:
        return it.connect()
    finally:
        it.close()
