"""What is true of every message on a channel: who sends it, how surely, and whether the broker keeps it."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from gateway.feed.bodies import TYPES, Custody, Event, Meta
from gateway.feed.commands import Ack, Command
from gateway.feed.topics import CHANNELS, DOMAINS

STATUSES = ("online", "offline", "fault")
QOS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel; `bodies` is empty where the payload is plain text."""

    retain: bool
    sender: Literal["node", "edge", "operator"]
    bodies: tuple[type[Struct], ...]
    says: str
    domains: tuple[str, ...] = DOMAINS
    qos: int = QOS


_READINGS: tuple[type[Struct], ...] = tuple(TYPES.values())

FACTS = MappingProxyType(
    {
        "telemetry": Channel(
            retain=False,
            sender="node",
            bodies=_READINGS,
            says="Every reading; may come late and in any order. The feed of record.",
        ),
        "state": Channel(
            retain=True,
            sender="node",
            bodies=_READINGS,
            says="The newest reading of the asset; only ever moves forward in ts.",
        ),
        "meta": Channel(
            retain=True,
            sender="node",
            bodies=(Meta,),
            says="What the asset is: name, place, units, rhythm. Again on start and on change.",
        ),
        "status": Channel(
            retain=True,
            sender="node",
            bodies=(),
            says="Plain online, offline or fault; a node's own status is also its last will.",
        ),
        "event": Channel(
            retain=False,
            sender="node",
            bodies=(Event,),
            says="An alarm raised or cleared, or a gap. Each once.",
        ),
        "cmd": Channel(
            retain=False,
            sender="operator",
            bodies=(Command,),
            says="A command to lamps; off by default.",
            domains=("lighting",),
        ),
        "ack": Channel(
            retain=False,
            sender="node",
            bodies=(Ack,),
            says="What became of a command.",
            domains=("lighting",),
        ),
        "custody": Channel(
            retain=True,
            sender="edge",
            bodies=(Custody,),
            says="How far the edge has committed all of a node's readings and events.",
            domains=("gateway",),
        ),
    }
)
"""All channels, in the order of `CHANNELS`."""

if tuple(FACTS) != CHANNELS:
    raise AssertionError("every channel of the topics has its facts, in the same order")
