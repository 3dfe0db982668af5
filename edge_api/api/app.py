"""Puts the HTTP side together: routes, errors in the words of each side, headers that keep a browser safe."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from anyio.to_thread import current_default_thread_limiter
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from edge_api.api.access import reading_only
from edge_api.api.alarms import alarm_routes
from edge_api.api.contract import contract_routes
from edge_api.api.guard import Guard, Throttle, Throttled
from edge_api.api.manage import manage_routes
from edge_api.api.office import report_routes
from edge_api.api.problems import Problem, problem_response
from edge_api.api.province import SCHEMAS as PROVINCE_SCHEMAS
from edge_api.api.province import province_routes
from edge_api.api.read import SCHEMAS, reading_routes, state_routes
from edge_api.api.stream import Streams
from edge_api.api.view import EdgeView
from edge_api.ingest.http import influx_routes
from edge_api.ingest.words import InfluxError
from edge_api.ingest.write import WriteDoor, WriteLimits
from edge_api.limits import Limits
from edge_api.metrics import CONTENT_TYPE, Metrics
from edge_api.web.frame import Frame
from edge_api.web.problem import show_problem
from edge_api.web.routes import page_frame, page_routes
from edge_api.web.settings import DeskSocket, Page

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_THREADS = 4  # that answer questions; each costs about half a megabyte, and a Pi has four cores

# Nothing comes from elsewhere and no script runs but our own file: what a hostile name could do ends here.
_CSP = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_POLICY = b"content-security-policy"
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # so that a form says where it comes from
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]


def create_app(
    edge: EdgeView,
    limits: WriteLimits | None = None,
    callers: Limits | None = None,
    page: Page | None = None,
    desk: DeskSocket | None = None,
) -> FastAPI:
    """Make the edge's HTTP application.

    `app.state.streams.close()` ends the event streams; call it in the event loop before the server stops.
    """
    info = edge.info()
    app = FastAPI(
        title="commune edge",
        version=info.version,
        description="Readings of a commune: taken in as InfluxDB does, kept, passed on, shown.",
        lifespan=_spare_memory,
        docs_url=None,  # FastAPI's own pages load scripts from the Internet, which a commune may not have
        redoc_url=None,
    )
    app.state.edge = edge
    callers = callers or Limits()
    app.state.guard = guard = Guard(callers)
    app.state.streams = streams = Streams(callers.streams)
    edge.history.listen(streams.publish)
    app.include_router(influx_routes(edge))
    app.include_router(reading_routes(edge))
    app.include_router(state_routes(edge, streams))
    app.include_router(manage_routes(edge))
    app.include_router(alarm_routes(edge))
    app.include_router(contract_routes())
    app.include_router(province_routes(edge))
    app.include_router(report_routes(edge))
    frame = page_frame(edge, page, desk)
    app.state.sessions = frame.sessions
    app.include_router(page_routes(frame))
    metrics = Metrics(edge)

    @app.get("/metrics", tags=["state"], dependencies=[Depends(reading_only)])
    def prometheus() -> Response:
        """Say how the edge does, in Prometheus' text format."""
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    _answer_errors(app, frame)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    app.add_middleware(WriteDoor, edge=edge, limits=limits or WriteLimits(), refuse=_throttled)
    app.add_middleware(Throttle, edge=edge, guard=guard, refuse=_throttled)
    app.add_middleware(_SafeHeaders)
    return app


@asynccontextmanager
async def _spare_memory(_app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    yield


def _answer_errors(app: FastAPI, frame: Frame) -> None:
    def refusal(request: Request, status: int, text: str) -> Response:
        return show_problem(frame, request, status, text) or _refusal(request, status, text)

    @app.exception_handler(InfluxError)
    async def influx(_request: Request, error: InfluxError) -> Response:
        return error.response()

    @app.exception_handler(Throttled)
    async def throttled(request: Request, error: Throttled) -> Response:
        return show_problem(frame, request, 429, str(error), error.wait_s) or _throttled(request, error)

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return refusal(request, error.status, error.detail)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        text = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
        return refusal(request, 400, text)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        response = refusal(request, error.status_code, str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the server logs it
        return _refusal(request, 500, "this edge failed to answer; its log says why")


def _throttled(request: Request, error: Throttled) -> Response:
    response = _refusal(request, 429, str(error))
    response.headers["Retry-After"] = str(max(1, math.ceil(error.wait_s)))
    return response


_INFLUX_CODES = {
    400: "invalid",
    404: "not found",
    405: "method not allowed",
    429: "too many requests",
    500: "internal error",
}


def _refusal(request: Request, status: int, text: str) -> Response:
    if request.url.path.startswith("/api/v2/"):
        return InfluxError(status, _INFLUX_CODES.get(status, "invalid"), text).response()
    return problem_response(status, text)


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        _, components = msgspec.json.schema_components(
            (*SCHEMAS, *PROVINCE_SCHEMAS), ref_template="#/components/schemas/{name}"
        )
        schema.setdefault("components", {}).setdefault("schemas", {}).update(components)
        for methods in schema["paths"].values():
            for call in methods.values():
                call["responses"].pop("422", None)  # FastAPI's guess; a wrong parameter is a 400 here
        app.openapi_schema = schema
    return app.openapi_schema


class _SafeHeaders:
    """Adds the safe headers to each answer."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), *_HEADERS]
                if not any(name == _POLICY for name, _ in headers):  # a picture brings a stricter one
                    headers.append((_POLICY, _CSP.encode()))
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, send_safely)
