"""Quotas used up and disks really full: nothing crashes, all goes on by itself, and the count is exact."""

import threading
from pathlib import Path

import pytest

from tests.faults.full import Thief, at_the_top, gaps_of, note_of, numbers, preload, small_disk, with_spool
from tests.faults.rig import EdgeProgram, NodeProgram, mqtt_table, v1_upstream
from tests.faults.test_kills import SITE
from tests.parts.http import ask
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

TINY = 'max_bytes = "1MB"\nmin_free = 0'


def account(node: NodeProgram, edge: EdgeProgram, database: InfluxDB) -> tuple[int, int, int]:
    """Wait until each reading taken has arrived or is a recorded gap; return taken, arrived, gaps."""

    def missing() -> int:
        here = set(at_the_top(database)) | set(numbers(gaps_of(edge.folder / "edge.db")))
        return len(node.taken() - here)

    until(lambda: not missing(), within_s=60, what="every reading to arrive or be accounted for")
    points, gone = at_the_top(database), numbers(gaps_of(edge.folder / "edge.db"))
    assert len(points) == len(set(points))
    assert len(gone) == len(set(gone))
    assert not set(points) & set(gone)
    assert set(points) | set(gone) == node.taken()
    return len(node.taken()), len(points), len(gone)


@pytest.mark.parts
@pytest.mark.timeout(120)
def test_a_node_whose_quota_is_used_up_thins_and_the_rest_arrives_with_every_gap_known(
    tmp_path: Path,
) -> None:
    with Mosquitto() as broker, InfluxDB() as database:
        node = NodeProgram(tmp_path / "node", broker)
        with_spool(node, "node.toml", TINY)
        preload(tmp_path / "node/node.db", 40_000)
        before = (tmp_path / "node/node.db").stat().st_size
        with node:
            until(lambda: note_of(node.folder / "node.db", "thinned"), what="the node to thin")
            node.kill()
            node.start()
            extra = mqtt_table(broker) + v1_upstream(database)
            with EdgeProgram(tmp_path / "edge", SITE, extra=extra) as edge:
                until(lambda: len(at_the_top(database)) > 3000, within_s=60, what="the backlog to drain")
                node.stop()
                node.start()
                node.stop()
                taken, points, gaps = account(node, edge, database)
                reasons = {reason for _, _, _, reason in gaps_of(edge.folder / "edge.db")}
                fires = database.count("Alert", "id")
    thinned = int(note_of(node.folder / "node.db", "thinned").split()[0])
    print(
        f"taken {taken} = arrived {points} + gaps {gaps}; the node thinned {thinned}; file {before} at first"
    )
    assert before > 1_000_000
    # Each start is a boot of its own: one that lives to write a reading also tells of the time without power.
    assert reasons - {"power"} == {"quota"}
    assert thinned == gaps > 1000
    assert fires >= 80


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_commune_edge_whose_upstream_is_away_thins_and_says_which_are_gone(tmp_path: Path) -> None:
    with Mosquitto() as broker, InfluxDB() as database:
        node = NodeProgram(tmp_path / "node", broker)
        preload(tmp_path / "node/node.db", 40_000)
        edge = EdgeProgram(tmp_path / "edge", SITE, extra=mqtt_table(broker) + v1_upstream(database))
        with_spool(edge, "edge.toml", TINY)
        database.stop()
        with node, edge:
            until(lambda: note_of(edge.folder / "edge.db", "thinned"), within_s=60, what="the edge to thin")
            edge.kill()
            edge.start()
            backlog = max(node.taken())[1]
            until(
                lambda: (
                    (edge.seen(("gw-01", note_of(node.folder / "node.db", "ep"))).run_from(1) or 0) >= backlog
                ),
                within_s=60,
                what="the node to be rid of its backlog",
            )
            database.start()
            node.stop()
            taken, points, gaps = account(node, edge, database)
            told = database.query('SELECT "from", "to" FROM "Alert" WHERE "reason" = \'quota\'')
    thinned = int(note_of(edge.folder / "edge.db", "thinned").split()[0])
    print(f"taken {taken} = arrived {points} + gaps {gaps}; the edge thinned {thinned}")
    assert thinned == gaps > 1000
    assert sum(row["to"] - row["from"] + 1 for row in told) == gaps


