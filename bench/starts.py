"""How long a start takes, to the millisecond: from the process to its first reading, seen where it goes."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.contenders import Broker, Contender, Places
from bench.nodes import Node
from bench.rig import Figures
from bench.writer import connect, packet

_EVERY_S = 0.02  # a reading is published so often until one has come through
_LIMIT_S = 60.0
_TOPIC = "ntm/v1/42/18073/gateway/start/telemetry"
_BODY = (
    b'{"v":1,"type":"Device","ts":"2026-11-28T00:00:00.%03dZ","gw":"start","ep":"aa","seq":%d,"q":"good",'
    b'"rssi":1}'
)


class _Sink(BaseHTTPRequestHandler):
    """An upstream that takes everything, and notes when the first line came."""

    protocol_version = "HTTP/1.1"
    came: threading.Event
    at = 0.0

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer as a database does that has stored it."""
        length = self.headers.get("content-length")
        if length and self.rfile.read(int(length)) and not self.came.is_set():
            type(self).at = time.monotonic()
            self.came.set()
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        """Answer whoever looks whether it is there."""
        self.send_response(204)
        self.end_headers()


@contextmanager
def _sink() -> Iterator[tuple[type[_Sink], int]]:
    kind = type("Sink", (_Sink,), {"came": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kind, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def starting(kind: type[Contender]) -> Figures:
    """Start it twice, the second time on the files of the first, which are in the cache, and measure that."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="commune-start-")))
        broker = stack.enter_context(Broker())
        wire = connect(broker.port, "start")
        stack.callback(wire.close)
        numbers = iter(range(1, 60_000))
        took = cpu_s = 0.0
        sink, port = stack.enter_context(_sink())
        contender = kind(Places(folder / "contender", broker.port, port))
        stack.callback(contender.close)
        for _ in range(2):
            sink.came.clear()
            began = time.monotonic()
            contender.start()
            while not sink.came.wait(_EVERY_S):
                number = next(numbers)
                wire.sendall(packet(_TOPIC, _BODY % (number % 1000, number), number))
                wire.recv(4_096)
                if time.monotonic() - began > _LIMIT_S or not contender.running:
                    raise RuntimeError(f"{kind.name} sends nothing:\n{contender.log[-3000:]}")
            took, cpu_s = sink.at - began, _cpu_s(contender.pid)
            contender.stop()
    return {"start_s": took, "start_cpu_s": cpu_s}


def node_starting(_kind: type[Contender]) -> Figures:
    """Start a node twice; from the process to its first reading at the broker."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="commune-start-")))
        broker = stack.enter_context(Broker())
        node = Node(folder / "node", broker.port, assets=3, every="5s")
        stack.callback(node.close)
        took = cpu_s = 0.0
        for _ in range(2):
            wire = _listen(broker.port)
            began = time.monotonic()
            node.start()
            _first(wire, b"/telemetry")
            took, cpu_s = time.monotonic() - began, _cpu_s(node.pid)
            wire.close()
            node.stop()
    return {"start_s": took, "start_cpu_s": cpu_s}


def _listen(port: int) -> socket.socket:
    wire = connect(port, "listener")
    name = b"ntm/v1/#"
    wire.sendall(
        b"\x82" + bytes([5 + len(name)]) + b"\x00\x01" + len(name).to_bytes(2, "big") + name + b"\x00"
    )
    wire.settimeout(_LIMIT_S)
    return wire


def _first(wire: socket.socket, word: bytes) -> None:
    """Read until something about a telemetry topic has come."""
    heard = b""
    while word not in heard:
        more = wire.recv(65_536)
        if not more:
            raise ConnectionError("the broker hung up")
        heard += more


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
