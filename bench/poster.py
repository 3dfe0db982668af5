"""A sender that is never the bottleneck: ready gzip bodies by HTTP over a few connections.

Run as a process of its own: makes its bodies (or takes those that another left in the folder of `LOADS`),
says `ready`, sends a step of them at each line on its standard input, and answers with a line of JSON.
"""

import argparse
import http.client
import json
import os
import pickle
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from bench.load import bodies

_HEADERS = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
_PATH = "/api/v2/write?org=commune&bucket=commune&precision=ns"
_AGAIN_S = 0.2
_GIVE_UP_S = 120.0

LOADS = "COMMUNE_BENCH_LOADS"
"""The environment's name for a folder in which loads are kept for the next turn."""


class Poster:
    """Sends bodies over several connections; one that is not taken, or perhaps not, goes again."""

    def __init__(self, port: int, made: list[bytes], pause_s: float = 0.0) -> None:
        """Send each body `pause_s` after the one before it; 0: as fast as they are taken."""
        self.port = port
        self._pause_s = pause_s
        self._began = time.monotonic()
        self._sent = 0
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
                due = self._began + self._sent * self._pause_s
                self._sent += 1
            if body is None:
                return
            if self._pause_s:
                time.sleep(max(due - time.monotonic(), 0.0))
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


def load(count: int, each: int, assets: int, communes: int) -> list[bytes]:
    """Return the bodies of a load; they are made once for all turns."""
    folder = os.environ.get(LOADS)
    file = Path(folder or ".") / f"{count}-{each}-{assets}-{communes}.pickle"
    if folder and file.exists():
        found: list[bytes] = pickle.loads(file.read_bytes())
        return found
    made = list(bodies(count, each, assets=assets, communes=communes))
    if folder:
        file.write_bytes(pickle.dumps(made))
    return made


def main() -> None:
    """Post COUNT readings in STEPS parts, RATE a second (0: as fast as they are taken)."""
    ask = argparse.ArgumentParser()
    for name, default in (("port", 0), ("count", 1), ("each", 300), ("assets", 300), ("communes", 69)):
        ask.add_argument(f"--{name}", type=int, default=default)
    ask.add_argument("--connections", type=int, default=8)
    ask.add_argument("--steps", type=int, default=1)
    ask.add_argument("--rate", type=float, default=0.0)
    it = ask.parse_args()
    made = load(it.count, it.each, it.assets, it.communes)
    print("ready", flush=True)
    for step in range(it.steps):
        part = made[len(made) * step // it.steps : len(made) * (step + 1) // it.steps]
        sys.stdin.readline()
        poster = Poster(it.port, part, it.count / len(made) / it.rate if it.rate else 0.0)
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
