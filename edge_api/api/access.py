"""Whether a request's token opens what it asks for; wrong ones are counted, so that nobody tries them all."""

from fastapi import Request

from edge_api.api.guard import Guard, is_local
from edge_api.api.problems import Problem
from edge_api.api.view import EdgeView
from edge_api.tokens import Scope, token_of

__all__ = ["granted", "reading_only", "token_of"]


def granted(request: Request, edge: EdgeView, scope: Scope) -> bool:
    """Return whether the request may; no token counts as the empty one. Raises Throttled.

    Who is logged in at the page may read.
    """
    if scope == "read" and request.app.state.sessions.of(request) is not None:
        return True  # reading only: what changes something wants a form's own word beside the cookie
    token = token_of(request.headers.get("authorization", ""))
    if edge.token_ok(token, scope, local=is_local(request.scope)):
        return True
    if token:
        guard: Guard = request.app.state.guard
        guard.attempt_failed(request)
    return False


def reading_only(request: Request) -> None:
    """Let a request through that may read; a router's dependency."""
    if not granted(request, request.app.state.edge, "read"):
        raise Problem(401, "A token that may read is needed")
