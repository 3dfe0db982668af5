"""Logging in and out: a name, a password, few attempts."""

import asyncio

from fastapi import APIRouter, Request, Response

from edge_api.api.guard import Guard, Throttled, address_of
from edge_api.web.actions import Action
from edge_api.web.forms import posted, read_form
from edge_api.web.frame import Frame
from edge_api.web.sessions import COOKIE
from sensors.errors import ConfigError


def _(text: str) -> str:
    return text


def login_routes(frame: Frame) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    accounts = frame.accounts

    @router.get("/login")
    def form(request: Request) -> Response:
        look = frame.look(request)
        return frame.show(
            look, "login.html", wrong="", next=_own(request.query_params.get("next", "/")), any=accounts.any
        )

    @router.post("/login")
    async def login(request: Request) -> Response:
        fields = await read_form(request)
        look = frame.look(request)
        to = _own(fields.get("next", "/"))
        guard: Guard = request.app.state.guard
        wait_s = guard.attempts.blocked_s(address_of(request.scope))
        if wait_s:
            raise Throttled("too many wrong passwords from this address", wait_s)
        name = fields.get("name", "")[:100]
        try:
            role = await asyncio.to_thread(accounts.role, name, fields.get("password", ""))
        except ConfigError as error:
            return frame.show(look, "login.html", status=503, wrong=str(error), next=to, any=True)
        if role is None:
            guard.attempt_failed(request)
            wrong = look.say(_("Name or password is not right."))
            return frame.show(look, "login.html", status=403, wrong=wrong, next=to, any=accounts.any)
        try:
            frame.actions.note(Action(frame.edge.now_ns(), name, "login"))
        except OSError as error:
            wrong = look.say(_("The disk does not take it: {error}")).format(error=error)
            return frame.show(look, "login.html", status=503, wrong=wrong, next=to, any=True)
        response = Response(status_code=303, headers={"Location": to})
        frame.sessions.give(response, request, frame.sessions.begin(name, role))
        return response

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        await posted(request, frame.look(request))
        frame.sessions.end(request)
        response = Response(status_code=303, headers={"Location": "/"})
        response.delete_cookie(COOKIE)
        return response

    return router


def _own(path: str) -> str:
    """Return an address of this page only: nobody is led elsewhere after a login."""
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if own and "\\" not in path else "/"
