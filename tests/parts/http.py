"""Because the databases all speak HTTP: one request, one answer, every status welcome."""

import gzip
import http.client
from dataclasses import dataclass
from urllib.parse import urlencode

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def ask(
    port: int,
    method: str,
    path: str,
    params: dict[str, str] | None = None,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Answer:
    """Send one request to this machine and return the answer, whatever its status."""
    target = f"{path}?{urlencode(params)}" if params else path
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(method, target, body=body or None, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def answers(port: int, path: str, status: int) -> bool:
    """Tell whether a GET of the path gives this status by now."""
    try:
        return ask(port, "GET", path).status == status
    except (OSError, http.client.HTTPException):
        return False


def as_body(lines: str | bytes, *, zipped: bool) -> tuple[bytes, dict[str, str]]:
    """Return the bytes and headers of a write; bytes go out untouched (ready-made gzip members, say)."""
    if isinstance(lines, bytes):
        return lines, {"Content-Encoding": "gzip"} if zipped else {}
    return (gzip.compress(lines.encode()), {"Content-Encoding": "gzip"}) if zipped else (lines.encode(), {})
