"""Because a browser, a commune and a province take seconds to start: one of each for all who look.

They end with this room's tests: a browser holds the thread's event loop, and an edge has threads by name.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from simulators.bench import Bench
from tests.browser.stage import ABOVE, Stage, stage, upstream
from tests.browser.workbench import workbench
from tests.parts.influx2 import Influx2


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as drive:
        one = drive.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield one
        one.close()


@pytest.fixture(scope="package")
def bench_and_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, Path]]:
    with workbench(tmp_path_factory.mktemp("bench")) as lent:
        yield lent


@pytest.fixture(scope="package")
def upper() -> Iterator[Influx2]:
    with Influx2() as database:
        yield database


@pytest.fixture(scope="package")
def at(
    tmp_path_factory: pytest.TempPathFactory, bench_and_desk: tuple[Bench, Path], upper: Influx2
) -> Iterator[Stage]:
    """The commune, with a node's desk beside it and a database above it."""
    desk = bench_and_desk[1]
    with stage(
        tmp_path_factory.mktemp("edge"),
        upstreams=[upstream(upper.url, backlog_rate=60_000, max_bytes=40_000)],
        desk=desk,
    ) as made:
        made.live_through(6.0)
        yield made


@pytest.fixture(scope="package")
def above(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The province, which has heard of some communes."""
    with stage(tmp_path_factory.mktemp("province"), site=ABOVE) as made:
        made.hear_of_neighbours()
        yield made
