"""An edge whose wall clock lies: at 1970 from the start, two days ahead, a year back; it must not care."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from tests.faults.rig import EdgeProgram, NodeProgram, arrived, finish, mqtt_table, v1_upstream
from tests.faults.test_kills import SITE, compare
from tests.parts.http import ask
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.process import MissingPartError
from tests.parts.wait import until

pytestmark = [pytest.mark.parts, pytest.mark.timeout(240)]


def faketime_library() -> str:
    """Return where Debian keeps the library that stands between a program and the C library's clocks."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise MissingPartError(
            "libfaketime is not installed: `make test` installs it (tests/parts/install.sh)"
        )
    return str(found[0])


class EdgeInAnotherTime(EdgeProgram):
    """The real edge, told by a file what wall time it is; its monotonic clock stays true."""

    program: ClassVar[str] = "env"

    def arguments(self) -> list[str]:
        """Return env's arguments: the library, how it is set, then Python as ever."""
        settings = {
            "LD_PRELOAD": faketime_library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "time"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        pairs = [f"{key}={value}" for key, value in settings.items()]
        return [*pairs, EdgeProgram.program, *super().arguments()]

    def last_success(self) -> str:
        """Return when its upstream last took something, as it believes (ISO 8601)."""
        return str(json.loads(ask(self.port, "GET", "/v1/relay").body)["upstreams"][0]["last_success"])

    def believe(self, time: str) -> None:
        """Set its wall clock: an absolute time that goes on from here ("@..."), or an offset ("+2d")."""
        (self.folder / "time").write_text(f"{time}\n")


def goes_through(node: NodeProgram, database: InfluxDB, edge: EdgeInAnotherTime, time: str) -> str:
    """Let readings wait, step the clock while the edge tries again; return when it thinks it got through."""
    database.stop()
    before = len(node.taken())
    until(lambda: len(node.taken()) > before + 20, within_s=60, what="readings to wait")
    edge.believe(time)
    database.start()
    newest = max(node.taken())
    until(
        lambda: newest in set(arrived(database)), within_s=20, what=f"the backlog, with the clock at {time}"
    )
    return edge.last_success()


def test_an_edge_loses_and_doubles_nothing_and_goes_on_at_once_whatever_its_wall_clock_does(
    tmp_path: Path,
) -> None:
    with Mosquitto() as broker, InfluxDB() as database:
        edge = EdgeInAnotherTime(tmp_path / "edge", SITE, extra=mqtt_table(broker) + v1_upstream(database))
        edge.believe("@1970-01-01 00:00:20")  # a Pi without a clock chip that never had the time
        with edge, NodeProgram(tmp_path / "node", broker) as node:
            until(lambda: len(arrived(database)) > 20, within_s=60, what="the first readings")
            believed = [edge.last_success()]
            believed += [goes_through(node, database, edge, time) for time in ("+2d", "-1y")]
            finish(node, lambda: not compare(node, database)[3], within_s=30)
            taken, points, distinct, missing = compare(node, database)
            sent = database.query('SELECT seq FROM "WasteContainer" GROUP BY asset')
    print(f"believed {believed}: taken {taken}, points {points}, distinct {distinct}, missing {len(missing)}")
    assert not missing
    assert points == distinct == taken
    order: dict[str, list[int]] = {}
    for row in sent:  # as the database gives them: by time
        order.setdefault(row["asset"], []).append(row["seq"])
    assert all(numbers == sorted(numbers) for numbers in order.values())
    today = datetime.now(UTC)
    days = [today - timedelta(days=365), today + timedelta(days=2)]
    assert [text[:4] for text in believed] == ["1970", str(days[1].year), str(days[0].year)]
