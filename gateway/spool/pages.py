"""Reads rows out of a file that SQLite refuses: page by page, with no trust in roots, counts or lists.

A row lies in a leaf of a table's tree; what does not fit there goes on in a chain of overflow pages
(https://www.sqlite.org/fileformat2.html). Whether a row is right its own checksum tells, not this file.
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from gateway.spool.file import MAGIC, PAGES, beside
from gateway.spool.rows import Row

_LEAF = 0x0D
_MOST_COLUMNS = 32
_MOST_BYTES = 64_000_000
_WAL_HEADER, _FRAME_HEADER = 32, 24
_INTEGERS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}

Get = Callable[[int], bytes | None]


def sizes(path: Path) -> tuple[int, ...]:
    """Return how large a spool's pages are, by its file's or its log's head; all sizes, if neither can say.

    A wrong guess yields no row: checksums do not fit.
    """
    for file, at, magics in (
        (path, 16, (MAGIC,)),
        (beside(path, "-wal"), 8, (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")),
    ):
        handle = _open(file)
        if handle is None:
            continue
        try:
            head = os.pread(handle, _WAL_HEADER, 0)
        except OSError:
            continue
        finally:
            os.close(handle)
        size = int.from_bytes(head[at : at + (2 if at == 16 else 4)], "big")
        if head.startswith(magics) and size in PAGES:
            return (size,)
    return PAGES


class Pages:
    """The pages, of `page` bytes each, of a database file and of the write-ahead log beside it."""

    def __init__(self, path: Path, page: int) -> None:
        self.unreadable = 0
        self._page = page
        self._main = _open(path)
        self._wal = _open(beside(path, "-wal"))
        self._frames = list(self._find_frames())
        self._newest = dict(self._frames)

    def close(self) -> None:
        """Close the files."""
        for handle in (self._main, self._wal):
            if handle is not None:
                os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield row number and values of whatever looks like a row, a later version after an earlier one."""
        size = _size(self._main) // self._page + 1
        for number in range(1, size + 1):
            yield from self.leaf(number)
        for number, offset in self._frames:
            frame = self._read(self._wal, offset)
            if frame is not None:
                yield from self._leaf(number, frame)

    def leaf(self, number: int) -> Iterator[tuple[int, Row]]:
        """Yield the rows that lie on one page of the main file."""
        page = self._old(number)
        if page is not None:
            yield from self._leaf(number, page)

    def _leaf(self, number: int, page: bytes) -> Iterator[tuple[int, Row]]:
        head = 100 if number == 1 else 0
        if len(page) < self._page or page[head] != _LEAF:
            return
        cells = min(int.from_bytes(page[head + 3 : head + 5], "big"), (self._page - head - 8) // 2)
        for at in struct.unpack_from(f">{cells}H", page, head + 8):
            for get in (self._new, self._old) if self._newest else (self._old,):
                found = _cell(page, at, get)
                if found is not None:
                    yield found

    def _old(self, number: int) -> bytes | None:
        return self._read(self._main, (number - 1) * self._page)

    def _new(self, number: int) -> bytes | None:
        offset = self._newest.get(number)
        return self._old(number) if offset is None else self._read(self._wal, offset)

    def _read(self, handle: int | None, offset: int) -> bytes | None:
        if handle is None:
            return None
        try:
            return os.pread(handle, self._page, offset)
        except OSError:
            self.unreadable += 1
            return None

    def _find_frames(self) -> Iterator[tuple[int, int]]:
        """Yield page number and offset of the log's frames; those of an earlier round have another salt."""
        size = _size(self._wal)
        salt = None
        for at in range(_WAL_HEADER, size - _FRAME_HEADER, _FRAME_HEADER + self._page):
            try:
                header = os.pread(self._wal or 0, _FRAME_HEADER, at)
            except OSError:
                self.unreadable += 1
                continue
            salt = salt or header[8:16]
            number = int.from_bytes(header[:4], "big")
            if number and header[8:16] == salt:
                yield number, at + _FRAME_HEADER


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _size(handle: int | None) -> int:
    return 0 if handle is None else os.lseek(handle, 0, os.SEEK_END)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(8):
        byte = data[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    return value << 8 | data[at + 8], at + 9


def _cell(page: bytes, at: int, get: Get) -> tuple[int, Row] | None:
    """Return row number and values of the cell at a place, None when that is no row."""
    try:
        size, at = _varint(page, at)
        number, at = _varint(page, at)
        if not 0 < size <= _MOST_BYTES:
            return None
        record = _payload(page, at, size, get)
        return None if record is None else (number, _values(record))
    except (IndexError, ValueError, struct.error):
        return None


def _payload(page: bytes, at: int, size: int, get: Get) -> bytes | None:
    whole = len(page)
    most = whole - 35
    if size <= most:
        return page[at : at + size]
    least = (whole - 12) * 32 // 255 - 23
    local = least + (size - least) % (whole - 4)
    local = local if local <= most else least
    parts = [page[at : at + local]]
    (following,) = struct.unpack_from(">I", page, at + local)
    missing = size - local
    while missing > 0:
        more = get(following) if following else None
        if more is None or len(more) < whole:
            return None
        parts.append(more[4 : 4 + min(missing, whole - 4)])
        missing -= whole - 4
        following = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _values(record: bytes) -> Row:
    end, at = _varint(record, 0)
    kinds: list[int] = []
    while at < end and len(kinds) < _MOST_COLUMNS:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values: list[object] = []
    at = end
    for kind in kinds:
        size = _INTEGERS[kind] if kind in _INTEGERS else (kind - 12) // 2
        data = record[at : at + size]
        if len(data) < size or kind in (7, 10, 11):
            raise ValueError("not a row of ours")
        at += size
        if kind >= 12:
            values.append(data.decode() if kind % 2 else data)
        elif kind == 0:
            values.append(None)
        else:
            values.append(kind - 8 if kind in (8, 9) else int.from_bytes(data, "big", signed=True))
    return tuple(values)
