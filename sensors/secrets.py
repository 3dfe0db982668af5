"""Secrets stand in files that only those may read who need them; a file open to everybody is refused."""

import shlex
import stat
from pathlib import Path

from sensors.errors import ConfigError
from sensors.text import said

__all__ = ["check_private", "read_secret"]


def check_private(path: Path, whose: str) -> None:
    """Refuse a file that everybody on the machine can read or change; raise ConfigError with the command.

    The group may read it: daemons that share a key have one. A file that is not there is not judged.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # who opens it says why it cannot be read
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ConfigError(
            f"{whose}: "
            + said(
                "everybody on this machine can read or change {path}; run: chmod o-rwx {file}",
                path=path,
                file=shlex.quote(str(path)),
            )
        )


def read_secret(path: Path, whose: str) -> str:
    """Read a one-line secret, without its line's end; raise ConfigError that names file and purpose."""
    check_private(path, whose)
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{whose}: " + said("{path} cannot be read: {error}", path=path, error=error)
        ) from None
    if not secret.strip() or len(secret.splitlines()) != 1:
        raise ConfigError(f"{whose}: " + said("{path} does not hold a secret on one line", path=path))
    return secret
