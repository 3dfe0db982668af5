"""Keeps the few numbers that a driver must still know after a power cut, such as a meter's index."""

import json
import logging
import os
import re
import zlib
from pathlib import Path

from sensors.io import Kept

log = logging.getLogger(__name__)


class FileKeeper:
    """One small file, replaced at once and checked by its sum: half a file is never believed."""

    def __init__(self, folder: Path, name: str) -> None:
        """Name the file; it is made by the first save."""
        self._path = folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', name)}.kept"

    def load(self) -> Kept | None:
        """Return what was saved last; None when nothing was, or when the card has damaged it."""
        try:
            text = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s cannot be read, what it kept is lost: %s", self._path, error)
            return None
        checksum, _, body = text.partition(" ")
        if checksum != f"{zlib.crc32(body.encode()):08x}":
            log.warning("%s is damaged, what it kept is lost", self._path)
            return None
        kept: Kept = json.loads(body)
        return kept

    def save(self, kept: Kept) -> None:
        """Put it on the disk before returning; a disk that refuses is logged, and the old state stays."""
        body = json.dumps(kept)
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("w", encoding="ascii") as file:
                file.write(f"{zlib.crc32(body.encode()):08x} {body}")
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self._path)  # noqa: PTH105 - Path.replace hides that this is the atomic one
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)


class MemoryKeeper:
    """What is kept for as long as this object lives: for a simulated Pi, and where there is no folder."""

    def __init__(self) -> None:
        self.kept: Kept | None = None

    def load(self) -> Kept | None:
        """Return what was saved last, or None."""
        return self.kept

    def save(self, kept: Kept) -> None:
        """Keep it."""
        self.kept = dict(kept)
