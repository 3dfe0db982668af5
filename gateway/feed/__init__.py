"""The feed contract ntm/v1: topics, bodies and their encoding. The one source of it."""

from gateway.feed.bodies import TYPES, Custody, Event, Meta, Reading, decode_event, decode_reading, encode
from gateway.feed.errors import FeedError
from gateway.feed.times import from_ns, to_ns
from gateway.feed.topics import Topic

__all__ = [
    "TYPES",
    "Custody",
    "Event",
    "FeedError",
    "Meta",
    "Reading",
    "Topic",
    "decode_event",
    "decode_reading",
    "encode",
    "from_ns",
    "to_ns",
]
