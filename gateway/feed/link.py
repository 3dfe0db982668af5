"""One MQTT connection that is made again for ever: MQTT 5, or 3.1.1 where the broker knows no better."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

log = logging.getLogger(__name__)

RECEIVE_MAXIMUM = 5_000
"""Messages a broker may send us before an acknowledgement; unset, newer Mosquittos hold a client to 20."""

_SESSION_S = 7 * 86_400
_CONNECT_S = 10.0
_ANSWER_S = 3.0
_PAUSE_FIRST_S = 0.5
_PAUSE_MOST_S = 10.0
_QUEUE = 10_000  # no sender of ours has more in flight; paho drops the newest beyond it


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our name when we are gone."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where to connect, and as whom."""

    host: str
    port: int = 1883
    client_id: str
    username: str | None = None
    password: str | None = None
    keepalive_s: int = 30
    will: Will | None = None
    persistent: bool = False


class Message:
    """A received message and the one connection on which it may be acknowledged."""

    __slots__ = ("_client", "_mid", "payload", "qos", "retain", "topic")

    def __init__(self, client: Client, message: MQTTMessage) -> None:
        self._client = client
        self._mid = message.mid
        self.topic = message.topic
        self.payload = bytes(message.payload)
        self.qos = message.qos
        self.retain = message.retain

    def ack(self) -> None:
        """Acknowledge; without effect when its connection is gone, for then the broker sends it again."""
        if self.qos:
            self._client.ack(self._mid, self.qos)


class Link:
    """Runs the connection in a thread of its own; every callback comes from that thread.

    Each connection has a paho client of its own, so that nothing (queue, packet numbers) outlives it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_up: Callable[["Link"], None],
        on_down: Callable[[str], None],
        on_message: Callable[[Message], None],
        on_puback: Callable[[int, str | None], None],
    ) -> None:
        self.settings = settings
        self._on_up = on_up
        self._on_down = on_down
        self._on_message = on_message
        self._on_puback = on_puback
        self._protocol = MQTTv5
        self._client: Client | None = None
        self._up = False
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._answered = threading.Event()
        self._retry_now = False
        self._refused_5 = False
        self._thread = threading.Thread(target=self._run, name=f"mqtt {settings.client_id}", daemon=True)
        self.state = "starting"

    @property
    def up(self) -> bool:
        """Whether the broker has taken us."""
        return self._up

    def start(self) -> None:
        """Start connecting; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Say good-bye and end the thread."""
        self._stop.set()
        client = self._client
        if client is not None:
            client.disconnect()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send with QoS 1; return the packet's number, None when there is no connection."""
        client = self._client
        if client is None or not self._up:
            return None
        info = client.publish(topic, payload, qos=1, retain=retain)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe with QoS 1 on the present connection."""
        if self._client is not None:
            self._client.subscribe([(each, 1) for each in filters])

    def _make(self) -> Client:
        it = self.settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=it.client_id,
            protocol=self._protocol,
            clean_session=None if self._protocol == MQTTv5 else not it.persistent,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(_QUEUE)
        if it.username is not None:
            client.username_pw_set(it.username, it.password)
        if it.will is not None:
            client.will_set(it.will.topic, it.will.payload, qos=1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = lambda c, _, message: self._on_message(Message(c, message))
        client.on_publish = self._published
        return client

    def _run(self) -> None:
        pause = _PAUSE_FIRST_S
        while not self._stop.is_set():
            self._client = client = self._make()
            was_up = False
            try:
                self._connect(client)
                self._ended.clear()
                self._answered.clear()
                client.loop_start()
                self._await_answer(client)
                self._ended.wait()
                client.loop_stop()
                was_up = self.state == "closed"
            except (OSError, ValueError) as error:
                self._say(f"no connection to {self.settings.host}:{self.settings.port}: {error}")
            finally:
                self._client = None
            if self._retry_now:
                self._retry_now = False
                continue
            pause = _PAUSE_FIRST_S if was_up else min(pause * 2, _PAUSE_MOST_S)
            self._stop.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads clients, hides nothing

    def _await_answer(self, client: Client) -> None:
        """Wait for the CONNACK: a 3.1.1 broker may take MQTT 5's properties for a text without an end."""
        if self._answered.wait(_ANSWER_S) or self._ended.is_set():
            return
        self._say(f"{self.settings.host}:{self.settings.port} does not answer the connection")
        self._protocol = MQTTv311 if self._protocol == MQTTv5 else MQTTv5
        self._retry_now = self._protocol == MQTTv311
        client.disconnect()
        self._ended.set()

    def _connect(self, client: Client) -> None:
        it = self.settings
        if self._protocol == MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            if it.persistent:
                properties.SessionExpiryInterval = _SESSION_S
            client.connect(
                it.host, it.port, it.keepalive_s, clean_start=not it.persistent, properties=properties
            )
        else:
            client.connect(it.host, it.port, it.keepalive_s)

    def _say(self, state: str) -> None:
        if state != self.state:
            log.log(logging.INFO if state in ("open", "closed") else logging.WARNING, "mqtt: %s", state)
        self.state = state

    def _connected(self, client: Client, _: Any, __: Any, code: ReasonCode, ___: Any) -> None:
        self._answered.set()
        if code.is_failure:
            if self._protocol == MQTTv5 and "protocol version" in str(code):
                self._protocol, self._retry_now, self._refused_5 = MQTTv311, True, True
                self._say("the broker does not speak MQTT 5; going on with 3.1.1")
            else:
                self._say(f"{self.settings.host}:{self.settings.port} refuses the connection: {code}")
            client.disconnect()
            return
        self._say("open")
        self._up = True
        self._on_up(self)

    def _disconnected(self, _: Client, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
        if self._up:
            self._up = False
            self._say("closed")
            self._on_down(str(code))
            if not self._refused_5:
                self._protocol = (
                    MQTTv5  # silence may have been the network's; a refusal would have been plain
                )
        self._answered.set()
        self._ended.set()

    def _published(self, _: Client, __: Any, mid: int, code: ReasonCode, ___: Any) -> None:
        self._on_puback(mid, str(code) if code is not None and code.is_failure else None)
