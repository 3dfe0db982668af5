"""What a link is told and what it hands on: where to connect and as whom, and messages to acknowledge."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our name when we are gone."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where to connect, and as whom. `tls` makes a context anew for each connection: files are renewed."""

    host: str
    port: int = 1883
    client_id: str
    username: str | None = None
    password: str | None = None
    keepalive_s: int = 30
    will: Will | None = None
    persistent: bool = False
    tls: Callable[[], ssl.SSLContext] | None = None


class Acknowledging(Protocol):
    """A connection on which messages came."""

    def acknowledge(self, mid: int) -> None:
        """Send the acknowledgement of a message, or nothing when the connection is gone."""


class Message(Struct, frozen=True, gc=False):
    """A received message and the one connection on which it may be acknowledged."""

    client: Acknowledging
    mid: int
    topic: str
    payload: bytes
    qos: int
    retain: bool

    def ack(self) -> None:
        """Acknowledge; without effect when its connection is gone, for then the broker sends it again."""
        if self.qos:
            self.client.acknowledge(self.mid)


def each(hear: Callable[[Message], None]) -> Callable[[list[Message]], None]:
    """Make what hears single messages fit a link, which hands on all of one read at once."""

    def hear_all(messages: list[Message]) -> None:
        for message in messages:
            hear(message)

    return hear_all
