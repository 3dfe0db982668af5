"""The audit log: one line a command and outcome, on disk before it is answered, rotated by size."""

import json
import os
from pathlib import Path

KEPT = 5
"""Older files beside the one that is written: commands.log.1 is the newest of them."""


class Audit:
    """An append-only file of JSON lines. `write` raises OSError when the disk does not take it."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes

    def write(self, **facts: str | float | bool | None) -> None:
        """Append one line and wait until it is on disk."""
        line = json.dumps(facts, ensure_ascii=False).encode() + b"\n"
        if self._path.exists() and self._path.stat().st_size + len(line) > self._most_bytes:
            self._rotate()
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    def _rotate(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
