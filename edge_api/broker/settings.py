"""Table [broker] of edge.toml: where Mosquitto listens, whose certificates it knows, whom it calls."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.feed.errors import FeedError
from gateway.feed.tls import TLS_MQTT, Tls, tls_problems
from gateway.feed.topics import Topic
from sensors.settings import Bytes, Settings

__all__ = ["Bridge", "Broker", "BrokerNode", "broker_problems"]

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
_CN = re.compile(r"[0-9]{2}(-[a-z0-9]+)+")
_HOST = re.compile(r"[A-Za-z0-9.:-]+")


class BrokerNode(Settings, frozen=True):
    """One [[broker.node]]: a node, and its assets as "waste/bin-0007"; without, all assets of the commune."""

    gw: str
    assets: list[str] = msgspec.field(default_factory=list)


class Bridge(Tls, frozen=True):
    """Table [broker.bridge]: the broker above, which gets a copy of the feed, and may send `commands`."""

    host: str
    port: Port = TLS_MQTT
    commands: bool = False


class Broker(Tls, frozen=True):
    """Table [broker]: what `commune edge broker` writes for Mosquitto.

    `folder` is where Mosquitto finds its files, `store` where it keeps what waits. `monitors` read all,
    `operators` may switch lamps; both are common names of certificates. `communes` call in at a province.
    """

    host: str = "0.0.0.0"  # noqa: S104 - nodes reach it over the commune's network, with certificates
    port: Port = TLS_MQTT
    crl_file: Path | None = None
    folder: Path = Path("/etc/mosquitto")
    store: Path = Path("/var/lib/mosquitto")
    max_queued: Bytes = Bytes(64_000_000)
    monitors: list[str] = msgspec.field(default_factory=list)
    operators: list[str] = msgspec.field(default_factory=list)
    communes: list[str] = msgspec.field(default_factory=list)
    nodes: list[BrokerNode] = msgspec.field(default_factory=list, name="node")
    bridge: Bridge | None = None


def broker_problems(broker: Broker, province: str, commune: str) -> Iterator[str]:
    """Say what is wrong with a [broker], one sentence a problem."""
    for key in ("ca_file", "cert_file", "key_file"):
        if getattr(broker, key) is None:
            yield f"[broker] {key}: it is missing; everybody shows a certificate to this broker"
    if not province:
        yield "[broker]: [site] province is missing, and every topic begins with it"
    if not _HOST.fullmatch(broker.host):
        yield f"[broker] host: {broker.host!r} is no address"
    if commune and broker.communes:
        yield "[broker] communes: they call in at a province, not at a commune"
    yield from _name_problems(broker)
    yield from _node_problems(broker, commune)
    yield from _bridge_problems(broker, commune)


def _bridge_problems(broker: Broker, commune: str) -> Iterator[str]:
    bridge = broker.bridge
    if bridge is None:
        return
    if not commune:
        yield "[broker.bridge]: only a commune has one; this broker is called by others"
    yield from (f"[broker.bridge] {problem}" for problem in tls_problems(bridge))
    if bridge.ca_file is None or bridge.cert_file is None:
        yield "[broker.bridge] ca_file, cert_file and key_file: the broker above wants a certificate"
    if not _HOST.fullmatch(bridge.host):
        yield f"[broker.bridge] host: {bridge.host!r} is no host name"


def _name_problems(broker: Broker) -> Iterator[str]:
    for key in ("monitors", "operators"):
        for name in getattr(broker, key):
            if not _CN.fullmatch(name):
                yield f"[broker] {key}: {name!r} is no common name of a certificate, such as 42-monitor-ioc"
    tables: list[tuple[str, Tls]] = [("broker", broker)]
    if broker.bridge is not None:
        tables.append(("broker.bridge", broker.bridge))
    for table, settings in tables:
        for key in settings.__struct_fields__:
            path = getattr(settings, key)
            if isinstance(path, Path) and any(letter in str(path) for letter in "\n\r"):
                yield f"[{table}] {key}: a path with a line's end cannot stand in mosquitto.conf"
    for code in broker.communes:
        if not re.fullmatch(r"[0-9]{5}", code):
            yield f"[broker] communes: {code!r} is not a 5-digit unit code such as 18562"


def _node_problems(broker: Broker, commune: str) -> Iterator[str]:
    if not commune and broker.nodes:
        yield "[[broker.node]]: nodes belong to a commune, and [site] names none"
    names = [node.gw for node in broker.nodes]
    for number, node in enumerate(broker.nodes):
        if names.index(node.gw) != number:
            yield f"broker.node {node.gw}: there are two of that name"
        for asset in [f"gateway/{node.gw}", *node.assets]:
            domain, _, name = asset.partition("/")
            try:
                Topic("00", commune or "00000", domain, name, "meta")
            except FeedError as error:
                yield f'broker.node {node.gw}: assets: {asset!r} is not "domain/asset": {error}'
