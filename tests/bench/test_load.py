"""Because the loads by MQTT and by HTTP must be the same readings, or their costs cannot be compared."""

import pytest

from bench.load import line, message
from edge_api.ingest.mqtt import arrival
from gateway.feed import Topic


@pytest.mark.parametrize(("assets", "communes", "run"), [(300, 1, 1), (300, 69, 1), (1, 1, 1), (300, 1, 20)])
def test_a_ready_line_is_what_an_edge_makes_of_the_message(assets: int, communes: int, run: int) -> None:
    for n in range(0, 40_000, 37):
        topic, body = message(n, assets=assets, communes=communes, run=run)
        made = arrival(Topic.parse(topic), body, lambda: None).line
        assert line(n, assets=assets, communes=communes, run=run) == made
