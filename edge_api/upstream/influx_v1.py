"""The v1 dialect: InfluxDB 1.x, whose write path is /write?db= and which knows no tokens."""

from base64 import b64encode
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from edge_api.config import Upstream
from edge_api.upstream.answers import of_answer, of_failure
from edge_api.upstream.connections import Connections, upstream_context


class InfluxV1:
    """Writes ready-made gzip bodies; `bucket` is the database."""

    def __init__(self, config: Upstream) -> None:
        self._config = config
        self._url = config.url.rstrip("/") + "/write?" + urlencode({"db": config.bucket, "precision": "ns"})
        self._headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        if config.username is not None:
            login = b64encode(f"{config.username}:{config.secret()}".encode()).decode()
            self._headers["Authorization"] = f"Basic {login}"
        timeout = urllib3.Timeout(connect=min(float(config.timeout), 10.0), read=float(config.timeout))
        self._pools = urllib3.PoolManager(
            retries=False, timeout=timeout, ssl_context=upstream_context(config)
        )
        self._connections = Connections(self._pools)

    def write(self, body: bytes, lane: str = "live") -> None:  # noqa: ARG002 - a database knows no lanes
        """Post one body; raise UpstreamError unless it is confirmed."""
        try:
            answer = self._pools.request("POST", self._url, body=body, headers=self._headers)
        except (HTTPError, OSError) as error:
            raise of_failure(self._config.url, error) from error
        if answer.status != 204:
            raise of_answer(answer.status, dict(answer.headers), answer.data)

    def connections(self) -> int:
        """Return how many connections have been made so far."""
        return self._connections.made

    def close(self) -> None:
        """Close the connections."""
        self._pools.clear()
