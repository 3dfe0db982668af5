"""One to four levels are configuration only; custody is handed on from hop to hop, whatever is killed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.faults.rig import EdgeProgram, NodeProgram, arrived, finish, mqtt_table, v1_upstream
from tests.faults.test_kills import SITE, compare, kill_at_random
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

PLACES = {
    "commune": SITE,
    "district": 'level = "district"\nprovince = "42"',
    "province": 'level = "province"\nprovince = "42"',
    "central": 'level = "central"',
}


@contextmanager
def chain(
    folder: Path, levels: list[str], broker: Mosquitto, database: InfluxDB
) -> Iterator[dict[str, EdgeProgram]]:
    """Run edges at these levels, lowest first, each leading to the next and the last to the database."""
    with ExitStack() as stack:
        edges: dict[str, EdgeProgram] = {}
        upstream = v1_upstream(database)
        for level in reversed(levels):
            extra = upstream + (mqtt_table(broker) if level == levels[0] else "")
            edges[level] = stack.enter_context(EdgeProgram(folder / level, PLACES[level], extra=extra))
            upstream = edges[level].upstream
        yield edges


def settle(node: NodeProgram, database: InfluxDB, within_s: float = 90) -> tuple[int, int, int, int]:
    """End the node, wait for its last reading; return taken, points, distinct, missing."""
    finish(node, lambda: not compare(node, database)[3], within_s=within_s)
    taken, points, distinct, missing = compare(node, database)
    return taken, points, distinct, len(missing)


@pytest.mark.parts
@pytest.mark.timeout(240)
@pytest.mark.parametrize("levels", [["commune", "province"], ["commune", "district", "province", "central"]])
def test_any_number_of_levels_hands_everything_on(levels: list[str], tmp_path: Path) -> None:
    with (
        Mosquitto() as broker,
        InfluxDB() as database,
        chain(tmp_path, levels, broker, database),
        NodeProgram(tmp_path / "node", broker) as node,
    ):
        until(lambda: len(arrived(database)) > 60, within_s=60, what="readings through all levels")
        taken, points, distinct, missing = settle(node, database)
    print(f"{len(levels)} levels: taken {taken}, points {points}, distinct {distinct}, missing {missing}")
    assert points == distinct == taken


@pytest.mark.lab
@pytest.mark.timeout(240)
def test_a_level_is_taken_away_and_put_back_while_data_waits(tmp_path: Path) -> None:
    with (
        Mosquitto() as broker,
        InfluxDB() as database,
        chain(tmp_path, ["commune", "district", "province"], broker, database) as edges,
        NodeProgram(tmp_path / "node", broker) as node,
    ):
        commune, district, province = edges["commune"], edges["district"], edges["province"]
        until(lambda: len(arrived(database)) > 20, within_s=60, what="readings through three levels")
        province.stop()
        grown = len(node.taken()) + 40
        until(lambda: len(node.taken()) > grown, within_s=60, what="data to wait")
        # The district is no more: its queue goes on to the province, the commune leads there itself.
        commune.reconfigure(province.upstream + mqtt_table(broker))
        commune.restart()
        province.start()
        until(district.drained, within_s=60, what="the district's last queue")
        district.stop()
        grown = len(arrived(database)) + 40
        until(lambda: len(arrived(database)) > grown, within_s=60, what="readings through two levels")
        district.start()
        commune.reconfigure(district.upstream + mqtt_table(broker))
        commune.restart()
        grown = len(arrived(database)) + 40
        until(lambda: len(arrived(database)) > grown, within_s=60, what="three levels again")
        taken, points, distinct, missing = settle(node, database)
    print(f"level away and back: taken {taken}, points {points}, distinct {distinct}, missing {missing}")
    assert points == distinct == taken


@pytest.mark.parts
@pytest.mark.timeout(240)
def test_two_upstreams_get_everything_each_at_its_own_pace(tmp_path: Path) -> None:
    with Mosquitto() as broker, InfluxDB() as database, InfluxDB(database="central") as central:
        second = v1_upstream(central).replace('"influx"', '"central"')
        extra = mqtt_table(broker) + v1_upstream(database) + second
        with (
            EdgeProgram(tmp_path / "edge", SITE, extra=extra) as edge,
            NodeProgram(tmp_path / "node", broker) as node,
        ):
            until(lambda: len(arrived(central)) > 20, within_s=60, what="readings at both")
            central.kill()
            grown = len(arrived(database)) + 60
            until(lambda: len(arrived(database)) > grown, within_s=60, what="one to go on without the other")
            central.start()
            taken, points, distinct, _ = settle(node, database)
            until(lambda: len(set(arrived(central))) == taken, within_s=60, what="the other to catch up")
            until(edge.drained, within_s=30, what="nothing to wait")
            there = arrived(central)
    print(f"two upstreams: taken {taken}, influx {points}, central {len(there)}")
    assert points == distinct == taken == len(there) == len(set(there))


@pytest.mark.lab
@pytest.mark.timeout(900)
def test_two_hundred_kills_over_node_two_edges_broker_and_database(tmp_path: Path) -> None:
    seed = 20261124
    with (
        Mosquitto() as broker,
        InfluxDB() as database,
        chain(tmp_path, ["commune", "province"], broker, database) as edges,
        NodeProgram(tmp_path / "node", broker) as node,
    ):
        hits = kill_at_random([node, *edges.values(), broker, database], 200, seed)
        until(lambda: len(compare(node, database)[3]) < 30, within_s=240, what="the backlog to drain")
        taken, points, distinct, missing = settle(node, database, 240)
    print(f"kills {hits}: taken {taken}, points {points}, distinct {distinct}, missing {missing}")
    assert taken > 1000
    assert points == distinct == taken
