"""What the disk gets of bodies: lines of some assets side by side, found by an asset's key alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple
from zlib import crc32

from isal import igzip

from edge_api.history.bodies import Lines
from edge_api.history.now import place_of, tags_text
from edge_api.history.query import Piece
from edge_api.history.strands import LEVEL, STAMP, Known, Strands
from edge_api.lines import DAMAGED

Chunk = tuple[str, int, int, int, bytes]
"""Under which name, the first and last time (ns UTC) and the count of the readings, and those packed."""

_PARTS = (1, 4, 16, 64, 256)
"""Into so many parts a place may be parted, each a part of one of those before."""
_A_PART = 32  # assets at most, as a mean: ten minutes of them are some 60 kB, packed and opened at once
_LATE, _END = b"late\n\n", b"\n\n"  # what a piece begins with; what ends its head and each of its series
_OPEN = 16  # pieces that stay open: who counts goes through the assets in the order of their names

Block = tuple[str, str, bool]
"""The prefix of a series, its lines without it, and whether these came late."""


class Parted(NamedTuple):
    """The series of a place in so many parts: by the number of each, those of an asset side by side."""

    place: str
    parts: int
    series: dict[int, list[Known]]


def parted(place: str, series: Iterable[Known], assets: int) -> Parted:
    """Part series of a place of which so many assets are known."""
    parts = _parts(assets)
    found: defaultdict[int, list[Known]] = defaultdict(list)
    for each in series:
        found[_number(each.key) % parts].append(each)
    for its in found.values():
        its.sort(key=attrgetter("key"))
    return Parted(place, parts, dict(found))


def pack_lines(whole: Parted, strands: Strands) -> Iterator[Chunk]:
    """Pack the lines of orderly bodies that are of these series."""
    rests_of = strands.rests.get
    series_of_parts = whole.series.items() if strands.rests else ()
    for part, series in series_of_parts:
        text = [_LATE if strands.late else _END]
        count = 0
        for each in series:
            rests = rests_of(each.prefix)
            if rests:
                text += (each.prefix, b"\n")
                text += rests
                text.append(b"\n")
                count += len(rests)
        if count:
            name = _name(whole.place, part, whole.parts)
            yield name, strands.first_ns, strands.last_ns, count, igzip.compress(b"".join(text), LEVEL)


def read_lines(packed: bytes, key: str) -> list[Block]:
    """Return what a piece holds of an asset, series by series; raise ValueError for a damaged one."""
    data = _opened(packed)
    late = data.startswith(_LATE)
    # A line of readings has a space before its last word, so that no text in it can be taken for this.
    mark = tags_text(key) + b"\n"
    found: list[Block] = []
    at = data.find(mark)
    while at >= 0:
        begin, rests, end = data.rindex(b"\n", 0, at) + 1, at + len(mark), data.index(_END, at)
        found.append((data[begin : rests - 1].decode(), data[rests : end + 1].decode(), late))
        following = data.find(b"\n", end + len(_END)) + 1  # its other series, if it has one, is the next
        at = following - len(mark) if data.startswith(mark, following - len(mark)) else -1
    return found


def columns_of(blocks: Iterable[Block]) -> Iterator[dict[str, Piece]]:
    """Yield the columns of lines out of pieces, the oldest version first; those of one shape in one step."""
    for prefix, run in groupby(blocks, key=itemgetter(0)):
        its = list(run)
        whole = Lines(prefix, "".join([text for _, text, _ in its]))
        if whole.mixed and len(its) > 1:
            for block in its:
                yield from columns_of([block])
        else:
            yield whole.kept([late for _, text, late in its for _ in range(text.count("\n"))])


def names_of(key: str) -> list[str]:
    """Return the names under which readings of an asset may stand."""
    place, number = place_of(key), _number(key)
    return [key, *(_name(place, number % parts, parts) for parts in _PARTS)]


def horizons(whole: Parted, others: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield for each part of a place the newest time that all of its assets have reached.

    `others` is that of assets without a newest line. So a part keeps more than its time beside an asset
    that is silent for good, or has a clock of the past.
    """
    least: dict[int, int] = {}
    for part, series in whole.series.items():
        stamps = [each.rest[STAMP] for each in series if each.rest]
        if stamps:
            least[part] = int(min(stamps))
    for key, ts_ns in others.items():
        part = _number(key) % whole.parts
        least[part] = min(ts_ns, least.get(part, ts_ns))
    for parts in reversed(_PARTS[: _PARTS.index(whole.parts) + 1]):
        found: dict[int, int] = {}
        for number, ts_ns in least.items():
            part = number % parts
            found[part] = min(ts_ns, found.get(part, ts_ns))
        for part, ts_ns in found.items():
            yield _name(whole.place, part, parts), ts_ns
        least = found


def _parts(assets: int) -> int:
    return next((parts for parts in _PARTS if assets <= parts * _A_PART), _PARTS[-1])


def _number(key: str) -> int:
    # Neighbours stand together as a rule: their names end in numbers.
    return crc32(key[:-1].encode())


def _name(place: str, part: int, parts: int) -> str:
    return f"{place}/{part}.{parts}"  # a slash less than in an asset's key


@lru_cache(maxsize=_OPEN)
def _opened(packed: bytes) -> bytes:
    try:
        data: bytes = igzip.decompress(packed)
    except DAMAGED as error:
        raise ValueError(str(error)) from error
    return data
