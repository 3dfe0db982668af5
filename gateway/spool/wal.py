"""SQLite drops a damaged write-ahead log in silence, acknowledged commits and all: so look before it does.

A power cut leaves the log's last transaction unfinished, no more: every commit is put on disk before the
next begins. A log with whole transactions behind a wrong place has been damaged since. (A log that was cut
short at its end cannot be told from one that a power cut ended.)
"""

import struct
from pathlib import Path

_HEADER, _FRAME = 32, 24
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_MASK = 0xFFFFFFFF


def damage_in(wal: Path) -> str | None:
    """Say what is wrong with a log that a stopped process left, None when nothing is.

    Raises OSError when it cannot be read.
    """
    data = wal.read_bytes() if wal.exists() else b""
    if len(data) <= _HEADER + _FRAME or not any(data):
        return None
    magic, _, page, _, salt1, salt2, sum1, sum2 = struct.unpack_from(">8I", data)
    order = _MAGIC.get(magic)
    if order is None or (sum1, sum2) != _sums(order, data[:24], 0, 0) or not 512 <= page <= 65536:
        return "the head of its write-ahead log is not what was written"
    step = _FRAME + page
    sums = sum1, sum2
    whole, commits = True, 0
    for at in range(_HEADER, len(data) - step + 1, step):
        _, commit, *salts, sum1, sum2 = struct.unpack_from(">6I", data, at)
        if salts != [salt1, salt2]:
            whole = False  # the end, or a frame of an earlier round
            continue
        if whole:
            sums = _sums(order, data[at : at + 8], *sums)
            sums = _sums(order, data[at + _FRAME : at + step], *sums)
            whole = sums == (sum1, sum2)
        if not whole:
            commits += bool(commit)
    return f"{commits} commits lie behind a wrong place in its write-ahead log" if commits > 1 else None


def _sums(order: str, data: bytes, one: int, two: int) -> tuple[int, int]:
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for word in words:
        one = (one + word + two) & _MASK
        two = (two + next(words) + one) & _MASK
    return one, two
