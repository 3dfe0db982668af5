"""Upstreams: what a relay writes to, and what their answers mean. `make_sink` picks the dialect."""

from edge_api.config import Upstream
from edge_api.upstream.answers import Action, UpstreamError
from edge_api.upstream.sink import Sink

__all__ = ["Action", "Sink", "UpstreamError", "make_sink"]


def make_sink(config: Upstream) -> Sink:
    """Make the sink of a configured upstream; raise ConfigError when its secret cannot be read."""
    if config.api == "v1":
        from edge_api.upstream.influx_v1 import InfluxV1  # noqa: PLC0415 - each edge needs one dialect

        return InfluxV1(config)
    from edge_api.upstream.influx_v2 import InfluxV2  # noqa: PLC0415

    return InfluxV2(config)
