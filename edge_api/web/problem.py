"""An error as a person reads it: what it is, what to do, and the words for a program as a detail."""

import math

from fastapi import Request, Response

from edge_api.web import words
from edge_api.web.frame import Frame

__all__ = ["show_problem"]

_FOR_PROGRAMS = ("/api/", "/v1/", "/feed/", "/metrics", "/health", "/ping")
_LOGIN_OF_PROGRAMS = 401
_FOUND = 400  # what is below is no error: somebody is led elsewhere


def show_problem(
    frame: Frame, request: Request, status: int, detail: str, wait_s: float = 0.0
) -> Response | None:
    """Return an error as a page; None when a program asked, which wants problem+json."""
    asks = "text/html" in request.headers.get("accept", "")
    if not asks or status in {_LOGIN_OF_PROGRAMS, 500} or status < _FOUND:
        return None
    if request.url.path.startswith(_FOR_PROGRAMS):
        return None
    look = frame.look(request)
    what, todo = words.PROBLEMS.get(status, words.PROBLEMS[400])
    response = frame.show(
        look,
        "problem.html",
        status=status,
        view="",
        what=look.say(what),
        todo=look.say(todo).format(n=max(1, math.ceil(wait_s))),
        detail=detail,
    )
    if wait_s:
        response.headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
    return response
