"""Stands before the upstream and notes when it answered, what went over the wire, and which readings.

Run as a process of its own. Everything is passed on untouched, except for what it is asked itself:
`GET /tap` says how much has gone through, `GET /tap/times` when each reading's 204 came.
"""

import argparse
import gzip
import http.client
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

_AT = re.compile(
    rb" (\d{13})(?:\d{6})?$", re.MULTILINE
)  # each reading of a load has a millisecond of its own
_KEPT = ("content-type", "content-encoding", "authorization", "user-agent")
_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Handler(BaseHTTPRequestHandler):
    """One connection of a contender, and one to the upstream behind it."""

    protocol_version = "HTTP/1.1"
    upstream: ClassVar[int]
    lock: ClassVar[threading.Lock] = threading.Lock()
    taken: ClassVar[list[tuple[float, bytes, bool]]] = []
    wire_bytes: ClassVar[int] = 0
    raw_requestline: bytes  # set by the standard library, whose types do not know it

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer for the tap itself, or pass on."""
        if self.path == "/tap":
            self._say({"wire_bytes": Handler.wire_bytes, "requests": len(Handler.taken)})
        elif self.path == "/tap/times":
            with Handler.lock:
                taken = list(Handler.taken)
            times = [
                (at, [int(ms) for ms in _AT.findall(gzip.decompress(body) if zipped else body)])
                for at, body, zipped in taken
            ]
            self._say(times)
        else:
            self._pass(b"")

    def do_POST(self) -> None:
        """Pass a write on, and note it when it has been taken."""
        length = self.headers.get("content-length")
        body = self.rfile.read(int(length)) if length else self._chunks()
        head = len(self.raw_requestline) + sum(len(k) + len(v) + 4 for k, v in self.headers.items()) + 2
        if self._pass(body) == 204:
            zipped = self.headers.get("content-encoding") == "gzip"
            with Handler.lock:
                Handler.taken.append((time.monotonic(), body, zipped))
                Handler.wire_bytes += head + len(body)

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _pass(self, body: bytes) -> int:
        if not hasattr(self, "behind"):
            self.behind = http.client.HTTPConnection("127.0.0.1", Handler.upstream, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() in _KEPT}
        try:
            self.behind.request(self.command, self.path, body or None, headers)
            answer = self.behind.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self.behind.close()
            self.close_connection = True
            return 0  # as if the upstream itself had hung up
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        return answer.status

    def _say(self, facts: object) -> None:
        text = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main() -> None:
    """Listen on PORT before the upstream on BEHIND."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--port", type=int, required=True)
    ask.add_argument("--behind", type=int, required=True)
    it = ask.parse_args()
    Handler.upstream = it.behind
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", it.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
