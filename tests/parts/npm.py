"""Because some parts come from npm: a package is installed once a machine, into a folder of its own."""

import fcntl
import os
import re
import subprocess
import tempfile
from pathlib import Path

from tests.parts.process import find_program

_INSTALL_S = 500


def installed(package: str) -> Path:
    """Return the folder in which a package (name@version) is installed; npm does it the first time."""
    name = re.sub(r"[^a-z0-9]+", "-", package).strip("-")
    folder = Path(tempfile.gettempdir()) / f"commune-test-npm-{os.getuid()}" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            command = [find_program("npm"), "install", "--no-audit", "--no-fund", "--omit=optional", package]
            subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_S, capture_output=True)
            (folder / "ready").touch()
    return folder
