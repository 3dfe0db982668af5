"""Because an answer can be late, slow or cut in half: the wire side of the InfluxDB 2 stand-in."""

import contextlib
import socket
import struct
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.parts import influx2_answers as answers
from tests.parts.influx2_answers import Answer, Way

if TYPE_CHECKING:
    from tests.parts.influx2 import Influx2

SLICES = 20  # of a slow answer
CUT_AT = len("HTTP/1.1 ")  # before the status: a client that has read "204" may rightly believe it
VERSION = "v2.7.11"
HEALTH = b'{"name":"influxdb","message":"ready for queries and writes","status":"pass","checks":[]}'
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: the peer sees a reset, not a tidy end


class Server(ThreadingHTTPServer):
    """One listening life of the stand-in; a restart makes a new one."""

    daemon_threads = False  # so that server_close() waits for every handler
    request_queue_size = 128

    def __init__(self, part: "Influx2") -> None:
        self.part = part
        self.ending = threading.Event()
        self._open: set[socket.socket] = set()
        self._held: set[threading.Event] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", part.port), Handler)
        self._loop = threading.Thread(target=self.serve_forever, args=(0.02,), name="influx2")
        self._loop.start()

    def end(self) -> None:
        """Stop listening, break every connection, wait for the handlers."""
        self.ending.set()
        self.shutdown()
        self._loop.join()
        self.release()
        with self._lock:
            for connection in self._open:
                break_off(connection)
        self.server_close()

    @property
    def held(self) -> int:
        """How many answers are held back now."""
        with self._lock:
            return len(self._held)

    def release(self) -> int:
        """Let the answers that are held back go; return how many there were."""
        with self._lock:
            held = list(self._held)
        for event in held:
            event.set()
        return len(held)

    def hold(self) -> bool:
        """Wait for release(); false when the server ended instead."""
        event = threading.Event()
        with self._lock:
            self._held.add(event)
        try:
            if not self.ending.is_set():
                event.wait()
        finally:
            with self._lock:
                self._held.discard(event)
        return not self.ending.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that end() can break it."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection when its handler is done."""
        with self._lock:
            self._open.discard(request)
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(RESET_ON_CLOSE)) == RESET_ON_CLOSE:
            self.close_request(request)  # without the tidy end
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client's broken connection pass in silence; anything else is a defect here and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client; HTTP/1.1, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Answer the client's two questions about health."""
        path = urlsplit(self.path).path
        if path == "/ping":
            self._send(Answer(204))
        elif path in ("/health", "/ready"):
            self._send(Answer(200, HEALTH))
        else:
            self._send(answers.problem(404, "not found", "path not found"))

    def do_HEAD(self) -> None:
        """Answer as to a GET, without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Take a write."""
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if url.path != "/api/v2/write":
            self.rfile.read(length)
            self._send(answers.problem(404, "not found", "path not found"))
            return
        self._take_write(dict(parse_qsl(url.query)), length)

    def _take_write(self, params: dict[str, str], length: int) -> None:
        part = self.server.part
        scripted = part.next_scripted()
        cut_short = scripted is not None and scripted.way is Way.CUT_REQUEST
        body = self.rfile.read(length // 2 if cut_short else length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer, lines, good = part.judge(headers, body)
        answer = scripted or answer
        part.note(params, headers, body, lines, answer.status)
        if answer.way is Way.SILENT and not self.server.hold():
            return
        if answer.stores:
            part.keep(good)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        if answer.way is Way.CUT_REQUEST:
            self._break_off()
            return
        raw = self._render(answer)
        if answer.way is Way.CUT:
            self.wfile.write(raw[:CUT_AT])
            self._break_off()
        elif answer.way is Way.SLOWLY:
            step = max(1, len(raw) // SLICES)
            for start in range(0, len(raw), step):
                if self.server.ending.wait(answer.seconds / SLICES):
                    return
                self.wfile.write(raw[start : start + step])
        else:
            self.wfile.write(raw)

    def _render(self, answer: Answer) -> bytes:
        headers = {"Date": self.date_time_string(), "X-Influxdb-Build": "OSS", "X-Influxdb-Version": VERSION}
        if answer.status != HTTPStatus.NO_CONTENT:
            headers["Content-Type"] = "application/json; charset=utf-8"
            headers["Content-Length"] = str(len(answer.body))
        headers.update(answer.headers)
        reason = HTTPStatus(answer.status).phrase
        head = [f"HTTP/1.1 {answer.status} {reason}", *(f"{n}: {v}" for n, v in headers.items()), "", ""]
        body = b"" if self.command == "HEAD" else answer.body
        return "\r\n".join(head).encode() + body

    def _break_off(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the test keeps the requests."""


def break_off(connection: socket.socket) -> None:
    """Wake whoever waits on the connection, and let its end be a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        connection.shutdown(socket.SHUT_RDWR)
