"""The lines that our own edges write, read a body at a time: a Point is made of one only when somebody asks.

Above a commune nearly every line is one of these, and most are never looked at before they go to disk.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import overload

from edge_api.lineprotocol.reading import LATEST_NS, parse
from edge_api.point import Point

Stream = tuple[str, str]
Place = tuple[str, str]
"""Province and commune."""
Names = tuple[str, ...]
"""The fields of a line, in their order."""
Kind = tuple[bytes, Names | None]
"""A measurement, and the names that lines of it have; None where a shape does not tell them."""

# A part of what `parse` takes: the feed's four tags, names and numbers as machines write them, no escapes.
_TAG = r"[A-Za-z0-9_.-]+"
_NAME = r"[A-Za-z][A-Za-z0-9_]*"
_ID = r"[a-z0-9][a-z0-9-]{0,62}"
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,17}(?:e-?[0-9]{1,2})?|e-?[0-9]{1,2}|i)?"
_VALUE = rf'(?:"[^"\\\n]*"|{_NUMBER}|true|false)'
_FIELD = re.compile(rf"({_NAME})=(?:{_VALUE}|[0-9]{{1,18}}i)[, ]".encode())
_LINE = re.compile(
    (
        rf"(?!Alert,){_NAME},asset={_TAG},(commune={_TAG},domain={_TAG},province={_TAG}) "
        rf'(?:(?!gw=|ep=|seq=){_NAME}={_VALUE},)*(gw="{_ID}",ep="{_ID}"),seq=([0-9]{{1,18}})i'
        rf"(?:,(?!gw=|ep=|seq=){_NAME}={_VALUE})* ([0-9]{{1,19}})"
    ).encode()
)

# To the pattern one digit is as good as another, and a province writes some dozens of lines that differ in
# more than their digits. What it finds in a line it finds in all of that shape; looking costs a quarter.
_SHAPE = bytes.maketrans(b"123456789", b"0" * 9)
_MOST_SHAPES, _LONGEST_SHAPE = 1_000, 500  # a megabyte at most: texts make shapes without end, of any length

Found = tuple[bytes, bytes, bytes, bytes]
"""Of one line: its place, its stream, its number and its time, as they stand there."""

_known: dict[bytes, Callable[[bytes], Found]] = {}
"""By the shape of a line: what cuts these out of it."""
_kinds: dict[Callable[[bytes], Found], Kind] = {}
"""By what cuts: of which kind its lines are."""


class FeedLines(Sequence[Point]):
    """The numbered readings of a body; alarms and what a stranger writes are not among them."""

    __slots__ = ("_count", "data", "first_ns", "kinds", "last_ns", "numbers", "places", "times")

    def __init__(
        self, data: bytes, found: Sequence[Found], kinds: frozenset[Kind | None] = frozenset({None})
    ) -> None:
        """Take a body and what its pattern found in each line; raise ValueError for a time that none has."""
        self.kinds = kinds
        """All that there are among its lines; with None where that is not known of some."""
        places, streams, seqs, stamps = zip(*found, strict=True)
        times = list(map(int, stamps))
        self.data = data
        self._count = len(times)
        self.first_ns, self.last_ns = min(times), max(times)
        if self.last_ns > LATEST_NS:
            raise ValueError(f"{self.last_ns} is no time")
        self.places: list[Place] = sorted({_place(each) for each in set(places)})
        self.numbers: dict[Stream, list[int]] = {}
        """The numbers of each stream, in the order of the lines."""
        self.times: dict[Stream, tuple[int, int]] = {}
        """Between which times (ns UTC) those of each stream lie."""
        of_streams = {streams[0]: (list(map(int, seqs)), times)}
        if streams.count(streams[0]) < len(streams):
            of_streams = {name: ([], []) for name in sorted(set(streams))}
            for name, seq, ts_ns in zip(streams, seqs, times, strict=True):
                its_seqs, its_times = of_streams[name]
                its_seqs.append(int(seq))
                its_times.append(ts_ns)
        for name, (its_seqs, its_times) in of_streams.items():
            stream = _stream(name)
            self.numbers[stream] = its_seqs
            self.times[stream] = min(its_times), max(its_times)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Point]:
        """Read the lines, each time anew: whoever needs them twice keeps them."""
        return iter(parse(self.data))

    @overload
    def __getitem__(self, at: int) -> Point: ...
    @overload
    def __getitem__(self, at: slice) -> list[Point]: ...
    def __getitem__(self, at: int | slice) -> Point | list[Point]:
        return parse(self.data)[at]


def feed_lines(data: bytes) -> FeedLines | None:
    """Read a body whose times are in ns and every line of which is one of ours; None for any other body."""
    if not data.isascii():
        return None
    if not data.endswith(b"\n"):
        data += b"\n"
    shapes = data.translate(_SHAPE).split(b"\n")
    shapes.pop()
    try:
        try:
            cuts = [_known[shape] for shape in shapes]
        except KeyError:
            cuts = [_known.get(shape) or _learn(shape) for shape in shapes]
        found = [cut(line) for cut, line in zip(cuts, data.split(b"\n"), strict=False)]
        kinds = frozenset(map(_kinds.get, set(cuts)))
        return FeedLines(data, found, kinds)
    except ValueError:
        return None  # whoever reads line by line says which


def _learn(shape: bytes) -> Callable[[bytes], Found]:
    """Return what cuts a line of this shape; raise ValueError when it is none of ours."""
    match = _LINE.fullmatch(shape)
    if match is None:
        raise ValueError("not a numbered reading")
    cut: Callable[[bytes], Found] = itemgetter(*(slice(*match.span(n)) for n in range(1, 5)))
    if len(shape) <= _LONGEST_SHAPE:
        if len(_known) >= _MOST_SHAPES:
            _known.clear()  # what comes all the time is soon known again
            _kinds.clear()
        _kinds[cut] = _kind(shape)
        _known[shape] = cut
    return cut


def _kind(shape: bytes) -> Kind:
    names = tuple(map(bytes.decode, _FIELD.findall(shape, shape.index(b" "))))
    # In a shape `a0` may be `a1`. So may a measurement; it is then not among those that one may look up.
    return shape[: shape.index(b",")], None if "0" in "".join(names) else names


def _place(text: bytes) -> Place:
    commune, _, province = (part.partition("=")[2] for part in text.decode().split(","))
    return province, commune


def _stream(text: bytes) -> Stream:
    gw, ep = (part.partition("=")[2].strip('"') for part in text.decode().split(","))
    return gw, ep
