"""An edge in memory behind a real server on the loopback, and a client that speaks plain HTTP to it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3
import uvicorn

from edge_api.api.app import create_app
from edge_api.ingest.write import WriteLimits
from edge_api.wire import WireProtocol
from tests.edge_api.fake_edge import FakeEdge


class Client:
    def __init__(self, url: str) -> None:
        self.url = url
        self.pool = urllib3.PoolManager(retries=False, timeout=10)

    def get(self, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
        return self.pool.request("GET", self.url + path, **more)

    def post(self, path: str, body: Any, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        return self.pool.request("POST", self.url + path, body=body, headers=headers)


class Switch:
    """One server for all tests: starting and stopping one takes longer than most tests do."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@contextmanager
def serve(app: Any) -> Iterator[Client]:
    config = uvicorn.Config(
        app,
        http=WireProtocol,
        ws="none",
        port=0,
        log_level="critical",
        lifespan="auto",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}")
    try:
        yield client
    finally:
        client.pool.clear()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[Switch, Client]]:
    switch = Switch()
    with serve(switch) as client:
        yield switch, client


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[FakeEdge]:
    edge = FakeEdge(tmp_path)
    yield edge
    edge.history.close()


@pytest.fixture
def client(edge: FakeEdge, server: tuple[Switch, Client]) -> Client:
    switch, client = server
    switch.app = create_app(edge, WriteLimits(sent_bytes=100_000, unpacked_bytes=400_000))
    return client
