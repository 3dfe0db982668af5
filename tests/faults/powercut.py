"""Because a power cut keeps any part of what was not yet synced: cut a recorded run at any call, and look.

A process runs under strace. Its calls are played into a model of the disk: a write is safe once its file was
synced; until then each may be there or not, whole or in sectors. Names are safe once their folder was
synced; until then the journal of the file system keeps a first part of their changes, in order.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_TRACED = "openat,open,creat,close,pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,renameat2"
_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@dataclass(slots=True)
class Call:
    """One system call that went well."""

    name: str
    numbers: list[int]
    texts: list[bytes]
    flags: str
    result: int


@dataclass(slots=True)
class File:
    """What is safely on disk, and what is not yet."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        """All that was written is safe."""
        for at, data in self.pending:
            _apply(self.safe, at, data)
        self.pending.clear()


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
    else:
        content.extend(bytes(max(at + len(data) - len(content), 0)))
        content[at : at + len(data)] = data


def record(program: Path, arguments: list[str], trace: Path) -> list[Call]:
    """Run a Python program under strace; return what it did."""
    command = ["strace", "-f", "-xx", "-s", "10000000", "-e", f"trace={_TRACED}", "-o", str(trace)]
    root = Path(__file__).parents[2]
    subprocess.run(
        [*command, sys.executable, str(program), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=100,
    )
    return list(_parse(trace))


def _parse(trace: Path) -> Iterator[Call]:
    with trace.open() as lines:
        for line in lines:
            if "<unfinished" in line:
                raise ValueError("the recorded program must not write from two threads at once")
            match = _CALL.match(line)
            if match and int(match[3]) >= 0:
                texts = []
                for hexed, cut in _TEXT.findall(match[2]):
                    if cut:
                        raise ValueError("strace cut a text")
                    texts.append(bytes.fromhex(hexed.replace("\\x", "")))
                plain = _TEXT.sub('""', match[2])
                numbers = [int(n) for n in re.findall(r"(?<![\w\"])\d+(?![\w])", plain)]
                yield Call(match[1], numbers, texts, plain, int(match[3]))


class Disk:
    """A folder as the calls leave it, and as a power cut may leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.said: list[str] = []
        self._open: dict[int, File | None] = {}
        self._now: dict[str, File] = {}
        self._safe: dict[str, File] = {}
        self._renamed: list[dict[str, File]] = []

    def play(self, call: Call) -> bool:
        """Take in one call; return whether it changed this disk or made it safer."""
        handle = call.numbers[0] if call.numbers else -1
        if call.name in ("openat", "open", "creat"):
            return self._opened(call)
        if call.name == "close":
            self._open.pop(handle, None)
            return False
        if call.name == "write" and handle == 1:
            self.said += call.texts[0].decode().splitlines()
            return False
        if call.name in ("unlink", "rename", "unlinkat", "renameat2"):
            return self._moved(call)
        if handle not in self._open:
            return False
        return self._written(call, handle)

    def _opened(self, call: Call) -> bool:
        path = call.texts[0].decode()
        if path == self.folder:
            self._open[call.result] = None
        elif path.startswith(self.folder + "/") and not path.endswith("-shm"):
            name = path.removeprefix(self.folder + "/")
            new = name not in self._now
            if new:
                self._now[name] = File()
                self._renamed.append(dict(self._now))
            self._open[call.result] = self._now[name]
            return new
        return False

    def _moved(self, call: Call) -> bool:
        names = [text.decode().removeprefix(self.folder + "/") for text in call.texts]
        if names[0] not in self._now:
            return False
        file = self._now.pop(names[0])
        if len(names) == 2:
            self._now[names[1]] = file
        self._renamed.append(dict(self._now))
        return True

    def _written(self, call: Call, handle: int) -> bool:
        file = self._open[handle]
        if call.name in ("fsync", "fdatasync"):
            if file is None:
                self._safe = dict(self._now)
                self._renamed.clear()
            else:
                file.sync()
        elif file is None:
            return False
        elif call.name == "pwrite64":
            file.pending.append((call.numbers[-1], call.texts[0]))
        elif call.name == "ftruncate":
            file.pending.append((call.numbers[1], None))
        else:
            raise ValueError(f"{call.name} is not in the model")
        return True

    def cut(self, chance: random.Random, to: Path) -> None:
        """Write into a folder what a power cut now might leave."""
        names = chance.choice([self._safe, *self._renamed])
        keep = chance.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        torn = chance.choice((False, True))
        for name, file in names.items():
            content = bytearray(file.safe)
            for at, data in file.pending:
                if chance.random() >= keep:
                    continue
                if not torn or data is None:
                    _apply(content, at, data)
                    continue
                for start in range(0, len(data), SECTOR):
                    if chance.random() < 0.7:
                        _apply(content, at + start, data[start : start + SECTOR])
            (to / name).write_bytes(content)


def cuts(
    calls: list[Call], folder: Path, count: int, seed: int, scratch: Path
) -> Iterator[tuple[list[str], Path]]:
    """Cut the run before `count` random calls that matter; yield what had been said, and what is left."""
    counting = Disk(folder)
    steps = [number for number, call in enumerate(calls) if counting.play(call)]
    chance = random.Random(seed)
    at = sorted(chance.choices(steps, k=count))
    disk = Disk(folder)
    for number, call in enumerate(calls):
        while at and at[0] == number:
            at.pop(0)
            left = scratch / "left"
            shutil.rmtree(left, ignore_errors=True)
            left.mkdir(parents=True)
            disk.cut(chance, left)
            yield list(disk.said), left
        disk.play(call)
