"""Because real brokers do odd things: one that refuses, hangs up, stays silent, babbles or answers late.

Speaks just enough MQTT. What it does with each connection is said by words, the last one for all that follow.
"""

import socket
import struct
import threading

ACCEPT, REFUSE_5, REFUSE, CLOSE, SILENT, GARBAGE = (
    "accept",
    "refuse-5",
    "refuse",
    "close",
    "silent",
    "garbage",
)
CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14


class OddBroker:
    """Listens on a port of its own; `connects` are the protocol levels asked for, `published` the packets."""

    def __init__(self, *words, receive_maximum=None, puback=True):
        self.words = list(words) or [ACCEPT]
        self.receive_maximum = receive_maximum
        self.puback = puback
        self.connects = []
        self.published = []
        self.held = []  # connection and packet number of each message not acknowledged yet
        self._connections = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(5)

    def hang_up(self):
        """Close every connection without a word."""
        for each in self._connections:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def answer(self):
        """Acknowledge what was held back; on connections that are gone it goes nowhere."""
        for connection, number in self.held:
            try:
                connection.sendall(struct.pack("!BBH", 0x40, 2, number))
            except OSError:
                continue
        self.held.clear()

    def _accept(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            word = self.words.pop(0) if len(self.words) > 1 else self.words[0]
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, word), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection, word):
        with connection, connection.makefile("rb") as stream:
            try:
                while (packet := _packet(stream)) is not None:
                    if not self._handle(connection, word, *packet):
                        return
            except OSError:
                return

    def _handle(self, connection, word, kind, flags, body):
        if kind == CONNECT:
            level = body[6]
            self.connects.append(level)
            return self._connack(connection, word, level)
        if kind == PUBLISH:
            (length,) = struct.unpack_from("!H", body)
            (number,) = struct.unpack_from("!H", body, 2 + length)
            self.published.append((body[2 : 2 + length].decode(), number))
            self.held.append((connection, number))
            if self.puback:
                self.answer()
        elif kind == SUBSCRIBE:
            connection.sendall(struct.pack("!BB2sB", 0x90, 3, body[:2], 1) if self.connects[-1] == 4 else
                               struct.pack("!BB2sBB", 0x90, 4, body[:2], 0, 1))  # fmt: skip
        elif kind == PINGREQ:
            connection.sendall(b"\xd0\x00")
        return kind != DISCONNECT

    def _connack(self, connection, word, level):
        if word == CLOSE:
            return False
        if word == REFUSE_5 and level == 5:
            connection.sendall(b"\x20\x02\x00\x01")
        elif word == REFUSE:
            connection.sendall(b"\x20\x03\x00\x87\x00" if level == 5 else b"\x20\x02\x00\x05")
        elif word == GARBAGE:
            connection.sendall(b"\x20\x03\x00\x00\x00" if level == 5 else b"\x20\x02\x00\x00")
            connection.sendall(b"\x30\x06\x00\x02\xff\xfe\x00\xff")
            connection.sendall(b"\x40\x01\x00")
        elif word != SILENT:
            properties = (
                b"" if self.receive_maximum is None else b"\x21" + struct.pack("!H", self.receive_maximum)
            )
            answer = b"\x00\x00" + (bytes([len(properties)]) + properties if level == 5 else b"")
            connection.sendall(bytes([0x20, len(answer)]) + answer)
        return True


def _packet(stream):
    first = stream.read(1)
    if not first:
        return None
    length = shift = 0
    while True:
        byte = stream.read(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    return first[0] >> 4, first[0] & 15, stream.read(length)
