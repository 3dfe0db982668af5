"""Server-sent events of new readings: every client has a short queue, and a client that is slow is let go."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence

import msgspec

from edge_api.alarms.alarm import alarm_key, is_alarm
from edge_api.api.times import rfc3339
from edge_api.history import NOT_VALUES, asset_key
from edge_api.point import Point

_MOST_CLIENTS = 32
_QUEUE = 64  # batches a client may lag behind; at one commit a second a minute
_HEARTBEAT_S = 15.0  # keeps proxies from closing a quiet stream, and finds clients that have gone

_encode = msgspec.json.Encoder(enc_hook=int).encode


class TooManyClients(RuntimeError):  # noqa: N818 - reads as the sentence it is
    """As many clients are listening as the edge allows."""


class Streams:
    """Carries points from the writer's thread to the event loop, and spreads them among the clients."""

    def __init__(self, most_each: int = 0) -> None:
        self._most_each = most_each
        self._clients: dict[asyncio.Queue[bytes | None], str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._arrived: deque[bytes] = deque(maxlen=_QUEUE)
        self._called = False

    def publish(self, points: Sequence[Point]) -> None:
        """Take points in the writer's thread; never waits, and costs nothing while nobody listens."""
        if not self._clients:
            return
        data = b"".join([_event(point) for point in points if point.tags.get("asset")])
        with self._lock:
            if self._loop is None or not data:
                return
            self._arrived.append(data)
            if not self._called:
                self._called = True
                self._loop.call_soon_threadsafe(self._spread)

    def join(self, who: str = "") -> AsyncIterator[bytes]:
        """Return the stream of one more client; raise TooManyClients. To be called in the event loop.

        `who` is the address whose streams are counted; nobody's are not.
        """
        if who and self._most_each and sum(each == who for each in self._clients.values()) >= self._most_each:
            raise TooManyClients(f"{self._most_each} clients of {who} are listening already")
        if len(self._clients) >= _MOST_CLIENTS:
            raise TooManyClients(f"{_MOST_CLIENTS} clients are listening already")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE)
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._clients[queue] = who
        return self._follow(queue)

    def close(self) -> None:
        """End all streams: a server waits for its answers before it stops. To be called in the event loop."""
        with self._lock:
            self._loop = None
        for queue in list(self._clients):
            self._let_go(queue)

    async def _follow(self, queue: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
        try:
            yield b"retry: 5000\n\n"
            while True:
                try:
                    data = await asyncio.wait_for(queue.get(), _HEARTBEAT_S)
                except TimeoutError:
                    data = b": still here\n\n"
                if data is None:
                    return
                yield data
        finally:
            self._clients.pop(queue, None)

    def _spread(self) -> None:
        with self._lock:
            arrived = list(self._arrived)
            self._arrived.clear()
            self._called = False
        for queue in list(self._clients):
            for data in arrived:
                if queue.full():
                    self._let_go(queue)
                    break
                queue.put_nowait(data)

    def _let_go(self, queue: "asyncio.Queue[bytes | None]") -> None:
        self._clients.pop(queue, None)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)


def _event(point: Point) -> bytes:
    fields = point.fields
    body = {
        "asset": asset_key(point.tags),
        "type": point.measurement,
        "ts": rfc3339(point.ts_ns),
        "q": fields.get("q", "good"),
        "fields": {key: value for key, value in fields.items() if key not in NOT_VALUES},
    }
    kind = b"alert" if point.measurement == "Alert" else b"reading"
    if is_alarm(point):
        body |= {"kind": point.tags["kind"], "alarm": alarm_key(point.tags, str(fields["id"]))}
    return b"event: %s\ndata: %s\n\n" % (kind, _encode(body))
