"""A sender that is never the bottleneck: ready gzip bodies by HTTP over a few connections.

Run as a process of its own: makes its bodies, says `ready`, begins at a line on its standard input, and ends
with one line of JSON.
"""

import argparse
import http.client
import json
import sys
import threading
import time
from collections import Counter

from bench.load import bodies

_HEADERS = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
_PATH = "/api/v2/write?org=commune&bucket=commune&precision=ns"
_AGAIN_S = 0.2
_GIVE_UP_S = 120.0


class Poster:
    """Sends bodies over several connections; one that is not taken, or perhaps not, goes again."""

    def __init__(self, port: int, made: list[bytes]) -> None:
        self.port = port
        self.answers: Counter[int] = Counter()
        self.took: list[float] = []
        self._bodies = iter(made)
        self._lock = threading.Lock()

    def run(self, connections: int) -> None:
        """Send all and return."""
        threads = [threading.Thread(target=self._work) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while True:
            with self._lock:
                body = next(self._bodies, None)
            if body is None:
                return
            until = time.monotonic() + _GIVE_UP_S
            while not self._post(wire, body):
                if time.monotonic() > until:
                    raise TimeoutError(f"port {self.port} takes nothing: {self.answers}")
                time.sleep(_AGAIN_S)

    def _post(self, wire: http.client.HTTPConnection, body: bytes) -> bool:
        began = time.monotonic()
        try:
            wire.request("POST", _PATH, body, _HEADERS)
            answer = wire.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            wire.close()
            return False
        with self._lock:
            self.answers[answer.status] += 1
            self.took.append(time.monotonic() - began)
        return answer.status == 204


def main() -> None:
    """Post COUNT readings."""
    ask = argparse.ArgumentParser()
    for name, default in (("port", 0), ("count", 1), ("each", 300), ("assets", 300), ("communes", 69)):
        ask.add_argument(f"--{name}", type=int, default=default)
    ask.add_argument("--connections", type=int, default=8)
    it = ask.parse_args()
    made = list(bodies(it.count, it.each, assets=it.assets, communes=it.communes))
    print("ready", flush=True)
    sys.stdin.readline()
    poster = Poster(it.port, made)
    began = time.monotonic()
    poster.run(it.connections)
    took = sorted(poster.took)
    facts = {
        "began": began,
        "ended": time.monotonic(),
        "answers": poster.answers,
        "p50_ms": took[len(took) // 2] * 1e3,
        "p99_ms": took[len(took) * 99 // 100] * 1e3,
    }
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
