"""Reads line protocol: every rule of InfluxDB's, and a fast way for the lines that machines write.

The fast way takes lines without a backslash and with a time; all others go through a scanner that knows
every rule. Both agree: the fast way gives up rather than guess.
"""

import re
from functools import lru_cache
from math import isfinite

from edge_api.lineprotocol.shapes import Shapes
from edge_api.lineprotocol.writing import Unsigned
from edge_api.point import Point
from sensors.sample import Value

# InfluxDB's own limits; the two outermost 64-bit values have a meaning of their own there.
EARLIEST_NS, LATEST_NS = -(2**63) + 2, 2**63 - 2
PRECISIONS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}

_TEXT_IN_ERRORS = 200  # characters of a bad line that an error repeats: the body may be megabytes
_SERIES_KEPT = 65_536  # prefixes remembered: a province has 20,700 assets, and one too many in turn loses all

_SHORT = 64  # characters: a longer text is not worth remembering
_NUMBER = "0123456789+-.eE"  # nothing else: float() alone would take nan, infinity, 1_0 and Arabic digits
_BOOLEANS = dict.fromkeys(("t", "T", "true", "True", "TRUE"), True) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), False
)
_SERIES = re.compile(r"[^ \n]*(?:(?<=\\) [^ \n]*)*")
_KEY = re.compile(r"[^,= \n]*(?:(?<=\\)[,= ][^,= \n]*)*")
_QUOTED = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*)"', re.DOTALL)
_BARE = re.compile(r"[^, \n]*")
_REST = re.compile(r" *([^ \n]*)( *)(?=\r?\n|\r?\Z)")
_COMMA = re.compile(r"(?<!\\),")
_EQUALS = re.compile(r"(?<!\\)=")
_ESCAPED_NAME = re.compile(r"\\([,= ])")
_ESCAPED_MEASUREMENT = re.compile(r"\\([, ])")
_ESCAPED_STRING = re.compile(r'\\(["\\])')


_shapes = Shapes()


class LineError(ValueError):
    """A line breaks the protocol: which one (from 1), why, and its text (cut when long)."""

    def __init__(self, line_number: int, reason: str, text: str) -> None:
        text = text if len(text) <= _TEXT_IN_ERRORS else text[:_TEXT_IN_ERRORS] + "..."
        super().__init__(f"line {line_number}: unable to parse '{text}': {reason}")
        self.line_number = line_number
        self.reason = reason
        self.text = text


class _Broken(Exception):  # noqa: N818 - never leaves this file
    """What is wrong, before it is known in which line."""


def parse(data: bytes, precision: str = "ns", default_ns: int | None = None) -> list[Point]:
    """Read every line of a body; points that share a series share one `tags` dict.

    `precision` (ns, us, ms, s) is that of the times in the body. A line without a time gets `default_ns`,
    and is an error when that is None. Raises LineError for the first bad line, ValueError for another
    precision.
    """
    factor = PRECISIONS.get(precision)
    if factor is None:
        raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    text = _decode(data)
    points: list[Point] = []
    here, end = 0, len(text)
    find, append = text.find, points.append
    while here < end:
        stop = find("\n", here)
        if stop < 0:
            stop = end
        line = text[here:stop]
        try:
            if line and line[0] != "#":
                parts = _shapes.read(line)
                if parts is not None:
                    prefix, fields, stamp = parts
                    measurement, tags = _series(prefix)
                    append(Point(measurement, tags, _in_range(int(stamp) * factor), fields))
                    here = stop + 1
                    continue
                point = _fast(line, factor)
                if point is not None:
                    _shapes.learn(line, point.fields)
                else:
                    point, stop = _scan(text, here, factor, default_ns)
                if point is not None:
                    append(point)
        except _Broken as broken:
            raise LineError(text.count("\n", 0, here) + 1, str(broken), line.rstrip("\r")) from None
        here = stop + 1
    return points


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        line = data[start : error.start + 1].decode("utf-8", "replace")
        number = data.count(b"\n", 0, error.start) + 1
        raise LineError(number, "invalid UTF-8", line) from None


def _fast(line: str, factor: int) -> Point | None:
    """Read a plain line, or return None: the scanner decides.

    Each part between commas is either whole (a string with both its quotes, a bare value without any) or
    it is a piece of a string with a comma inside, which no check here lets pass.
    """
    prefix, _, rest = line.partition(" ")
    body, _, stamp = rest.rpartition(" ")
    ascii_only = line.isascii()
    if "\\" in line or not stamp.isdigit() or len(stamp) > 19:
        return None
    fields: dict[str, Value] = {}
    for part in body.split(","):
        if part[-1:] == '"':
            text = _text_part(part) if len(part) < _SHORT else _text_part.__wrapped__(part)
            if text is None:
                return None
            fields[text[0]] = text[1]
            continue
        key, _, word = part.partition("=")
        if not word or not key or " " in key:
            return None
        if not word.strip(_NUMBER):
            fields[key] = _float(word)
        elif ascii_only and word[-1] == "i" and word[:-1].isdigit() and len(word) < 19:
            fields[key] = int(word[:-1])
        elif '"' in word or " " in word:
            return None
        else:
            fields[key] = _bare(word)
    measurement, tags = _series(prefix)
    ts_ns = int(stamp) * factor if ascii_only else _integer(stamp, "bad timestamp") * factor
    return Point(measurement, tags, _in_range(ts_ns), fields)


