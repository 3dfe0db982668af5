"""A full disk refuses SQLite even a DELETE, so a file beside the spool holds space that can be given up."""

import logging
import os
from pathlib import Path

from gateway.spool.file import beside

log = logging.getLogger(__name__)

_LEAST_BYTES, _MOST_BYTES = (
    128 * 1024,
    16_000_000,
)  # SQLite's write-ahead log grows to 4 MB between checkpoints
_SHARE = 64


class Ballast:
    """A file of `size` bytes that means nothing but its space."""

    def __init__(self, spool: Path, max_bytes: int) -> None:
        self.path = beside(spool, "-reserve")
        self.size = min(max(max_bytes // _SHARE, _LEAST_BYTES), _MOST_BYTES)
        self.held = self.path.exists() and self.path.stat().st_size >= self.size

    def make(self) -> bool:
        """Take the space, if it is there; return whether it is held now."""
        if self.held:
            return True
        try:
            with self.path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self.size)
                os.fsync(file.fileno())
        except OSError as error:
            log.debug("no reserve for now: %s", error)
            self.path.unlink(missing_ok=True)
            return False
        self.held = True
        return True

    def give_up(self) -> bool:
        """Give the space back to the file system; return whether there was any."""
        was_held, self.held = self.held, False
        self.path.unlink(missing_ok=True)
        return was_held
