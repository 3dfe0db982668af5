"""Because several test workers start servers at once: a port is handed out to one of them only.

The ports lie below the range from which the kernel takes ports for outgoing connections, and each one handed
out is held by a file lock until this process ends, so no two workers (nor two runs) can be given the same.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

FIRST, LAST = 20_000, 31_999  # Linux's own range for outgoing connections begins at 32768

_held: dict[int, int] = {}  # port -> descriptor of its lock file; open until the process ends


def free_port() -> int:
    """Return a TCP port that nothing listens on and that no other test process was given."""
    folder = Path(tempfile.gettempdir()) / f"commune-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for port in random.SystemRandom().sample(range(FIRST, LAST + 1), k=LAST + 1 - FIRST):
        if port not in _held and _take(port, folder / str(port)):
            return port
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")


def _take(port: int, lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        os.close(descriptor)
        return False
    _held[port] = descriptor
    return True
