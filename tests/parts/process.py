"""Because a real part must start for sure and end for sure: one daemon, its folder, its port, its log."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.parts.ports import free_port
from tests.parts.wait import until

START_S = 30.0  # a loaded two-core machine, not a fast one
STOP_S = 10.0

# The kernel ends a part when the *thread* that started it ends, so one thread that lives as long as the
# process starts them all, and a test may use its own short-lived threads as it likes.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parts")
_alive: "set[Part]" = set()


class MissingPartError(RuntimeError):
    """A program that the tests need is not on this machine."""


def find_program(name: str) -> str:
    """Return the program's path; a missing one fails the test with the way to get it."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin")
    if path is None:
        raise MissingPartError(f"{name} is not installed: `make test` installs it (tests/parts/install.sh)")
    return path


class Part(ABC):
    """One daemon of a test; use it in a `with` statement."""

    program: ClassVar[str]

    def __init__(self, folder: Path | None = None) -> None:
        """Keep all files under the folder; without one, in a temporary folder that goes with the part."""
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"{self.program}-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def arguments(self) -> list[str]:
        """Write what configuration it needs and return its command line without the program."""

    @abstractmethod
    def ready(self) -> bool:
        """Tell whether it answers by now."""

    @property
    def address(self) -> str:
        """The place to connect to, as HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process number of the running daemon."""
        if self._process is None:
            raise RuntimeError(f"{self.program} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """All that it has said since its first start."""
        path = self.folder / "log.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start it and return when it answers."""
        if self.running:
            raise RuntimeError(f"{self.program} is running already")
        # setpriv lets the kernel end the daemon with its parent, and keeps the process number.
        command = [find_program("setpriv"), "--pdeathsig", "KILL", find_program(self.program)]
        command += self.arguments()
        with (self.folder / "log.txt").open("ab") as log:
            self._process = _starter.submit(
                subprocess.Popen,
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            ).result()
        _alive.add(self)
        try:
            until(self._ready_or_dead, within_s=START_S, what=f"{self.program} to answer")
        except BaseException:
            self.kill()
            raise

    def close(self) -> None:
        """Stop it and remove its temporary folder."""
        self.stop()
        self._remove_folder()

    def stop(self) -> None:
        """Ask it to end, and see that it did."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, nothing flushed."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it on the same port and the same files; a running one is stopped first."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Hold the process: connections stay open and nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ready_or_dead(self) -> bool:
        if not self.running:
            code = self._process.returncode if self._process else None
            raise RuntimeError(f"{self.program} ended with {code} before it answered:\n{self.log[-2000:]}")
        return self.ready()

    def _remove_folder(self) -> None:
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        _alive.discard(self)
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)  # a frozen process takes no SIGTERM
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_all() -> None:
    for part in list(_alive):
        part.kill()
        part.close()


atexit.register(_end_all)