@pytest.mark.lab
@pytest.mark.timeout(300)
@pytest.mark.parametrize("greedy", [False, True])
def test_full_disks_of_node_and_edge_crash_nothing_and_cost_nothing(tmp_path: Path, *, greedy: bool) -> None:
    """Another program fills the disk of the node, the edge, both; for a time the database is away too."""
    with (
        small_disk(tmp_path / "node", "6m") as node_disk,
        small_disk(tmp_path / "edge", "8m") as edge_disk,
        Mosquitto() as broker,
        InfluxDB() as database,
    ):
        node = NodeProgram(node_disk, broker)
        with_spool(node, "node.toml", 'max_bytes = "4MB"\nmin_free = 0')
        edge = EdgeProgram(edge_disk, SITE, extra=mqtt_table(broker) + v1_upstream(database))
        with_spool(edge, "edge.toml", 'max_bytes = "4MB"\nmin_free = 0')
        thieves = {"node": Thief(node_disk), "edge": Thief(edge_disk)}
        wait = threading.Event()
        with node, edge:
            pids = node.pid, edge.pid
            until(lambda: len(at_the_top(database)) > 20, within_s=30, what="the first readings")
            for round_, names in enumerate((["node"], ["edge"], ["edge", "node"])):
                if round_ == 2:
                    database.stop()
                for name in names:  # the edge first: it has something to write as long as the node sends
                    thieves[name].fill(greedy=greedy)
                    until(
                        lambda name=name: not list((tmp_path / name).glob("*.db-reserve")),  # type: ignore[misc]
                        within_s=40,
                        what=f"the {name} to give up its reserve",
                    )
                wait.wait(11)  # long enough for readings, housekeeping and retries to meet the full disk
                if "edge" in names:
                    status = ask(edge.port, "POST", "/api/v2/write", {}, b"m f=1 1\n").status
                    assert status in (204, 429, 503)
                assert node.running
                assert edge.running
                for name in names:
                    thieves[name].leave()
                if not database.running:
                    database.start()
                newest = max(node.taken())
                until(
                    lambda newest=newest: any(each > newest for each in at_the_top(database)),  # type: ignore[misc]
                    within_s=60,
                    what="new readings to arrive again",
                )
                for program, folder in ((node, node_disk), (edge, edge_disk)):
                    until(
                        lambda program=program, folder=folder: list(folder.glob("*.db-reserve")),  # type: ignore[misc]
                        within_s=30,
                        what=f"the reserve of {program.program} to be made again",
                    )
            assert (node.pid, edge.pid) == pids
            node.stop()
            taken, points, gaps = account(node, edge, database)
            logs = node.log + edge.log
    print(f"greedy {greedy}: taken {taken} = arrived {points} + gaps {gaps}")
    assert taken > 300
    assert gaps == 0
    assert "the disk is full" in logs or "disk is full" in logs


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_a_disk_that_is_full_for_an_hour_of_the_nodes_clock_costs_no_reading(tmp_path: Path) -> None:
    """The node's schedule runs sixty times as fast: its hour is a minute of ours, also for its memory."""
    with small_disk(tmp_path / "node", "6m") as disk, Mosquitto() as broker, InfluxDB() as database:
        node = NodeProgram(disk, broker)
        with_spool(node, "node.toml", 'max_bytes = "4MB"\nmin_free = 0')
        edge = EdgeProgram(tmp_path / "edge", SITE, extra=mqtt_table(broker) + v1_upstream(database))
        thief = Thief(disk)
        with node, edge:
            until(lambda: len(at_the_top(database)) > 20, within_s=30, what="the first readings")
            thief.fill(greedy=True)
            before = max(node.taken())[1]
            threading.Event().wait(60)
            during = max(node.taken())[1]
            assert node.running
            thief.leave()
            until(lambda: max(node.taken())[1] > during + 300, within_s=60, what="the hour's readings")
            node.stop()
            taken, points, gaps = account(node, edge, database)
    print(
        f"an hour with a full disk: {before} before it, {during - before} written in it,"
        f" taken {taken} = arrived {points} + gaps {gaps}"
    )
    assert gaps == 0
