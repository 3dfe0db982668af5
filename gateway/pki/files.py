"""The folder of an authority: keys that nobody else reads, files that appear whole, nothing overwritten."""

import os
from pathlib import Path

from sensors.errors import ConfigError

PRIVATE, PUBLIC = 0o600, 0o644


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner enters; raise ConfigError when that cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: the folder cannot be made: {error.strerror}") from None


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that must not be there yet; raise ConfigError and leave the old one as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise ConfigError(f"{path} is there already, and is never overwritten; move it away first") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # whatever the umask is
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def replace(path: Path, data: bytes, mode: int) -> None:
    """Put new content in the place of a file's, whole or not at all; raise ConfigError."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # of a power cut
    write_new(part, data, mode)
    part.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
