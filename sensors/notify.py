"""Tells systemd how a daemon is (sd_notify(3)); here, because node and edge both may take from this room.

Without systemd there is no NOTIFY_SOCKET, and nothing is told.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence

log = logging.getLogger(__name__)

_EVERY_S = 10.0  # between two looks at most: what systemd shows of us is as old as that
_SEND_S = 1.0


class Notifier:
    """The way to systemd; `watchdog_s` is how long it believes in us without a word, None for ever."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_s: float | None = None
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if ours and environ.get("WATCHDOG_USEC", "").isdigit():
            self.watchdog_s = int(environ["WATCHDOG_USEC"]) / 1e6

    def tell(self, *words: str) -> None:
        """Send assignments such as READY=1; a manager that does not listen is logged, not feared."""
        if not self._address:
            return
        # A leading @ stands for the abstract name space, whose names begin with a zero byte.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.settimeout(_SEND_S)
                way.sendto("\n".join(words).encode(), address)
        except OSError as error:
            log.warning("systemd does not hear us at %s: %s", self._address, error)


def attend(
    stop: threading.Event,
    standing: Callable[[], Sequence[str]],
    words: Callable[[], str],
    notifier: Notifier | None = None,
) -> None:
    """Say that we are ready and, until `stop`, what `words` says and that we live.

    `standing` names what does not move any more: then the watchdog is told nothing, and ends us in the end.
    """
    notifier = notifier or Notifier()
    every_s = min(notifier.watchdog_s / 3, _EVERY_S) if notifier.watchdog_s else _EVERY_S
    first = ["READY=1"]
    said = ""
    still: Sequence[str] = []
    while not stop.is_set():
        before, still = still, standing()
        if still and still != before:
            log.error("stands still: %s; the watchdog is told nothing more until it moves", ", ".join(still))
        status = f"stands still: {', '.join(still)}" if still else words()
        alive = ["WATCHDOG=1"] if notifier.watchdog_s and not still else []
        news = [f"STATUS={status}"] if status != said else []
        if first or alive or news:
            notifier.tell(*first, *alive, *news)
        first, said = [], status
        stop.wait(every_s)
    notifier.tell("STOPPING=1")
