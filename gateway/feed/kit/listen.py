"""Listens to a live broker as any subscriber may: what it hears, and how, as it was published."""

import queue
import secrets
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.feed.kit.capture import Heard

_RECEIVE_MAXIMUM = 5_000
_CONNECT_S = 10.0
_LARGEST_QOS = 2  # asked for, so that a message that was published with 2 is seen as such


class ListenError(ConnectionError):
    """The broker cannot be listened to, or no longer; the message says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where to listen, and as whom. Files are PEM."""

    host: str
    port: int
    username: str | None = None
    password_file: Path | None = None
    cafile: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def remedy(self) -> str:
        """What to try when the broker hangs up without a word, as TLS lets it do."""
        if self.cafile is None:
            return "does it speak TLS? Then give --cafile, --cert and --key"
        if self.cert is None:
            return "does it want a certificate? Then give --cert and --key"
        return "is the certificate revoked, over, of another authority, or in use elsewhere?"


def listen(broker: Broker, filters: Sequence[str], for_s: float | None) -> Iterator[Heard]:
    """Yield what is heard in `for_s` seconds (for ever without); raise ListenError when the broker ends it.

    It speaks MQTT 5, since only there a broker can be asked to leave retain flags as they were published.
    """
    heard: queue.Queue[Heard | Exception | None] = queue.Queue()
    client = _client(broker)
    answered = False

    def connected(_: Any, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
        nonlocal answered
        answered = True
        if code.is_failure:
            heard.put(ListenError(f"{broker} refuses the connection: {code}"))
            return
        options = SubscribeOptions(qos=_LARGEST_QOS, retainAsPublished=True)
        client.subscribe([(each, options) for each in filters])

    def subscribed(_: Any, __: Any, ___: Any, codes: list[ReasonCode], ____: Any) -> None:
        refused = [each for each, code in zip(filters, codes, strict=False) if code.is_failure]
        heard.put(
            ListenError(f"{broker} refuses the subscription to {', '.join(refused)}") if refused else None
        )

    def message(_: Any, __: Any, it: MQTTMessage) -> None:
        heard.put(Heard(it.topic, bytes(it.payload), it.qos, it.retain, time.time_ns()))

    def gone(_: Any, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
        silent = f"it hung up without a word: {broker.remedy}"
        taken = f"{code}: {broker.remedy}" if broker.cert else code
        why = taken if answered else silent
        heard.put(ListenError(f"{broker} has ended the connection: {why}"))

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, message
    client.on_disconnect = gone
    try:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = _RECEIVE_MAXIMUM
        client.connect(broker.host, broker.port, clean_start=True, properties=properties)
    except (OSError, ValueError) as error:
        raise ListenError(f"no connection to {broker}: {error}") from None
    client.loop_start()
    try:
        yield from _until(heard, broker, for_s)
    finally:
        client.on_disconnect = None
        client.disconnect()
        client.loop_stop()


def _until(
    heard: "queue.Queue[Heard | Exception | None]", broker: Broker, for_s: float | None
) -> Iterator[Heard]:
    deadline = time.monotonic() + _CONNECT_S
    ready = False
    while True:
        left = max(deadline - time.monotonic(), 0.0)
        try:
            it = heard.get(timeout=None if ready and for_s is None else left)
        except queue.Empty:
            if not ready:
                raise ListenError(f"{broker} does not answer within {_CONNECT_S:g} s") from None
            return
        if isinstance(it, Exception):
            raise it
        if it is None:
            ready = True
            deadline = time.monotonic() + (for_s or 0.0)
            continue
        yield it
        if ready and for_s is not None and time.monotonic() >= deadline:
            return


def _client(broker: Broker) -> Client:
    # A name of its own: a broker need not give one (`allow_zero_length_clientid false`, as ours).
    name = f"feed-{secrets.token_hex(6)}"
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5, reconnect_on_failure=False)
    client.connect_timeout = _CONNECT_S
    try:
        if broker.username is not None:
            secret = broker.password_file
            client.username_pw_set(
                broker.username, secret.read_text(encoding="utf-8").rstrip("\r\n") if secret else None
            )
        if broker.cafile is not None:
            context = ssl.create_default_context(cafile=broker.cafile)
            if broker.cert is not None:
                context.load_cert_chain(broker.cert, broker.key)
            client.tls_set_context(context)
    except (OSError, UnicodeDecodeError) as error:
        raise ListenError(f"a file for {broker} cannot be used: {error}") from None
    return client
