"""Node, edge, broker and database are killed at random moments; what was taken must be there, once."""

import random
import threading
from pathlib import Path

import pytest

from tests.faults.rig import EdgeProgram, NodeProgram, arrived, finish, mqtt_table, v1_upstream
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.process import Part
from tests.parts.wait import until

SITE = 'level = "commune"\nprovince = "42"\ncommune = "18562"'

# Acknowledges, moves custody and then commits, a second late: what a careless edge would do.
ACK_BEFORE_COMMIT = """
import threading
from gateway.spool import Spool, Stored
from gateway.spool.segment import parse_span
commit = Spool.append
def append(self, segments, **more):
    with self.lock:
        for each in segments:
            self._see(parse_span(each.span))
    threading.Timer(1.0, commit, (self, segments), more).start()
    return Stored(0, 0)
Spool.append = append
"""


def kill_at_random(parts: list[Part], kills: int, seed: int) -> dict[str, int]:
    """Kill and start again, one part at a time; return how often each was hit."""
    chance = random.Random(seed)
    pause = threading.Event()
    hits: dict[str, int] = {}
    for _ in range(kills):
        pause.wait(chance.uniform(0.05, 1.5))  # the random moment is the test
        victim = chance.choice(parts)
        victim.kill()
        pause.wait(chance.uniform(0, 0.7))
        victim.start()
        hits[type(victim).__name__] = hits.get(type(victim).__name__, 0) + 1
    return hits


def compare(node: NodeProgram, database: InfluxDB) -> tuple[int, int, int, list[tuple[str, int]]]:
    """Return taken, points, distinct identities there, and what is missing."""
    taken = node.taken()
    points = arrived(database)
    return len(taken), len(points), len(set(points)), sorted(taken - set(points))


@pytest.mark.parts
@pytest.mark.timeout(300)
def test_thirty_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    with Mosquitto() as broker, InfluxDB() as database:
        extra = mqtt_table(broker) + v1_upstream(database)
        with (
            EdgeProgram(tmp_path / "edge", SITE, extra=extra) as edge,
            NodeProgram(tmp_path / "node", broker) as node,
        ):
            hits = kill_at_random([node, edge, broker, database], 30, seed=20261123)
            node.stop()
            node.start()
            until(
                lambda: len(node.taken() - set(arrived(database))) < 20,
                within_s=90,
                what="the backlog to drain",
            )
            finish(node, lambda: not compare(node, database)[3], within_s=90)
            taken, points, distinct, missing = compare(node, database)
    print(f"kills {hits}: taken {taken}, points {points}, distinct {distinct}, missing {len(missing)}")
    assert taken > 200
    assert not missing
    assert points == distinct == taken


@pytest.mark.parts
@pytest.mark.timeout(300)
def test_the_same_kills_show_losses_when_an_edge_acknowledges_before_it_commits(tmp_path: Path) -> None:
    with Mosquitto() as broker, InfluxDB() as database:
        extra = mqtt_table(broker) + v1_upstream(database)
        with (
            EdgeProgram(tmp_path / "edge", SITE, extra=extra, sabotage=ACK_BEFORE_COMMIT) as edge,
            NodeProgram(tmp_path / "node", broker) as node,
        ):
            kill_at_random([edge], 5, seed=20261123)
            until(lambda: node.ready() and edge.ready(), what="all to be up")
            last = max(node.taken())
            until(lambda: last in set(arrived(database)), within_s=60, what="the newest reading to arrive")
            taken, points, _, missing = compare(node, database)
    print(f"acknowledged before the commit: taken {taken}, points {points}, missing {len(missing)}")
    assert len([number for number in missing if number < last]) > 5
