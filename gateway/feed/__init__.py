"""The feed contract ntm/v1: topics, bodies and their encoding. The one source of it."""

from gateway.feed.bodies import TYPES, Custody, Event, Meta, Reading, decode_event, decode_reading, encode
from gateway.feed.commands import Ack, Command
from gateway.feed.errors import FeedError
from gateway.feed.kinds import KINDS
from gateway.feed.times import from_ns, to_ns
from gateway.feed.topics import Topic

__all__ = [
    "KINDS",
    "TYPES",
    "Ack",
    "Command",
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
