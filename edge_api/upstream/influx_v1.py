"""The v1 dialect: InfluxDB 1.x, whose write path is /write?db= and which knows no tokens."""

from base64 import b64encode
from urllib.parse import urlencode

from edge_api.config import Upstream
from edge_api.upstream.post import Post


class InfluxV1(Post):
    """Writes ready-made gzip bodies; `bucket` is the database."""

    def __init__(self, config: Upstream) -> None:
        headers = {}
        if config.username is not None:
            login = b64encode(f"{config.username}:{config.secret()}".encode()).decode()
            headers["Authorization"] = f"Basic {login}"
        super().__init__(config, "/write?" + urlencode({"db": config.bucket, "precision": "ns"}), headers)

    def write(self, body: bytes, lane: str = "live") -> None:  # noqa: ARG002 - a database knows no lanes
        """Post one body; raise UpstreamError unless it is confirmed."""
        self.send(body)
