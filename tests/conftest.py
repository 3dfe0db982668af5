"""Because every test gets a fresh broker or database, and none is skipped for want of one."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.contract import what_we_say_keeps_to_the_contract
from tests.parts.influx2 import Influx2
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.victoria import VictoriaMetrics

__all__ = ["what_we_say_keeps_to_the_contract"]

# No test asserts times; and CI judges the change, not the luck of a new example.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    """Lend a broker that keeps nothing; a test with other wishes makes its own."""
    with Mosquitto() as part:
        yield part


@pytest.fixture
def influxdb() -> Iterator[InfluxDB]:
    """Lend an InfluxDB 1.x with an empty database."""
    with InfluxDB() as part:
        yield part


@pytest.fixture
def victoria() -> Iterator[VictoriaMetrics]:
    """Lend an empty VictoriaMetrics."""
    with VictoriaMetrics() as part:
        yield part


@pytest.fixture
def influx2() -> Iterator[Influx2]:
    """Lend a server that speaks InfluxDB 2 and does what the test says."""
    with Influx2() as part:
        yield part
