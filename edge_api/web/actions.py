"""Who did what at the page: one line an action, on disk before it is answered, bounded."""

import os
import threading
from pathlib import Path

import msgspec

__all__ = ["Action", "Actions"]

_MOST_BYTES = 500_000  # some 4,000 actions; then the older half of them goes to one file beside
_MOST_SHOWN = 100


class Action(msgspec.Struct, frozen=True):
    """One action: when (ns since 1970), who, what (a word of `words.ACTIONS`), and on what."""

    ts_ns: int
    who: str
    what: str
    on: str = ""


_decode = msgspec.json.Decoder(Action).decode


class Actions:
    """All methods may be called from any thread; without a path actions are kept in memory only."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._newest = [each for each in map(_action, _lines(path)) if each is not None][-_MOST_SHOWN:]

    def note(self, action: Action) -> None:
        """Write an action down; raise OSError when the disk does not take it."""
        with self._lock:
            if self._path is not None:
                line = msgspec.json.encode(action) + b"\n"
                with os.fdopen(
                    os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640), "ab"
                ) as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
                    size = file.tell()
                if size > _MOST_BYTES:
                    self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._newest = [*self._newest, action][-_MOST_SHOWN:]

    def newest(self) -> list[Action]:
        """Return the last actions, the newest first."""
        with self._lock:
            return self._newest[::-1]


def _lines(path: Path | None) -> list[bytes]:
    if path is None:
        return []
    try:
        return path.read_bytes().splitlines()
    except OSError:  # nothing was done yet; where it cannot be written, the first action says so
        return []


def _action(line: bytes) -> Action | None:
    try:
        return _decode(line)
    except msgspec.MsgspecError:  # a power cut may leave half a line
        return None
