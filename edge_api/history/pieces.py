"""What the disk gets of bodies: lines of some assets side by side, found by an asset's key alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from zlib import crc32

from isal import igzip

from edge_api.history.bodies import Lines
from edge_api.history.now import place_of, tags_text
from edge_api.history.query import Piece
from edge_api.history.strands import LEVEL, STAMP, Rests, Strand
from edge_api.lines import DAMAGED

Chunk = tuple[str, int, int, int, bytes]
"""Under which name, the first and last time (ns UTC) and the count of the readings, and those packed."""

_PARTS = (1, 4, 16, 64, 256)
"""Into so many parts a place may be parted, each a part of one of those before."""
_A_PART = 32  # assets at most, as a mean: ten minutes of them are some 60 kB, packed and opened at once
_NEVER = 2**63
_LATE, _END = b"late\n\n", b"\n\n"  # what a piece begins with; what ends its head and each of its series
_OPEN = 16  # pieces that stay open: who counts goes through the assets in the order of their names

Block = tuple[str, str, bool]
"""The prefix of a series, its lines without it, and whether these came late."""


def pack_lines(strands: Iterable[Strand], assets: Mapping[str, int]) -> Iterator[Chunk]:
    """Pack the lines of orderly bodies, place by place; of each so many assets are known."""
    by_place: defaultdict[str, list[Strand]] = defaultdict(list)
    for strand in strands:
        by_place[strand.place].append(strand)
    for place, its in by_place.items():
        parts = _parts(assets.get(place, 0))
        by_part: defaultdict[int, list[Strand]] = defaultdict(list)
        for strand in its:
            by_part[_number(strand.key) % parts].append(strand)
        for part, those in by_part.items():
            those.sort(key=attrgetter("key"))
            name = _name(place, part, parts)
            for head, rests in (
                (_END, [(each.prefix, each.fresh) for each in those if each.fresh]),
                (_LATE, [(each.prefix, each.late) for each in those if each.late]),
            ):
                if rests:
                    yield (name, *_span(rests), igzip.compress(_text(head, rests), LEVEL))


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


def horizons(place: str, its: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield for each part of a place the time that ends what none of its assets needs, by that of each asset.

    So a part keeps more than its time beside an asset that is silent for good, or has a clock of the past.
    """
    numbers: Iterable[tuple[int, int]] = [(_number(key), ts_ns) for key, ts_ns in its.items()]
    for parts in reversed(_PARTS[: _PARTS.index(_parts(len(its))) + 1]):
        least: dict[int, int] = {}
        for number, ts_ns in numbers:
            part = number % parts
            if ts_ns < least.get(part, _NEVER):
                least[part] = ts_ns
        for part, ts_ns in least.items():
            yield _name(place, part, parts), ts_ns
        numbers = least.items()


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


def _span(series: Sequence[tuple[bytes, Rests]]) -> tuple[int, int, int]:
    stamps = [rest[STAMP] for _, rests in series for rest in rests]
    return int(min(stamps)), int(max(stamps)), len(stamps)


def _text(head: bytes, series: Sequence[tuple[bytes, Rests]]) -> bytes:
    text = [head]
    for prefix, rests in series:
        text += [prefix, b"\n", *rests, b"\n"]
    return b"".join(text)
