"""A publisher that is never the bottleneck: ready-made MQTT packets out of one socket.

Run as a process of its own: makes its packets, says `ready`, begins at a line on its standard input, and
ends with one line of JSON: when it began and ended (CLOCK_MONOTONIC), and when which packet left.
"""

import argparse
import json
import select
import socket
import sys
import time

from bench.load import message

_CHUNK = 50  # packets a write
_SILENT_S = 60.0


def packet(topic: str, body: bytes, mid: int) -> bytes:
    """Return a QoS 1 PUBLISH of MQTT 3.1.1, section 3.3."""
    name = topic.encode()
    rest = len(name).to_bytes(2, "big") + name + mid.to_bytes(2, "big") + body
    return b"\x32" + _length(len(rest)) + rest


def _length(number: int) -> bytes:
    """Return a Remaining Length, section 2.2.3."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def connect(port: int, name: str, *, clean: bool = True) -> socket.socket:
    """Connect without keep-alive, by MQTT 3.1.1, which has no window for what a client sends."""
    wire = socket.create_connection(("127.0.0.1", port))
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    flags = b"\x02" if clean else b"\x00"
    rest = b"\x00\x04MQTT\x04" + flags + b"\x00\x00" + len(name).to_bytes(2, "big") + name.encode()
    wire.sendall(b"\x10" + _length(len(rest)) + rest)
    answer = wire.recv(4)
    if answer[:2] + answer[3:] != b"\x20\x02\x00":  # the third tells whether there was a session
        raise ConnectionError(answer.hex())
    return wire


def send(
    wire: socket.socket, packets: list[bytes], window: int, rate: float
) -> tuple[float, list[tuple[int, float]]]:
    """Send all, at most `window` unacknowledged, `rate` a second (0: as fast as it goes)."""
    began = time.monotonic()
    left: list[tuple[int, float]] = []
    sent = acked = 0
    while acked < len(packets):
        room = min(_CHUNK, len(packets) - sent, window - (sent - acked))
        if rate:
            room = min(room, int((time.monotonic() - began) * rate) + 1 - sent)
        if room > 0:
            wire.sendall(b"".join(packets[sent : sent + room]))
            sent += room
            left.append((sent, time.monotonic()))
        wait = 0.0 if room > 0 else 0.001 if rate and sent < len(packets) else _SILENT_S
        if select.select([wire], [], [], wait)[0]:
            acked += len(wire.recv(65_536)) // 4  # a PUBACK has four bytes; halves come with the next
        elif wait == _SILENT_S:
            raise TimeoutError(f"{acked} of {sent} acknowledged, then silence")
    return began, left


def main() -> None:
    """Publish readings FIRST..FIRST+COUNT."""
    ask = argparse.ArgumentParser()
    for name, default in (("port", 0), ("count", 1), ("first", 0), ("assets", 300), ("communes", 1)):
        ask.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("run", 1), ("window", 4_000)):
        ask.add_argument(f"--{name}", type=int, default=default)
    ask.add_argument("--rate", type=float, default=0.0)
    it = ask.parse_args()
    packets = [
        packet(*message(n, assets=it.assets, communes=it.communes, run=it.run), n % 65_535 + 1)
        for n in range(it.first, it.first + it.count)
    ]
    wire = connect(it.port, f"writer-{it.first}-{it.count}")
    print("ready", flush=True)
    sys.stdin.readline()
    began, left = send(wire, packets, it.window, it.rate)
    ended = time.monotonic()
    wire.sendall(b"\xe0\x00")
    print(json.dumps({"began": began, "ended": ended, "left": left if it.rate else []}), flush=True)


if __name__ == "__main__":
    main()
