"""Keeps a second process off a spool: two writers would give the same numbers twice."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from gateway.spool.errors import SpoolError
from gateway.spool.file import beside

LOCK = "-lock"


class Lock:
    """Held from the opening of a spool to its closing, or to the process's end, however that comes."""

    def __init__(self, path: Path) -> None:
        """Take it; raise SpoolError when another process has it, or when the folder cannot be written."""
        place = beside(path, LOCK)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise SpoolError(
                f"{path}: cannot be opened as a spool: {error.strerror} ({error.filename});"
                " the folder must exist or be makeable, and be writable for this user"
            ) from error
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._handle, 20, 0).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise SpoolError(
                f"{path}: process {holder or 'unknown'} uses this spool; stop it, or give each its own path"
            ) from None
        with suppress(OSError):  # a full disk: the number is for people only
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let others have it; the file stays, for taking it away would let two in."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
