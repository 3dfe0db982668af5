"""Who is logged in: sessions in memory by the hash of their cookie; a restart ends them all."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from fastapi import Request, Response

from edge_api.web.accounts import Role

__all__ = ["COOKIE", "Session", "Sessions"]

COOKIE = "commune-session"
_MOST = 200  # sessions at once; past it the oldest end


@dataclass(frozen=True, slots=True)
class Session:
    """One login. `csrf` stands in every form that this session is shown; `until_s` is monotonic."""

    name: str
    role: Role
    csrf: str
    until_s: float

    def may(self, csrf: str) -> bool:
        """Whether a form carries this session's own word."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogateescape"))


class Sessions:
    """May be used from any thread. The wall clock plays no part: a Pi's may jump by years."""

    def __init__(self, last_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._last_s = last_s
        self._monotonic = monotonic
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, role: Role) -> str:
        """Begin a session and return the word for its cookie."""
        word = secrets.token_urlsafe(32)
        now = self._monotonic()
        with self._lock:
            self._sessions = {key: each for key, each in self._sessions.items() if each.until_s > now}
            while len(self._sessions) >= _MOST:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_key(word)] = Session(name, role, secrets.token_urlsafe(24), now + self._last_s)
        return word

    def of(self, request: Request) -> Session | None:
        """Return the session of a request; None when it has none that still holds."""
        word = request.cookies.get(COOKIE, "")
        if not word:
            return None
        with self._lock:
            found = self._sessions.get(_key(word))
        return found if found is not None and found.until_s > self._monotonic() else None

    def end(self, request: Request) -> None:
        """End the session of a request."""
        with self._lock:
            self._sessions.pop(_key(request.cookies.get(COOKIE, "")), None)

    def give(self, response: Response, request: Request, word: str) -> None:
        """Put a session's cookie on an answer."""
        response.set_cookie(
            COOKIE,
            word,
            max_age=int(self._last_s),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


def _key(word: str) -> str:
    return sha256(word.encode("utf-8", "surrogateescape")).hexdigest()
