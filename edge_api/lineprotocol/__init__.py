"""InfluxDB's line protocol: pure functions between bytes and Points."""

from edge_api.lineprotocol.feedlines import FeedLines, Kind, Names, feed_lines
from edge_api.lineprotocol.reading import PRECISIONS, LineError, parse
from edge_api.lineprotocol.writing import Unsigned, encode, encode_fields, series

__all__ = [
    "PRECISIONS",
    "FeedLines",
    "Kind",
    "LineError",
    "Names",
    "Unsigned",
    "encode",
    "encode_fields",
    "feed_lines",
    "parse",
    "series",
]
