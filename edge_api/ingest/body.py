"""Turns the body of a write request into a WriteBatch: unpacked within bounds, read to the last line."""

from typing import cast

from isal import igzip_lib, isal_zlib

from edge_api.api.view import WriteBatch
from edge_api.lineprotocol import encode, feed_lines, parse

_BadGzip = cast("type[Exception]", igzip_lib.IsalError)  # its stub names an instance
_GZIP = 31  # zlib's name for: a gzip header, the largest window
_LEAST_WINDOW, _LARGEST_WINDOW = 512, 65_536
_NEWLINE_GZIP: bytes = isal_zlib.compress(b"\n", 1, _GZIP)


class BodyError(ValueError):
    """The body is not what its headers say."""


class TooLarge(ValueError):  # noqa: N818 - reads as the sentence it is
    """The body, or what it unpacks to, is larger than this edge takes at once."""


def read_batch(body: bytes, *, gzipped: bool, precision: str, now_ns: int, most_bytes: int) -> WriteBatch:
    """Check a whole body. What came gzipped in ns, with a time in each line, keeps its exact bytes.

    A line without a time gets `now_ns`. Raises BodyError, TooLarge (more than `most_bytes` unpacked) or
    LineError; then nothing of the body counts.
    """
    data = gunzip(body, most_bytes) if gzipped else body
    lines = feed_lines(data) if precision == "ns" else None
    if lines is not None:
        return WriteBatch(_ended(body, data) if gzipped else _packed(lines.data), lines)
    points = parse(data, precision, now_ns)
    if not points:
        raise BodyError("writing requires points")
    if gzipped and precision == "ns" and all(point.ts_ns != now_ns for point in points):
        return WriteBatch(_ended(body, data), points)
    text = "\n".join([encode(point) for point in points])
    return WriteBatch(_packed(f"{text}\n".encode()), points)


def _ended(body: bytes, data: bytes) -> bytes:
    """Return a body whose last line ends: segments are joined on their way up."""
    return body if data.endswith(b"\n") else body + _NEWLINE_GZIP


def _packed(data: bytes) -> bytes:
    return bytes(isal_zlib.compress(data, 1, _GZIP))


def gunzip(body: bytes, most_bytes: int) -> bytes:
    """Unpack one or more joined gzip members; raise BodyError or, above `most_bytes`, TooLarge."""
    pieces: list[bytes] = []
    room = most_bytes
    view = memoryview(body)
    here, end, window = 0, len(body), _LARGEST_WINDOW
    while here < end:
        member, began = isal_zlib.decompressobj(_GZIP), here
        while not member.eof:
            if here >= end:
                raise BodyError("gzip: unexpected end of the body")
            piece = view[here : here + window]
            try:
                pieces.append(member.decompress(piece, room + 1))
            except _BadGzip as error:
                raise BodyError(f"gzip: {error}") from None
            room -= len(pieces[-1])
            if room < 0:
                raise TooLarge(f"the body unpacks to more than {most_bytes} bytes")
            here += len(piece) - len(member.unused_data) - len(member.unconsumed_tail)
            window = min(window * 2, _LARGEST_WINDOW)
        # What follows a member is copied out of the window: many tiny members need small windows.
        window = min(max(2 * (here - began), _LEAST_WINDOW), _LARGEST_WINDOW)
    return b"".join(pieces)
