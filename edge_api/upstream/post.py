"""One address that ready-made bodies are posted to: the part that both dialects of InfluxDB share.

By urllib3 itself: InfluxDB's own client posts the same bytes by it, and costs a second of start-up and 13 MB.
"""

from collections.abc import Mapping

import urllib3
from urllib3.exceptions import HTTPError

from edge_api.config import Upstream
from edge_api.upstream.answers import of_answer, of_failure
from edge_api.upstream.connections import Connections, upstream_context

_CONNECT_MOST_S = 10.0
_GZIP = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}


class Post:
    """Posts gzipped line protocol to `path` of an upstream over connections that are kept open."""

    def __init__(self, config: Upstream, path: str, headers: Mapping[str, str]) -> None:
        self._at = config.url
        self._url = config.url.rstrip("/") + path
        self._headers = {**_GZIP, **headers}
        read_s = float(config.timeout)
        self._pools = urllib3.PoolManager(
            retries=False,
            timeout=urllib3.Timeout(connect=min(read_s, _CONNECT_MOST_S), read=read_s),
            ssl_context=upstream_context(config),
        )
        self._connections = Connections(self._pools)

    def send(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Post one body; raise UpstreamError unless it is confirmed."""
        all_of_them = {**self._headers, **headers} if headers else self._headers
        try:
            answer = self._pools.request("POST", self._url, body=body, headers=all_of_them)
        except (HTTPError, OSError) as error:
            raise of_failure(self._at, error) from error
        if answer.status != 204:
            raise of_answer(answer.status, dict(answer.headers), answer.data)

    def connections(self) -> int:
        """Return how many connections have been made so far."""
        return self._connections.made

    def close(self) -> None:
        """Close the connections."""
        self._pools.clear()
