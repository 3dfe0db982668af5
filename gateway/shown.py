"""The retained side of the feed: the last word on each topic, said again on every new connection."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.feed import Event, Meta, Topic, encode
from gateway.journal import UNDATED, Entry


@dataclass(slots=True)
class Identity:
    """Who publishes: the node's place in the topic tree."""

    province: str
    commune: str
    gw: str
    ep: str

    def topic(self, path: str) -> str:
        """Return the topic of domain/asset/channel; what begins with / is a whole topic outside the feed."""
        return path[1:] if path.startswith("/") else str(Topic(self.province, self.commune, *path.split("/")))

    def own(self, channel: str) -> str:
        """Return the topic of one of the node's own channels."""
        return self.topic(f"gateway/{self.gw}/{channel}")


class Shown:
    """Paths and bodies of meta, status and state. Any thread changes them; one thread says what is due."""

    def __init__(self, metas: Sequence[tuple[str, Meta]]) -> None:
        """Know the assets; each is online until it is seen to be otherwise."""
        self._lock = threading.Lock()
        self._said = {path: encode(meta) for path, meta in metas}
        self._said |= {path.removesuffix("meta") + "status": b"online" for path, _ in metas}
        self._due: dict[str, None] = {}
        self._times: dict[str, str] = {}
        # The node itself speaks by its last will, whether or not somebody measures it.
        self._limits_ns = {
            path.removesuffix("meta"): round(meta.staleAfter * 1e9)
            for path, meta in metas
            if meta.type != "Device"
        }
        self._seen_ns: dict[str, int] = {}

    @property
    def statuses(self) -> list[str]:
        """The paths of all statuses."""
        with self._lock:
            return [path for path in self._said if path.endswith("/status")]

    def put(self, path: str, body: bytes) -> None:
        """Have a path say something from now on."""
        with self._lock:
            if self._said.get(path) != body:
                self._said[path] = body
                self._due[path] = None

    def committed(self, entries: Sequence[Entry]) -> None:
        """Show each asset's newest reading as its state, and its status. A state only moves forward in ts."""
        for entry in entries:
            if isinstance(entry.body, Event):
                continue
            asset = entry.path.removesuffix("telemetry")
            self._seen_ns[asset] = entry.mono_ns
            self.put(asset + "status", b"fault" if entry.body.q == "bad" else b"online")
            ts = entry.body.ts
            if ts != UNDATED and ts > self._times.get(asset, ""):
                self._times[asset] = ts
                self.put(asset + "state", encode(entry.body))
        self.overdue(max((entry.mono_ns for entry in entries), default=0))

    def overdue(self, now_ns: int) -> None:
        """Show as a fault each asset of which nothing has come for its staleAfter, though the node lives."""
        for asset, limit_ns in self._limits_ns.items():
            if now_ns - self._seen_ns.setdefault(asset, now_ns) > limit_ns:
                self.put(asset + "status", b"fault")

    def again(self) -> None:
        """All of it is due: a broker that was away may have forgotten."""
        with self._lock:
            self._due = dict.fromkeys(self._said)

    def say(self, send: Callable[[str, bytes], bool]) -> bool:
        """Send one path that is due, in its newest words; False when none is, or it could not be sent."""
        with self._lock:
            path = next(iter(self._due), None)
            if path is None:
                return False
            del self._due[path]
            body = self._said[path]
        if send(path, body):
            return True
        with self._lock:
            self._due.setdefault(path)
        return False
