"""Counts real connections: urllib3 makes a dropped one again in silence, and its own count stays the same."""

import ssl

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from edge_api.config import Upstream
from gateway.feed.tls import client_context


def upstream_context(config: Upstream) -> ssl.SSLContext | None:
    """Make the TLS context of an https upstream; None for http. Raises ConfigError."""
    if not config.url.startswith("https://"):
        return None
    return client_context(config, f"upstream {config.name}: ")


class Connections:
    """How many connections a PoolManager has made since it was handed over here."""

    def __init__(self, pools: PoolManager) -> None:
        self.made = 0
        counter = self

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                counter.made += 1

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                counter.made += 1

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        pools.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
