"""Answers writes before FastAPI sees them: its layers would cost more than all that a body needs."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect

from edge_api.api.access import granted, token_of
from edge_api.api.guard import Throttled
from edge_api.api.view import EdgeView, Paced, Refused, WriteBatch
from edge_api.bodies import communes_of
from edge_api.ingest.body import BodyError, TooLarge, read_batch
from edge_api.ingest.words import InfluxError, in_influx_words
from edge_api.lineprotocol import LineError

if TYPE_CHECKING:
    from concurrent.futures import Future

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

WRITE = "/api/v2/write"
PRECISIONS = ("ns", "us", "ms", "s")

_AT_ONCE_BYTES = 32_768  # a larger body is read beside the event loop: it takes more than some milliseconds
_READERS = 1  # large bodies read at the same time: each takes some 20 MB meanwhile
_QUERIES = 16  # a sender's is the same each time

_UNCOMPRESSED = {"", "identity"}
_GZIPPED = {"gzip", "x-gzip"}


@dataclass(frozen=True, slots=True)
class WriteLimits:
    """The largest bodies taken at once, in bytes as sent and unpacked; a sender halves its batch on a 413."""

    sent_bytes: int = 2_000_000
    unpacked_bytes: int = 4_000_000


class WriteDoor:
    """Takes batches of line protocol; whatever else is asked goes on to the application."""

    def __init__(
        self,
        app: Callable[[Message, Receive, Send], Awaitable[None]],
        edge: EdgeView,
        limits: WriteLimits,
        refuse: Callable[[Request, Throttled], Response],
    ) -> None:
        """Stand before `app`; `refuse` answers who tries too many tokens."""
        self._app = app
        self._edge = edge
        self._limits = limits
        self._refuse = refuse
        self._readers = asyncio.Semaphore(_READERS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a write. 204 means: all of it is on this edge's disk."""
        if scope["type"] != "http" or scope["path"] != WRITE or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            await self._take(scope, receive)
        except InfluxError as error:
            answer = error.response()
        except (LineError, BodyError, TooLarge, Refused) as error:
            answer = in_influx_words(error).response()
        except Throttled as error:
            answer = self._refuse(Request(scope), error)
        except ClientDisconnect:
            answer = Response(status_code=400)  # nobody reads it
        else:
            answer = Response(status_code=204)
        await answer(scope, receive, send)

    async def _take(self, scope: Message, receive: Receive) -> None:
        """Return once a body is on disk, and shown."""
        headers, edge = Headers(scope=scope), self._edge
        precision = _precision(scope["query_string"])
        if not granted(Request(scope), edge, "ingest"):
            raise InfluxError(401, "unauthorized", "unauthorized access")
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in _UNCOMPRESSED | _GZIPPED:
            raise InfluxError(415, "invalid", f"content encoding {encoding!r} is not gzip or identity")
        gzipped = encoding in _GZIPPED
        most = self._limits.sent_bytes if gzipped else self._limits.unpacked_bytes
        size = _announced(headers, most)
        wait_s = edge.grant_s(size, backlog=headers.get("x-commune-lane") == "backlog")
        if wait_s:
            raise Paced("backlogs are taken more slowly now; live readings are welcome", wait_s)
        body = await _receive(receive, most)
        if len(body) <= _AT_ONCE_BYTES:
            batch = self._read(body, precision, gzipped=gzipped)
        else:
            async with self._readers:
                batch = await asyncio.to_thread(self._read, body, precision, gzipped=gzipped)
        del body
        _check_place(batch, headers.get("authorization", ""), edge)
        await _committed(edge.submit(batch))

    def _read(self, body: bytes, precision: str, *, gzipped: bool) -> WriteBatch:
        return read_batch(
            body,
            gzipped=gzipped,
            precision=precision,
            now_ns=self._edge.now_ns(),
            most_bytes=self._limits.unpacked_bytes,
        )


@lru_cache(_QUERIES)
def _precision(query: bytes) -> str:
    """Return what the times are in; raise InfluxError for what nobody knows."""
    precision = QueryParams(query).get("precision", "ns")
    if precision not in PRECISIONS:
        raise InfluxError(400, "invalid", f"precision: {precision!r} is none of {', '.join(PRECISIONS)}")
    return precision


def _announced(headers: Headers, most_bytes: int) -> int:
    """Return how large the body says it is, 0 when it does not; raise TooLarge."""
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return 0
    if len(length) > 18 or int(length) > most_bytes:
        raise TooLarge(_too_large(most_bytes))
    return int(length)


async def _receive(receive: Receive, most_bytes: int) -> bytes:
    """Read the body as it comes; raise TooLarge as soon as it is known to be."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most_bytes:
            raise TooLarge(_too_large(most_bytes))
    return bytes(body)


def _too_large(most_bytes: int) -> str:
    return f"the body is larger than {most_bytes} bytes; send less at once"


def _check_place(batch: WriteBatch, authorization: str, edge: EdgeView) -> None:
    """Refuse readings under the code of a commune that the sender does not speak for.

    The whole token is wrong, or else one line is: a child holds everything on a 403, and on a 422 gives up a
    line. A commune's edge checks what it takes in, so above it only a wrong token can be the cause.
    """
    info = edge.info()
    here = info.commune if info.level == "commune" else ""
    held = edge.holder(token_of(authorization))
    bound = held.commune if held else ""
    if not (here or bound):
        return
    for commune in communes_of(batch.points):
        if commune and bound and commune != bound:
            raise InfluxError(403, "forbidden", f"commune {commune}: this token writes for {bound} only")
        if commune and here and commune != here:
            raise InfluxError(422, "unprocessable entity", f"commune {commune}: this edge serves {here} only")


async def _committed(done: "Future[None]") -> None:
    """Wait for the writer; raise what it refuses. Who hangs up does not take back what is being committed."""
    loop = asyncio.get_running_loop()
    told = loop.create_future()

    def tell() -> None:
        if not told.done():
            told.set_result(None)

    def over(_done: "Future[None]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell)

    done.add_done_callback(over)
    await told
    done.result()
