"""Segments of the edge: gzip of line protocol, made once and taken apart only when a line is refused."""

import re
import zlib
from collections.abc import Sequence
from typing import cast

import deflate
from isal import igzip, isal_zlib

from gateway.spool import span_of

DAMAGED = (OSError, EOFError, zlib.error, cast("type[Exception]", isal_zlib.error))
"""What taking a body apart raises when it is not whole gzip."""

_LEVEL = 1  # isal's fastest that still finds repeats: 0.06 CPU-seconds a million readings
_JOINED_LEVEL = 7  # libdeflate's: a fifth fewer bytes than isal, for 1.1 CPU-seconds a million
_CLOSEST_LEVEL = 8  # another 1.5 %, for 2.4; 9 finds no more, 11 another 2 % for 32 and ten times the memory

# A comment, or a series (a space in it has a backslash before it) and what follows it. Only there a quote
# opens a text, and only right after the `=` of a field; a newline in that text does not end the line.
# No group is repeated possessively: Python 3.11 before .5, as on Debian 12, then loses its place (gh-106052).
_LINE = re.compile(
    rb'[ \t\0]*+(?:#[^\n]*+|(?:[^ \n]|(?<=\\) )*(?:(?<!\\)="[^"\\]*+(?:\\.[^"\\]*+)*"|[^\n])*)', re.DOTALL
)


# The identity as our edges write it; in a line that nobody can read it may still be found.
_IDENTITY = re.compile(rb'gw="([a-z0-9-]{1,64})",ep="([a-z0-9-]{1,64})",seq=([0-9]{1,18})i')


def span_of_line(line: bytes) -> str:
    """Return the span of a line's reading, '' where it carries no identity."""
    found = _IDENTITY.search(line)
    return span_of([(found[1].decode(), found[2].decode(), int(found[3]))]) if found else ""


def join_lines(lines: list[bytes]) -> bytes:
    """Return the gzip body of lines without their newlines."""
    return bytes(igzip.compress(b"\n".join(lines) + b"\n", _LEVEL))


def join_bodies(bodies: Sequence[bytes]) -> bytes:
    """Return one body of several; each ends its last line.

    Only what waits is joined, and then lies on a card and goes over a thin line: there bytes are dearer than
    the moment that it takes to find more of the repeats.
    """
    return _join(bodies, _JOINED_LEVEL)


def join_closer(bodies: Sequence[bytes]) -> bytes:
    """Return what `join_bodies` does in fewer bytes: for a commune, whose few readings cost little time."""
    return _join(bodies, _CLOSEST_LEVEL)


def _join(bodies: Sequence[bytes], level: int) -> bytes:
    return bytes(deflate.gzip_compress(b"".join(igzip.decompress(body) for body in bodies), level))


def split_lines(body: bytes) -> list[bytes]:
    """Return the lines of a gzip body that hold points; a newline in a quoted text does not end a line."""
    lines = (match[0].removesuffix(b"\r") for match in _LINE.finditer(igzip.decompress(body)))
    return [line for line in lines if line.lstrip(b" \t\0")[:1] not in (b"", b"#", b"\r")]
