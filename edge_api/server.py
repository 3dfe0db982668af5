"""Serves an edge's HTTP side in a thread of its own, on a socket bound before anything else began."""

import asyncio
import logging
import socket
import ssl
import threading
from typing import cast

import uvicorn

from edge_api.api.app import create_app
from edge_api.api.view import EdgeView
from edge_api.config import Http
from edge_api.limits import Limits
from edge_api.web.settings import DeskSocket, Page
from edge_api.wire import WireProtocol
from gateway.feed.tls import show_certificate
from sensors.errors import ConfigError

log = logging.getLogger(__name__)

_GRACE_S = 3
_MOST_CONNECTIONS = 500  # a process may open 1,024 files; past it the answer is 503


class HttpServer:
    """One uvicorn server."""

    def __init__(self, host: str, port: int, tls: Http | None = None) -> None:
        """Bind; raise ConfigError that says what to do when the port or the certificate cannot be had."""
        self._tls = None if tls is None else _server_context(tls)
        try:
            self._socket = socket.create_server((host, port), backlog=512)
        except OSError as error:
            raise ConfigError(
                f"[http] port: {host}:{port} cannot be listened on: {error.strerror};"
                " stop the other program, or choose another port"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        self._ending: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def _context(self, _config: uvicorn.Config, _default: object) -> ssl.SSLContext:
        return cast("ssl.SSLContext", self._tls)

    def start(
        self,
        edge: EdgeView,
        callers: Limits | None = None,
        page: Page | None = None,
        desk: DeskSocket | None = None,
    ) -> None:
        """Serve an edge; returns once requests are answered."""
        app = create_app(edge, callers=callers, page=page, desk=desk)
        config = uvicorn.Config(
            app,
            http=WireProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_GRACE_S,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            ssl_context_factory=None if self._tls is None else self._context,
        )
        server = uvicorn.Server(config)
        started = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._ending = asyncio.Event()
            serving = asyncio.create_task(server.serve(sockets=[self._socket]))
            started.set()  # the socket listens already: requests wait until they are answered
            await self._ending.wait()
            app.state.streams.close()
            server.should_exit = True
            await serving

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), name="http", daemon=True)
        self._thread.start()
        started.wait()

    def alive(self, limit_s: float = 5.0) -> bool:
        """Whether its loop still turns."""
        if self._loop is None or self._thread is None or not self._thread.is_alive():
            return False
        turned = threading.Event()
        self._loop.call_soon_threadsafe(turned.set)
        return turned.wait(limit_s)

    def stop(self) -> None:
        """Answer what is being answered, then stop."""
        if self._loop is not None and self._ending is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(_GRACE_S + 2)
        self._socket.close()


def _server_context(http: Http) -> ssl.SSLContext | None:
    """Make the TLS context of the server: TLS 1.2 or newer; None without a certificate."""
    if http.cert_file is None or http.key_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    show_certificate(context, http.cert_file, http.key_file, "[http] ")
    return context
