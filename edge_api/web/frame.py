"""What every view stands in: its language, who looks at it, the navigation, and the template around it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import HTTPException, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from edge_api.api.access import granted
from edge_api.api.problems import Problem
from edge_api.api.view import EdgeView
from edge_api.history import AssetNow
from edge_api.web.accounts import Accounts
from edge_api.web.actions import Action, Actions
from edge_api.web.figures import local_time
from edge_api.web.sessions import Session, Sessions
from sensors.text import Translate, language, translator

__all__ = ["HTML", "Frame", "Look"]

HTML = "text/html; charset=utf-8"
_REFRESH_S = 30  # without JavaScript
_A_YEAR_S = 365 * 86_400
_LANG = "lang"


@dataclass(frozen=True, slots=True)
class Look:
    """One request as a view needs it: in which language, and who looks."""

    request: Request
    lang: str
    say: Translate
    session: Session | None = None

    @property
    def admin(self) -> bool:
        """Whether who looks may change something."""
        return self.session is not None and self.session.role == "admin"

    def here(self, **changed: str | None) -> str:
        """Return this address with other parameters; None takes one away."""
        query = dict(self.request.query_params)
        for key, value in changed.items():
            query.pop(key, None)
            if value is not None:
                query[key] = value
        path = quote(self.request.url.path)
        return f"{path}?{urlencode(query)}" if query else path


@dataclass(slots=True)
class Frame:
    """Shows views of one edge."""

    edge: EdgeView
    sessions: Sessions
    actions: Actions
    accounts: Accounts
    desk: Path | None = None

    def look(self, request: Request) -> Look:
        """Say who looks, without asking whether they may."""
        wanted = request.query_params.get(_LANG) or request.cookies.get(_LANG)
        code = language(wanted)
        return Look(request, code, translator(code), self.sessions.of(request))

    def reader(self, request: Request) -> Look:
        """Let one through that may read; send others to the login. A view's dependency."""
        look = self.look(request)
        if look.session is None and not granted(request, self.edge, "read"):
            raise HTTPException(303, headers={"Location": _login(request)})
        return look

    def admin(self, request: Request) -> Look:
        """Let one through that may change something; send others to the login. A view's dependency."""
        look = self.look(request)
        if not look.admin:
            raise HTTPException(303, headers={"Location": _login(request)})
        return look

    def asset(self, key: str) -> AssetNow:
        """Return the asset that an address names; raise Problem when none is known."""
        found = self.edge.history.asset(key) if key.count("/") == 3 else None
        if found is None:
            raise Problem(404, f"no asset {key!r} has been heard of")
        return found

    def note(self, look: Look, what: str, on: str = "") -> None:
        """Write down that who looks did something."""
        who = look.session.name if look.session else ""
        self.actions.note(Action(self.edge.now_ns(), who, what, on[:300]))

    def show(self, look: Look, template: str, *, status: int = 200, live: str = "", **facts: Any) -> Response:
        """Return a view. `live` says which events of the stream concern it: cards, alarms, or "" for none."""
        info = self.edge.info()
        facts = {
            "lang": look.lang,
            "_": look.say,
            "look": look,
            "site": info.name or f"{info.level} {info.province}/{info.commune}",
            "level": info.level,
            "problem": info.problem or "",
            "now": local_time(self.edge.now_ns()),
            "open_alarms": len(self.edge.alarms.open_alarms()),
            "live": live,
            "poll": 0,
            "refresh": _REFRESH_S if look.request.query_params.get("refresh") != "0" else 0,
            "csrf": look.session.csrf if look.session else "",
        } | facts
        html = templates().get_template(template).render(facts)
        response = Response(html, status, headers={"Cache-Control": "no-store"}, media_type=HTML)
        if look.request.query_params.get(_LANG):
            response.set_cookie(
                _LANG,
                look.lang,
                max_age=_A_YEAR_S,
                httponly=True,
                samesite="lax",
                secure=look.request.url.scheme == "https",
            )
        return response


def _login(request: Request) -> str:
    path = request.url.path if request.method == "GET" else "/"
    query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
    return f"/login?next={quote(path + query, safe='')}"


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the environment of all templates; what is not escaped is escaped here."""
    return Environment(
        loader=PackageLoader("edge_api.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
