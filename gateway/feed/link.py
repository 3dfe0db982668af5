"""One MQTT connection that is made again for ever: MQTT 5, or 3.1.1 where the broker knows no better."""

import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.feed.client import BufferedClient
from gateway.feed.tls import explained
from gateway.feed.wire import Message, Settings, Will, each

__all__ = ["RECEIVE_MAXIMUM", "Link", "Message", "Settings", "Will", "each"]

log = logging.getLogger(__name__)

RECEIVE_MAXIMUM = 5_000
"""Messages a broker may send us before an acknowledgement; unset, newer Mosquittos hold a client to 20."""

_SESSION_S = 7 * 86_400
_CONNECT_S = 10.0
_ANSWER_S = 3.0
_GOODBYE_S = 1.0  # a broker that hears nothing any more need not be waited for
_RENEW_S = (
    600.0  # MQTT 3.1.1 after a silence: perhaps only the network was silent, so MQTT 5 gets a second try
)
_STEADY_S = 10.0  # a connection that ends sooner counts as a failure: brokers throw out what they do not like
_SHORTS = 3
_GATHER_S = 0.02  # 345 messages a second, one at a time, cost two and a half times as much
_PAUSE_FIRST_S = 0.5
_PAUSE_MOST_S = 10.0
_QUEUE = 10_000  # no sender of ours has more in flight; paho drops the newest beyond it


