"""The v2 dialect: InfluxDB 2 and 3, InfluxDB 1.8, VictoriaMetrics, or another edge."""

from urllib.parse import urlencode

from edge_api.api.view import LANE_HEADER
from edge_api.config import Upstream
from edge_api.upstream.post import Post


class InfluxV2(Post):
    """Writes ready-made gzip bodies by InfluxDB's write API."""

    def __init__(self, config: Upstream) -> None:
        secret = config.secret()
        place = {"org": config.org, "bucket": config.bucket, "precision": "ns"}
        headers = {"Authorization": f"Token {secret}"} if secret else {}
        super().__init__(config, "/api/v2/write?" + urlencode(place), headers)

    def write(self, body: bytes, lane: str = "live") -> None:
        """Post one body; raise UpstreamError unless it is confirmed."""
        self.send(body, {LANE_HEADER: lane})
