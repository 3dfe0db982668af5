"""paho's client with a buffer on each side: taking a feed in costs it a fraction of what it did.

paho reads a packet by three to five calls to the system, and writes an acknowledgement by two. Here what has
come is read at once, messages are taken out of it directly, and all acknowledgements of a commit leave in one
write. Everything else (connecting, pings, subscriptions, what we send) is paho's as before.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import MQTTErrorCode

from gateway.feed.wire import Message

__all__ = ["BufferedClient"]

_READ = 65_536  # bytes a call
_LITTLE = 8_192  # bytes of a read: some forty messages
_PUBLISH, _KIND = 0x30, 0xF4  # MQTT 5, section 3.3.1: of QoS 0 or 1, whatever its other flags
_PUBACK = b"\x40\x02"  # section 3.4, without a reason: success
_MOST_LENGTH = 4  # bytes of a Remaining Length, section 2.1.4


class BufferedClient(Client):
    """Hands the messages of each read to `hear`, in the loop's thread; made for one connection only.

    With `gather_s` (0 to some 0.05 s) it reads so much later where few come at a time: a wake-up costs many
    times what a message does. In a flood each read is full, and nothing waits.
    """

    def __init__(
        self, *arguments: Any, hear: Callable[[list[Message]], None], gather_s: float = 0.0, **more: Any
    ) -> None:
        super().__init__(*arguments, **more)
        self._hear = hear
        self._gather_s = gather_s
        self._patience = (
            threading.Event()
        )  # never set: a sleep does not end where a test has made up the time
        self._few = False
        self._came = b""
        self._at = 0
        self._acks: deque[int] = deque()  # any thread appends; who flushes takes
        self._flushing = threading.Lock()
        self._woken = False
        # What is too long to wait for in one piece, paho puts together.
        self.on_message = lambda _, __, it: hear(
            [Message(self, it.mid, it.topic, bytes(it.payload), it.qos, it.retain)]
        )

    def acknowledge(self, mid: int) -> None:
        """Send a PUBACK together with others, from any thread."""
        self._acks.append(mid)
        if not self._woken and self._sockpairW is not None:
            self._woken = True
            with suppress(OSError):  # full, so the loop wakes anyway; or closed, so nobody is there to hear
                self._sockpairW.send(b"\0")

    def _flush_acks(self) -> None:
        self._woken = False  # first: what is appended while they are taken wakes the loop anew
        with self._flushing:
            acks = [self._acks.popleft() for _ in range(len(self._acks))]
        if acks:
            packet = b"".join([_PUBACK + mid.to_bytes(2, "big") for mid in acks])
            self._out_packet.append(
                {
                    "command": _PUBACK[0],
                    "mid": acks[-1],
                    "qos": 1,
                    "pos": 0,
                    "to_process": len(packet),
                    "packet": packet,
                    "info": None,
                }
            )

    def _packet_queue(self, *arguments: Any, **more: Any) -> MQTTErrorCode:
        self._flush_acks()  # nothing overtakes them, least of all a DISCONNECT
        return super()._packet_queue(*arguments, **more)

    def loop_write(self) -> MQTTErrorCode:
        """Write what waits, acknowledgements too."""
        self._flush_acks()
        return super().loop_write()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 - paho's, and not asked there
        """Take in what one read brings: messages here, every other packet through paho."""
        came = self._read()
        if came is None:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        if not came:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        self._came, self._at = self._came[self._at :] + came, 0
        self._few = self._came[0] & _KIND == _PUBLISH and len(self._came) < _LITTLE
        with self._msgtime_mutex:
            self._last_msg_in = time.monotonic()
        while self._sock is not None:
            if self._in_packet["command"] == 0:
                try:
                    waiting = self._take_messages()
                except IndexError:
                    return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)
                if waiting:
                    break
            # A single packet: paho's own loop_read takes as many as we have sent, the messages behind it too.
            code = self._packet_read()
            if code == MQTTErrorCode.MQTT_ERR_AGAIN:
                break
            if code:
                return self._loop_rc_handle(code)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _read(self) -> bytes | None:
        """Return what has come, nothing when the connection has ended, None when nothing has come."""
        if self._few and self._gather_s:
            self._patience.wait(self._gather_s)
        try:
            return super()._sock_recv(_READ)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at == len(self._came):
            raise BlockingIOError
        piece = self._came[self._at : self._at + bufsize]
        self._at += len(piece)
        return piece

    def _take_messages(self) -> bool:
        """Hand on whole messages off the front; return whether what is left, if anything, waits for its rest.

        Raises IndexError for a message that ends before its parts do; the broker has all of them still.
        """
        came, at, end = self._came, self._at, len(self._came)
        messages: list[Message] = []
        waits = True
        while at < end:
            first = came[at]
            if first & _KIND != _PUBLISH:
                waits = False
                break
            start, length, shift, byte = at + 1, 0, 0, 0x80
            while byte & 0x80 and start < end and shift < 7 * _MOST_LENGTH:
                byte = came[start]
                start += 1
                length |= (byte & 0x7F) << shift
                shift += 7
            if byte & 0x80:  # longer than any, which is paho's to judge, or not all here
                waits = shift < 7 * _MOST_LENGTH
                break
            if start + length > end:
                waits = length <= _READ
                break
            at = start + length
            messages.append(self._message(first, came[start:at]))
        self._at = at  # before they are told: an error in an ear must not tell them twice
        if messages:
            self._hear(messages)
        return waits

    def _message(self, first: int, packet: bytes) -> Message:
        """Take a PUBLISH apart; raise IndexError when it ends before its parts do."""
        qos = first >> 1 & 1
        at = 2 + (packet[0] << 8 | packet[1])
        topic = packet[2:at].decode("utf-8", "replace")
        mid = 0
        if qos:
            mid = packet[at] << 8 | packet[at + 1]
            at += 2
        if self._protocol == MQTTv5:
            size, shift, byte = 0, 0, 0x80
            while byte & 0x80:
                byte = packet[at]
                at += 1
                size |= (byte & 0x7F) << shift
                shift += 7
            at += size
        if at > len(packet):
            raise IndexError(at)
        return Message(self, mid, topic, packet[at:], qos, bool(first & 1))
