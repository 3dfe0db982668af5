"""Stands before every route: who calls from where, and whether that is too often."""

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import Headers

from edge_api.api.view import EdgeView
from edge_api.limits import Limiter, Limits
from edge_api.tokens import token_of

__all__ = ["Guard", "Throttle", "Throttled", "address_of", "is_local"]

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

_BURST_S = 10.0  # a page with its pieces, or a client that comes back after an outage, asks a lot at once
_ADDRESSES = 256  # children that call again and again
_PROXIED = frozenset({b"forwarded", b"x-forwarded-for", b"via", b"origin"})


class Throttled(Exception):  # noqa: N818 - reads as the sentence it is
    """The caller asks too often; it may come again in `wait_s` seconds."""

    def __init__(self, reason: str, wait_s: float) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Guard:
    """The limits of one application. `attempts` counts wrong tokens, and logins, by address."""

    def __init__(self, limits: Limits) -> None:
        self.requests = Limiter(limits.requests, limits.requests * _BURST_S)
        self.attempts = Limiter(limits.wrong_tokens / 60.0, limits.wrong_tokens)

    def attempt_failed(self, request: Request) -> None:
        """Count a wrong token or password; raise Throttled when there were too many from this address."""
        wait_s = self.attempts.wait_s(address_of(request.scope))
        if wait_s:
            raise Throttled("too many wrong tokens from this address", wait_s)


def address_of(scope: MutableMapping[str, Any]) -> str:
    """Return the address that a request comes from: a proxy's own: what it says can be false."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def is_local(scope: MutableMapping[str, Any]) -> bool:
    """Whether a program on this machine asks for itself: not a proxy for others, and no browser's page."""
    return _is_loopback(address_of(scope)) and _PROXIED.isdisjoint(name for name, _ in scope["headers"])


@lru_cache(_ADDRESSES)
def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class Throttle:
    """Answers 429 to who asks too often: a token has a bucket of its own, others share their address's."""

    def __init__(
        self, app: Any, edge: EdgeView, guard: Guard, refuse: Callable[[Request, Throttled], Response]
    ) -> None:
        self._app = app
        self._edge = edge
        self._guard = guard
        self._refuse = refuse

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request on, or answer it here."""
        if scope["type"] == "http" and not is_local(scope):
            held = self._edge.holder(token_of(Headers(scope=scope).get("authorization", "")))
            wait_s = self._guard.requests.wait_s(held.name if held else (address_of(scope),))
            if wait_s:
                response = self._refuse(Request(scope), Throttled("too many requests", wait_s))
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
