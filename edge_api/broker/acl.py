"""Who may say and hear what at a broker: Mosquitto's ACL file, user by user; who is not in it may nothing.

Mosquitto's patterns know only a whole user name, not the commune in it, so every user has lines of its own.
"""

from collections.abc import Iterator

from edge_api.broker.settings import Broker, BrokerNode
from gateway.feed.topics import ROOT

UP = ("telemetry", "event", "state", "meta", "status")
"""What goes from a node upward, and over the bridge."""


def acl(broker: Broker, province: str, commune: str) -> str:
    """Return the ACL file of a commune's broker, or of a province's when there is no commune."""
    lines = ["# Written by `commune edge broker` from edge.toml: change it there, and write it anew."]
    place = f"{ROOT}/{province}/{commune}" if commune else f"{ROOT}/{province}/+"
    us = f"{province}-{commune}" if commune else province
    lines += _user(f"{us}-edge", _edge(place))
    for node in broker.nodes:
        lines += _user(f"{us}-{node.gw}", _node(node, place))
    for code in broker.communes:
        lines += _user(f"{province}-{code}-bridge", _bridge(f"{ROOT}/{province}/{code}"))
    roles: dict[str, list[str]] = {}
    for name in broker.monitors:
        roles.setdefault(name, []).append(f"topic read {place}/#")
    for name in broker.operators:
        roles.setdefault(name, []).extend(_operator(place))
    for name, rules in roles.items():
        lines += _user(name, rules)
    return "\n".join(lines) + "\n"


def _user(name: str, rules: "Iterator[str] | list[str]") -> list[str]:
    return ["", f"user {name}", *rules]


def _edge(place: str) -> Iterator[str]:
    for channel in (*UP, "ack"):
        yield f"topic read {place}/+/+/{channel}"
    yield f"topic write {place}/gateway/+/custody"
    yield f"topic write {place}/lighting/+/ack"


def _node(node: BrokerNode, place: str) -> Iterator[str]:
    own = f"gateway/{node.gw}"
    assets = [own, *(asset for asset in node.assets if asset != own)] if node.assets else ["+/+"]
    for asset in assets:
        for channel in UP:
            yield f"topic write {place}/{asset}/{channel}"
    yield f"topic read {place}/{own}/custody"
    for asset in assets if node.assets else ["lighting/+"]:
        if asset.startswith("lighting/"):
            yield f"topic read {place}/{asset}/cmd"
            yield f"topic write {place}/{asset}/ack"


def _bridge(place: str) -> Iterator[str]:
    for channel in UP:
        yield f"topic write {place}/+/+/{channel}"
    yield f"topic read {place}/lighting/+/cmd"
    yield f"topic write {place}/lighting/+/ack"


def _operator(place: str) -> Iterator[str]:
    yield f"topic write {place}/lighting/+/cmd"
    for channel in ("ack", "state", "meta", "status"):
        yield f"topic read {place}/lighting/+/{channel}"