class Link:
    """Runs the connection in a thread of its own; every callback comes from one thread at a time.

    Who hears `on_messages` gets all that has come within a moment at once, instead of one after the other.

    Each connection has a paho client of its own, so that nothing (queue, packet numbers) outlives it. It is
    tried with MQTT 5 first; a broker that refuses that, hangs up on it or stays silent gets 3.1.1.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_up: Callable[["Link"], None],
        on_down: Callable[[str], None],
        on_puback: Callable[[int, str | None], None],
        on_message: Callable[[Message], None] = Message.ack,
        on_messages: Callable[[list[Message]], None] | None = None,
    ) -> None:
        self.settings = settings
        self._on_up = on_up
        self._on_down = on_down
        self._on_messages = on_messages or each(on_message)
        self._gather_s = _GATHER_S if on_messages else 0.0
        self._on_puback = on_puback
        self._protocol = MQTTv5
        self._renewals = 1  # second tries left for MQTT 5
        self._again = False  # connect again at once, another way
        self._client: Client | None = None
        self._number = 0  # of the connection
        self._shorts = 0  # connections in a row that ended soon
        self._alert = ""  # what TLS said when it ended the connection
        self._up_at: float | None = None
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mqtt {settings.client_id}", daemon=True)
        self.state = "starting"

    @property
    def up(self) -> bool:
        """Whether the broker has taken us."""
        return self._up_at is not None

    @property
    def alive(self) -> bool:
        """Whether its thread runs, connected or not."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start connecting; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Say good-bye and end the thread; one that waits for a host's answer ends when that has come."""
        self._stop.set()
        client = self._client
        if client is not None:
            client.disconnect()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send with QoS 1; return a number that no other message has, None when there is no connection."""
        client, number = self._client, self._number
        if client is None or not self.up:
            return None
        info = client.publish(topic, payload, qos=1, retain=retain)
        return number << 16 | info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def current(self, number: int) -> bool:
        """Whether a message was sent on the present connection: of an earlier one no answer will come."""
        return self.up and number >> 16 == self._number

    def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe with QoS 1 on the present connection."""
        if self._client is not None:
            self._client.subscribe([(each, 1) for each in filters])

    def _make(self) -> Client:
        it = self.settings
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            hear=lambda messages: self._guard(client, self._on_messages, messages),
            gather_s=self._gather_s,
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
        if it.tls is not None:
            client.tls_set_context(it.tls())
            client.on_log = self._hear_alert
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        return client

    def _run(self) -> None:
        pause = _PAUSE_FIRST_S
        while not self._stop.is_set():
            self._again = False
            steady = self._live()
            if self._again:
                continue
            self._note_short(steady=steady)
            pause = _PAUSE_FIRST_S if steady else min(pause * 2, _PAUSE_MOST_S)
            self._stop.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads clients, hides nothing

    def _note_short(self, *, steady: bool) -> None:
        """Say what it may mean when the broker takes us and soon puts us out, again and again."""
        if self.state != "closed" or self._stop.is_set():
            return
        self._shorts = 0 if steady else self._shorts + 1
        if self._shorts == _SHORTS:
            log.warning(
                "mqtt: %s has taken us and closed the connection soon after, %d times in a row. Perhaps"
                " another machine or process has the same name (%s): each needs its own. Its log says why",
                self._place, _SHORTS, self.settings.client_id,
            )  # fmt: skip

    def _live(self) -> bool:
        """Make one connection and stay until it ends; return whether it was a good one."""
        self._answered.clear()
        self._ended.clear()
        self._number += 1
        began = time.monotonic()
        try:
            client = self._make()
        except ValueError as error:
            self._say(f"no connection to {self._place}: {error}")
            return False
        self._client = client
        try:
            self._connect(client)
            client.loop_start()
            self._await_answer(client)
            self._await_end(client)
        except (OSError, ValueError) as error:
            self._say(f"no connection to {self._place}: {explained(error)}")
        finally:
            self._close(client)
        return self.state == "closed" and time.monotonic() - began > _STEADY_S

    def _await_answer(self, client: Client) -> None:
        """Wait for the CONNACK: a 3.1.1 broker may take MQTT 5's properties for a text without an end."""
        if self._stop.is_set() or self._answered.wait(_ANSWER_S) or self._stop.is_set():
            return
        self._answered.set()  # no answer is an answer: the end that we make now is none
        self._say(f"{self._place} does not answer the connection")
        self._other_protocol(at_once=self._protocol == MQTTv5)
        client.disconnect()
        self._ended.set()

    def _await_end(self, client: Client) -> None:
        renew_at = None
        if self._protocol == MQTTv311 and self._renewals:
            renew_at = time.monotonic() + _RENEW_S
        while not self._ended.wait(_GOODBYE_S) and not self._stop.is_set():
            if client._thread is None:  # noqa: SLF001 - paho has no public word for "my thread has died"
                self._say("a message broke the connection's reader")
                return
            if renew_at is not None and time.monotonic() >= renew_at:
                log.info("mqtt: connecting again, to see whether %s speaks MQTT 5 by now", self._place)
                self._renewals -= 1
                self._protocol, self._again = MQTTv5, True
                client.disconnect()
                self._ended.wait(_GOODBYE_S)
                return

    def _close(self, client: Client) -> None:
        """End the connection whatever state it is in, and say so if nobody has."""
        self._client = None
        wire = client.socket()
        if isinstance(wire, socket.socket):
            with suppress(OSError):  # it may be closed by now, which is what we want
                wire.shutdown(socket.SHUT_RDWR)
        client.loop_stop()
        if wire is not None:
            wire.close()
        if self.up:
            self._down("the connection was given up")

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

    @property
    def _place(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"

    def _say(self, state: str) -> None:
        if state != self.state:
            log.log(logging.INFO if state in ("open", "closed") else logging.WARNING, "mqtt: %s", state)
        self.state = state

    def _other_protocol(self, *, at_once: bool) -> None:
        self._protocol = MQTTv311 if self._protocol == MQTTv5 else MQTTv5
        self._again = at_once

    def _guard(self, client: Client, call: Callable[..., None], *arguments: Any) -> None:
        """Call someone; an error costs the connection, so that what was not taken is sent again."""
        try:
            call(*arguments)
        except Exception:
            # In paho's thread an error that escapes would end the link in silence.
            log.exception("mqtt: what came could not be dealt with; connecting again")
            client.disconnect()

    def _connected(
        self, client: Client, _: Any, __: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._answered.set()
        client.on_log = None  # it costs something with each message
        self._alert = ""
        if code.is_failure:
            if self._protocol == MQTTv5 and "protocol version" in str(code):
                self._say("the broker does not speak MQTT 5; going on with 3.1.1")
                self._renewals = 0
                self._other_protocol(at_once=True)
            else:
                self._say(f"{self._place} refuses the connection: {code}")
            client.disconnect()
            return
        # paho does not keep to the broker's Receive Maximum, and its setter takes none once connected.
        client._max_inflight_messages = min(getattr(properties, "ReceiveMaximum", _QUEUE), _QUEUE)  # noqa: SLF001
        self._say("open")
        self._up_at = time.monotonic()
        self._guard(client, self._on_up, self)

    def _hear_alert(self, _: Client, __: Any, ___: int, words: str) -> None:
        """TLS 1.3 refuses a client's certificate after the handshake: paho tells only its log.

        What was heard once is believed until a connection is made: the alert does not always come through.
        """
        if "alert" in words.lower():
            self._alert = explained(OSError(words.partition(": ")[2]))

    def _disconnected(self, _: Client, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
        if self.up:
            self._down(str(code))
        elif not self._answered.is_set() and not self._stop.is_set():
            if self._alert:
                self._say(f"no connection to {self._place}: {self._alert}")
            elif self.settings.tls is not None:
                self._say(
                    f"{self._place} closes the connection before it is open: it may not believe our"
                    " certificate (revoked, expired, of another authority); its log says why"
                )
                self._other_protocol(at_once=False)
            else:
                self._say(f"{self._place} closes the connection before it is open")
                self._other_protocol(at_once=False)
        self._answered.set()
        self._ended.set()

    def _down(self, reason: str) -> None:
        self._up_at = None
        self._say("closed")
        self._on_down(reason)
        if not self._again:
            # Each connection begins with MQTT 5: the broker may be another one by now.
            self._protocol, self._renewals = MQTTv5, 1

    def _published(self, client: Client, __: Any, mid: int, code: ReasonCode, ___: Any) -> None:
        error = str(code) if code is not None and code.is_failure else None
        self._guard(client, self._on_puback, self._number << 16 | mid, error)
