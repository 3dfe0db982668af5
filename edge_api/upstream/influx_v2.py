"""The v2 dialect: InfluxDB 2 and 3, InfluxDB 1.8, VictoriaMetrics, or another edge."""

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from edge_api.api.view import LANE_HEADER
from edge_api.config import Upstream
from edge_api.upstream.answers import Action, UpstreamError, of_answer, of_failure
from edge_api.upstream.connections import Connections, upstream_context
from edge_api.upstream.trouble import of_exception


class InfluxV2:
    """Writes ready-made gzip bodies through influxdb-client, which sends them untouched."""

    def __init__(self, config: Upstream) -> None:
        self._config = config
        self._client = InfluxDBClient(
            url=config.url.rstrip("/"),
            token=config.secret(),
            org=config.org,
            timeout=int(float(config.timeout) * 1000),
            ssl_context=upstream_context(config),
        )
        self._write = WriteService(self._client.api_client)
        self._connections = Connections(self._client.api_client.rest_client.pool_manager)

    def write(self, body: bytes, lane: str = "live") -> None:
        """Post one body; raise UpstreamError unless it is confirmed."""
        self._client.api_client.set_default_header(LANE_HEADER, lane)
        try:
            _, status, headers = self._write.post_write_with_http_info(
                self._config.org,
                self._config.bucket,
                body,
                precision="ns",
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            if error.status:
                raise of_answer(error.status, dict(error.headers or {}), error.body) from error
            raise UpstreamError(Action.RETRY, str(error.reason), trouble=of_exception(error)) from error
        except UnicodeDecodeError as error:  # the client reads each answer as UTF-8
            raise UpstreamError(
                Action.RETRY, f"{self._config.url}: an answer in no UTF-8", trouble="not-a-database"
            ) from error
        except (HTTPError, OSError) as error:
            raise of_failure(self._config.url, error) from error
        if status != 204:
            raise of_answer(status, dict(headers), None)

    def connections(self) -> int:
        """Return how many connections have been made so far."""
        return self._connections.made

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
