"""What a link is told and what it hands on: where to connect and as whom, and messages to acknowledge."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


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


class Message:
    """A received message and the one connection on which it may be acknowledged."""

    __slots__ = ("_client", "_mid", "payload", "qos", "retain", "topic")

    def __init__(
        self, client: Acknowledging, mid: int, topic: str, payload: bytes, qos: int, *, retain: bool
    ) -> None:
        self._client = client
        self._mid = mid
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain

    def ack(self) -> None:
        """Acknowledge; without effect when its connection is gone, for then the broker sends it again."""
        if self.qos:
            self._client.acknowledge(self._mid)
