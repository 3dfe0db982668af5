"""Because a province grows by adding edges: any of them may take any batch, and one may die under load."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from tests.faults.rig import EdgeProgram
from tests.faults.test_fleet_load import PROVINCE, FleetProgram, rows
from tests.parts.http import answers
from tests.parts.process import Part
from tests.parts.victoria import VictoriaMetrics
from tests.parts.wait import until


class HAProxy(Part):
    """A balancer before some edges: each request to the next of those that answer /ping."""

    program: ClassVar[str] = "haproxy"

    def __init__(self, edges: Sequence[EdgeProgram]) -> None:
        super().__init__()
        self._edges = edges

    def arguments(self) -> list[str]:
        servers = "".join(
            f"    server edge-{number} {each.address} check inter 500ms fall 2 rise 2\n"
            for number, each in enumerate(self._edges)
        )
        (self.folder / "haproxy.cfg").write_text(
            "defaults\n    mode http\n    timeout connect 2s\n    timeout client 60s\n"
            "    timeout server 60s\n    retries 2\n    option redispatch\n"
            f"listen province\n    bind 127.0.0.1:{self.port}\n    balance roundrobin\n"
            f"    option httpchk GET /ping\n    http-check expect status 204\n{servers}"
        )
        return ["-db", "-f", str(self.folder / "haproxy.cfg")]

    def ready(self) -> bool:
        return answers(self.port, "/ping", 204)


@pytest.mark.lab
@pytest.mark.timeout(600)
def test_one_of_three_edges_is_killed_under_load_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(VictoriaMetrics())
        upstream = f'[[upstream]]\nname = "store"\nurl = "http://{database.address}"\n'
        edges = [
            stack.enter_context(EdgeProgram(tmp_path / f"edge-{number}", PROVINCE, extra=upstream))
            for number in range(3)
        ]
        balancer = stack.enter_context(HAProxy(edges))
        where = ["--http", f"http://{balancer.address}", "--batch", "0.5s"]
        with FleetProgram(tmp_path / "fleet", (10, 60, 2.0, 20), where) as fleet:
            until(lambda: rows(database) > 1000, within_s=60)
            edges[0].kill()
            until(lambda: not fleet.running, within_s=300, what="the fleet to drain")
            facts = fleet.facts()
        edges[0].start()  # what it had taken custody of waits on its disk
        for each in edges:
            until(each.drained, within_s=120)
        until(lambda: rows(database) >= facts["taken"], within_s=60)
        print(facts)
        assert facts["waiting"] == 0
        assert facts["in_custody"] == facts["taken"] > 5000
        assert rows(database) == facts["taken"]
