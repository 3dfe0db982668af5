"""Finds the token in a request: as InfluxDB's clients send it, as a bearer, or from a password box."""

import base64
import binascii

from fastapi import Request

from edge_api.api.problems import Problem
from edge_api.api.view import EdgeView, Scope


def granted(request: Request, edge: EdgeView, scope: Scope) -> bool:
    """Return whether the request's token opens this scope; no token counts as the empty one."""
    return edge.token_ok(token_of(request.headers.get("authorization", "")), scope)


def token_of(header: str) -> str:
    """Return the token in an Authorization header (Token, Bearer, or Basic's password), or ''."""
    scheme, _, word = header.strip().partition(" ")
    word = word.strip()
    if scheme.lower() in {"token", "bearer"}:
        return word
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(word, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def reading_only(request: Request) -> None:
    """Let a request through that may read; a router's dependency."""
    if not granted(request, request.app.state.edge, "read"):
        raise Problem(401, "A token that may read is needed")
