"""What ingest hands to the one writer: checked messages and batches, and the answer that they wait for."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from msgspec import Struct

from edge_api.point import Point
from gateway.spool import Gap, Refused, Stream


class MessageArrival(Struct, frozen=True, gc=False):
    """One MQTT message: a line to keep, or something refused. `ack` is called once it is on disk."""

    ack: Callable[[], None]
    lane: int = 0
    stream: Stream | None = None
    seq: int = 0
    line: str = ""
    point: Point | None = None
    gap: Gap | None = None
    refused: Refused | None = None


class BatchArrival(Struct, frozen=True):
    """One HTTP body, kept as it came. `done` is completed once it is on disk and shown.

    An empty one asks the writer to show what came beside it.
    """

    body: bytes
    points: Sequence[Point]
    done: Future[None]