@lru_cache(maxsize=4096)
def _text_part(part: str) -> tuple[str, str] | None:
    """Split key="text"; the same few texts (good, gw-01, on) come in nearly every line."""
    key, _, word = part.partition("=")
    if not key or " " in key or word[:1] != '"' or word.count('"') != 2:
        return None
    return key, word[1:-1]


def _scan(text: str, here: int, factor: int, default_ns: int | None) -> tuple[Point | None, int]:
    """Read the line that begins at `here`; return it (None for a comment or blank) and where it ends."""
    while text[here : here + 1] in {" ", "\t", "\0"}:
        here += 1
    if text[here : here + 1] in {"", "\n", "\r", "#"}:
        stop = text.find("\n", here)
        return None, len(text) if stop < 0 else stop
    prefix = _match(_SERIES, text, here)
    measurement, tags = _series(prefix[0])
    here = prefix.end()
    while text[here : here + 1] == " ":
        here += 1
    if text[here : here + 1] in {"", "\n", "\r"}:
        raise _Broken("missing fields")
    fields, here = _scan_fields(text, here)
    rest = _REST.match(text, here)
    if rest is None:
        raise _Broken("bad timestamp")
    stamp = rest[1].removesuffix("\r")
    if stamp:
        ts_ns = _in_range(_integer(stamp, "bad timestamp") * factor)
    elif default_ns is not None:
        ts_ns = default_ns
    else:
        raise _Broken("missing timestamp")
    stop = text.find("\n", rest.end())
    return Point(measurement, tags, ts_ns, fields), len(text) if stop < 0 else stop


def _scan_fields(text: str, here: int) -> tuple[dict[str, Value], int]:
    fields: dict[str, Value] = {}
    while True:
        key = _match(_KEY, text, here)
        here = key.end()
        if not key[0]:
            raise _Broken("missing field key")
        if text[here : here + 1] != "=":
            raise _Broken("missing field value")
        here += 1
        if text[here : here + 1] == '"':
            quoted = _QUOTED.match(text, here)
            if quoted is None:
                raise _Broken("unbalanced quotes")
            value: Value = _ESCAPED_STRING.sub(r"\1", quoted[1])
            here = quoted.end()
        else:
            bare = _match(_BARE, text, here)
            here = bare.end()
            value = _bare(bare[0].removesuffix("\r") if text[here : here + 1] in {"", "\n"} else bare[0])
        fields[_ESCAPED_NAME.sub(r"\1", key[0])] = value
        if text[here : here + 1] != ",":
            if text[here : here + 1] not in {"", " ", "\n", "\r"}:
                raise _Broken("invalid field format")
            return fields, here
        here += 1


def _match(pattern: re.Pattern[str], text: str, here: int) -> re.Match[str]:
    match = pattern.match(text, here)
    if match is None:
        raise AssertionError("the pattern matches the empty text")
    return match


def _bare(word: str) -> Value:
    """Read a number or a boolean."""
    if not word.strip(_NUMBER):
        return _float(word)
    if word[-1] == "i":
        number = _integer(word[:-1], "invalid number")
        if not -(2**63) <= number < 2**63:
            raise _Broken("unable to parse integer: value out of range")
        return number
    if word[-1] == "u":
        number = _integer(word[:-1], "invalid number")
        if not 0 <= number < 2**64:
            raise _Broken("unable to parse unsigned: value out of range")
        return Unsigned(number)
    truth = _BOOLEANS.get(word)
    if truth is None:
        raise _Broken("invalid boolean" if word[0] in "tTfF" else "invalid number")
    return truth


def _float(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        raise _Broken("invalid number" if word else "missing field value") from None
    if not isfinite(number):
        raise _Broken("invalid number")
    return number


def _integer(word: str, reason: str) -> int:
    digits = word[1:] if word[:1] in {"-", "+"} else word
    if not digits.isdigit() or not digits.isascii() or len(digits) > 20:
        raise _Broken(reason)
    return int(word)


def _in_range(ts_ns: int) -> int:
    if not EARLIEST_NS <= ts_ns <= LATEST_NS:
        raise _Broken(f"time outside range {EARLIEST_NS} - {LATEST_NS}")
    return ts_ns


@lru_cache(maxsize=_SERIES_KEPT)
def _series(prefix: str) -> tuple[str, dict[str, str]]:
    measurement, *pairs = _COMMA.split(prefix)
    if not measurement:
        raise _Broken("missing measurement")
    tags: dict[str, str] = {}
    for pair in pairs:
        key, *values = (_ESCAPED_NAME.sub(r"\1", part) for part in _EQUALS.split(pair))
        if not key:
            raise _Broken("missing tag key")
        if not values or not values[0]:
            raise _Broken("missing tag value")
        if len(values) > 1:
            raise _Broken("invalid tag format")
        if key in tags:
            raise _Broken("duplicate tags")
        tags[key] = values[0]
    return _ESCAPED_MEASUREMENT.sub(r"\1", measurement), tags
