"""Because an edge is tried whole: its configuration, its server, and a node that only publishes."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge_api.config import EdgeConfig, History, Http, Mqtt, Site, Spool, Token, Upstream
from edge_api.edge import Edge
from edge_api.lines import split_lines
from edge_api.server import HttpServer
from gateway.feed import from_ns
from sensors.settings import Seconds
from tests.edge_api.rig import START_NS
from tests.parts.wait import until

COMMUNE = Site(level="commune", province="42", commune="18562")
PROVINCE = Site(level="province", province="42")
BIN = "ntm/v1/42/18562/waste/bin-1/telemetry"
NODE = "ntm/v1/42/18562/gateway/gw-01"


def edge_config(
    folder: Path,
    site: Site = COMMUNE,
    port: int | None = None,
    upstreams: Sequence[Upstream] = (),
    tokens: Sequence[Token] = (),
    linger: float = 0.0,
) -> EdgeConfig:
    """A whole edge.toml; `port` is the broker's."""
    return EdgeConfig(
        site=site,
        mqtt=None if port is None else Mqtt(host="127.0.0.1", port=port),
        http=Http(host="127.0.0.1"),
        spool=Spool(path=folder / "edge.db", linger=Seconds(linger)),
        history=History(path=folder / "history.db"),
        tokens=list(tokens),
        upstreams=list(upstreams),
    )


@contextmanager
def edge_at_work(config: EdgeConfig, *, serve: bool = False) -> Iterator[tuple[Edge, str]]:
    """An edge, started, and the URL of its server; both are stopped in the end."""
    edge = Edge(config)
    server = HttpServer("127.0.0.1", 0) if serve else None
    edge.start()
    if server:
        server.start(edge)
    try:
        yield edge, f"http://127.0.0.1:{server.port}" if server else ""
    finally:
        if server:
            server.stop()
        edge.stop(1.0)


def reading(seq: int, **more: object) -> dict[str, object]:
    """A telemetry body."""
    body = {"v": 1, "type": "WasteContainer", "ts": from_ns(START_NS + seq * 1_000_000), "gw": "gw-01"}
    return {**body, "ep": "aa", "seq": seq, "q": "good", "fillingLevel": 0.5, **more}


def meta(**more: object) -> dict[str, object]:
    """The node's own meta."""
    body = {"v": 1, "type": "Device", "id": "gw-01", "name": "Nút 1", "gw": "gw-01", "interval": 60}
    return {**body, "staleAfter": 180, "ep": "aa", **more}


class Publisher:
    """A client of the broker: publishes with QoS 1 and remembers what it was sent."""

    def __init__(
        self, port: int, *, protocol: int = MQTTv5, hears: str = "ntm/v1/+/+/gateway/+/custody"
    ) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._subscribed = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=protocol)  # type: ignore[arg-type]
        self.client.max_inflight_messages_set(20_000)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *_: client.subscribe(hears, 1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        until(self._subscribed.is_set, what="the publisher to be connected")

    def say(self, topic: str, body: object, *, retain: bool = False) -> None:
        """Publish; a dict goes as JSON, bytes as they are."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.client.publish(topic, payload, qos=1, retain=retain)

    def custody(self) -> int:
        """The last custody number heard, 0 before the first."""
        return self.heard[-1][1]["seq"] if self.heard else 0

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, _: object, __: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, json.loads(message.payload)))


@contextmanager
def publisher(port: int, **more: Any) -> Iterator[Publisher]:
    """A publisher that is closed in the end."""
    it = Publisher(port, **more)
    try:
        yield it
    finally:
        it.close()


def kept(edge: Edge) -> list[str]:
    """Every line in the edge's spool, in the order of commit."""
    rows = edge.spool.query("SELECT body FROM segment ORDER BY id")
    return [line.decode() for (body,) in rows for line in split_lines(body)]


def seqs(edge: Edge) -> list[int]:
    """The seq of every line in the edge's spool."""
    return [int(line.split(",seq=")[1].split("i")[0]) for line in kept(edge)]
