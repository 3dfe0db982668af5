"""RabbitMQ as a store: its MQTT plugin, a durable session with a quorum queue, which confirms after fsync."""

import select
import struct
from collections.abc import Iterator

from bench.writer import connect

_CLIENT = "store"
_FILTER = b"#"
_QUIET_S = 5.0
_PUBLISH, _QOS = 0x30, 0x06

SETTINGS = "mqtt.durable_queue_type = quorum\nmqtt.subscription_ttl = 604800000\nmqtt.prefetch = 1000\n"
"""As the product's own role for RabbitMQ sets it; why is said in deploy/ansible/roles/rabbitmq/files."""


def subscribe(port: int) -> None:
    """Make the session, and leave it: from now on the broker keeps what is published."""
    with connect(port, _CLIENT, clean=False) as wire:
        rest = b"\x00\x01" + struct.pack(">H", len(_FILTER)) + _FILTER + b"\x01"
        wire.sendall(b"\x82" + bytes([len(rest)]) + rest)
        if wire.recv(5)[:1] != b"\x90":
            raise ConnectionError("no SUBACK")
        wire.sendall(b"\xe0\x00")


def drain(port: int, count: int) -> list[bytes]:
    """Take what the queue holds, and acknowledge it in groups; return the bodies."""
    bodies: list[bytes] = []
    with connect(port, _CLIENT, clean=False) as wire:
        rest = b""
        while len(bodies) < count and select.select([wire], [], [], _QUIET_S)[0]:
            came = wire.recv(262_144)
            if not came:
                break
            packets, rest = split(rest + came)
            acks = []
            for body, mid in packets:
                bodies.append(body)
                acks.append(b"\x40\x02" + mid)
            if acks:
                wire.sendall(b"".join(acks))
        wire.sendall(b"\xe0\x00")
    return bodies


def split(data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Cut whole PUBLISH packets off a stream; return body and packet identifier of each, and the rest."""
    found = []
    at = 0
    for begin, end, kind in _packets(data):
        at = end
        if kind & 0xF0 == _PUBLISH and kind & _QOS:
            topic = int.from_bytes(data[begin : begin + 2], "big")
            body = begin + 2 + topic + 2
            found.append((data[body:end], data[body - 2 : body]))
    return found, data[at:]


def _packets(data: bytes) -> Iterator[tuple[int, int, int]]:
    at = 0
    while at + 2 <= len(data):
        length, shift, begin = 0, 0, at + 1
        while begin < len(data):
            length |= (data[begin] & 0x7F) << shift
            shift += 7
            begin += 1
            if not data[begin - 1] & 0x80:
                break
        else:
            return
        if begin + length > len(data):
            return
        yield begin, begin + length, data[at]
        at = begin + length
