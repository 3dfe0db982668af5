"""Because Debian has no InfluxDB 2: a loopback server that answers as one does, well or badly.

`script()` fixes the answers of the next writes one by one, `always()` those of all writes after them,
`poison()` refuses lines by their content and `size_limit` requests by their size. What was accepted is in
`lines`, in order of arrival; every request, accepted or not, is in `requests`.
"""

import gzip
import re
import threading
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Self

from tests.parts import influx2_answers as answers
from tests.parts.influx2_answers import Answer
from tests.parts.influx2_http import Server
from tests.parts.ports import free_port

_SERIES = re.compile(r"(?:\\.|[^\\ ])+")


class Refusal(Enum):
    """How poisoned lines are refused."""

    MALFORMED = auto()  # InfluxDB 2: 400 names one line, nothing of the request is kept
    CONFLICT = auto()  # InfluxDB 2: 422 names no line, only how many were dropped
    PARTIAL = auto()  # InfluxDB 3: 400 lists the lines, the others are kept


@dataclass(frozen=True, slots=True)
class Request:
    """One write as it came in, and the status it got (or would have got, where the connection was cut)."""

    params: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes
    lines: tuple[str, ...]
    status: int


class Influx2:
    """An InfluxDB 2 that does what the test says; use it in a `with` statement."""

    def __init__(self, *, token: str = "", size_limit: int = 0) -> None:
        """Accept any token and size, unless one is given (bytes of the body as sent)."""
        self.port = free_port()
        self.token = token
        self.size_limit = size_limit
        self.lines: list[str] = []
        self.requests: list[Request] = []
        self._script: deque[Answer] = deque()
        self._always: Answer | None = None
        self._poisons: dict[str, Refusal] = {}
        self._lock = threading.Lock()
        self._server: Server | None = None

    # what a test says

    def script(self, *next_answers: Answer) -> None:
        """Give these answers to the next writes, one each, before anything else is looked at."""
        with self._lock:
            self._script.extend(next_answers)

    def always(self, answer: Answer | None) -> None:
        """Give this answer to every write when the script is through; None: answer as a healthy server."""
        self._always = answer

    def poison(self, text: str, how: Refusal = Refusal.MALFORMED) -> None:
        """Refuse every line that holds this text, until cure()."""
        self._poisons[text] = how

    def cure(self) -> None:
        """Refuse no line any more."""
        self._poisons.clear()

    def release(self) -> int:
        """Let the answers go that are held back by now; return how many there were."""
        return self._server.release() if self._server else 0

    # what a test asks

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def points(self) -> dict[tuple[str, str], str]:
        """What a database would hold: the last fields of each (series, timestamp)."""
        held: dict[tuple[str, str], str] = {}
        for line in list(self.lines):
            series = _SERIES.match(line)
            name = series.group() if series else ""
            fields, _, timestamp = line[len(name) + 1 :].rpartition(" ")
            held[name, timestamp] = fields
        return held

    @property
    def repeats(self) -> int:
        """How many accepted lines had been accepted before."""
        return len(self.lines) - len(self.points)

    @property
    def held(self) -> int:
        """How many answers are held back now."""
        return self._server.held if self._server else 0

    # life

    def start(self) -> None:
        """Listen; the port stays the same for the whole life of the object."""
        self._server = Server(self)

    def kill(self) -> None:
        """Break every connection and stop listening; what was accepted stays in `lines`."""
        server, self._server = self._server, None
        if server is not None:
            server.end()

    stop = kill

    def restart(self) -> None:
        """Listen again on the same port."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # what the handler asks

    def next_scripted(self) -> Answer | None:
        """Take the next answer that does not depend on the body."""
        with self._lock:
            return self._script.popleft() if self._script else self._always

    def judge(self, headers: dict[str, str], body: bytes) -> tuple[Answer, tuple[str, ...], tuple[str, ...]]:
        """Return a healthy server's answer, the lines of the body, and those of them to keep."""
        if self.token and headers.get("authorization") != f"Token {self.token}":
            return answers.UNAUTHORIZED, (), ()
        if self.size_limit and len(body) > self.size_limit:
            return answers.TOO_LARGE, (), ()
        try:
            lines = decode(headers, body)
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            return answers.problem(400, "invalid", f"unable to read data: {error}"), (), ()
        return self._look(lines)

    def keep(self, lines: Sequence[str]) -> None:
        """Accept the lines."""
        with self._lock:
            self.lines.extend(lines)

    def note(
        self,
        params: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        lines: tuple[str, ...],
        status: int,
    ) -> None:
        """Remember a request, before it is answered."""
        with self._lock:
            self.requests.append(Request(params, headers, body, lines, status))

    def _look(self, lines: tuple[str, ...]) -> tuple[Answer, tuple[str, ...], tuple[str, ...]]:
        bad = {
            number: (line, how)
            for number, line in enumerate(lines, 1)
            for text, how in self._poisons.items()
            if text in line
        }
        if not bad:
            return answers.STORED, lines, lines
        good = tuple(line for number, line in enumerate(lines, 1) if number not in bad)
        line, how = next(iter(bad.values()))
        if how is Refusal.MALFORMED:
            return answers.malformed(line), lines, ()
        if how is Refusal.CONFLICT:
            return answers.conflict(len(bad)), lines, good
        return answers.partial({number: line for number, (line, _) in bad.items()}), lines, good


def decode(headers: dict[str, str], body: bytes) -> tuple[str, ...]:
    """Return the lines of a write; gzip members may be joined."""
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return tuple(line for line in body.decode().split("\n") if line and not line.startswith("#"))
