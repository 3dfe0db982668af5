"""Because an InfluxDB 2 has many ways to say no: each answer that a relay must survive, as a value."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto


class Way(Enum):
    """How an answer travels."""

    WHOLE = auto()  # at once and complete
    SLOWLY = auto()  # byte by byte over `seconds`
    SILENT = auto()  # the request is read, the answer waits for release()
    CUT = auto()  # the connection breaks in the middle of the answer's first line
    CUT_REQUEST = auto()  # the connection breaks while the request is still being sent


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and whether the lines are kept before it is given."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stores: bool = False
    way: Way = Way.WHOLE
    seconds: float = 0.0


def problem(
    status: int, code: str, message: str, *, stores: bool = False, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an error as InfluxDB 2 words it."""
    body = json.dumps({"code": code, "message": message}, separators=(",", ":")).encode()
    extra = {"X-Platform-Error-Code": code, **(headers or {})}
    return Answer(status, body, extra, stores=stores)


STORED = Answer(204, stores=True)
UNAUTHORIZED = problem(401, "unauthorized", "unauthorized access")
FORBIDDEN = problem(403, "forbidden", "insufficient permissions for write")
NOT_FOUND = problem(404, "not found", 'bucket "commune" not found')
UNPROCESSABLE = problem(
    422, "unprocessable entity", "failure writing points to database: points beyond retention"
)
TOO_LARGE = problem(413, "request too large", "unable to read data: points batch is too large")
INTERNAL = problem(500, "internal error", "unexpected error writing points to database: timeout")


def malformed(line: str, reason: str = "invalid number") -> Answer:
    """Return InfluxDB 2's answer to a line it cannot read: nothing of the request is kept."""
    return problem(400, "invalid", f"unable to parse '{line}': {reason}")


def conflict(dropped: int = 1, name: str = "v") -> Answer:
    """Return InfluxDB 2's answer to a wrong field type: 422, the other lines are kept, none is named."""
    return problem(
        422,
        "unprocessable entity",
        f'failure writing points to database: partial write: field type conflict: input field "{name}" on '
        f'measurement "m" is type string, already exists as type float dropped={dropped}',
        stores=True,
    )


def partial(bad: Mapping[int, str], reason: str = "invalid number") -> Answer:
    """Return InfluxDB 3's answer: 400, the bad lines are named by number and text, the others are kept."""
    data = [{"original_line": text, "line_number": n, "error_message": reason} for n, text in bad.items()]
    body = json.dumps({"error": "partial write of line protocol occurred", "data": data}).encode()
    return Answer(400, body, stores=True)


def too_many(retry_after_s: int | None = None) -> Answer:
    """Return 429, as a full or busy parent gives it."""
    return problem(429, "too many requests", "write limit reached", headers=_after(retry_after_s))


def unavailable(retry_after_s: int | None = None) -> Answer:
    """Return 503, as a starting or overloaded server gives it."""
    return problem(503, "unavailable", "the server is overloaded", headers=_after(retry_after_s))


def silence(then: Answer = STORED) -> Answer:
    """Read the request and say nothing until release(); then give the other answer."""
    return replace(then, way=Way.SILENT)


def slowly(seconds: float, answer: Answer = STORED) -> Answer:
    """Give the answer byte by byte over this time."""
    return replace(answer, way=Way.SLOWLY, seconds=seconds)


def cut(*, stored: bool = False) -> Answer:
    """Break the connection in the middle of the answer; stored or not, the client cannot know."""
    return Answer(204, stores=stored, way=Way.CUT)


def cut_request() -> Answer:
    """Break the connection after half of the request's body."""
    return Answer(204, way=Way.CUT_REQUEST)


def _after(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}
