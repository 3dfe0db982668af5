"""A damaged spool on the way: what is lost is known at the edge as such, and no number counts twice."""

import gzip
import random
from pathlib import Path

import pytest

from edge_api.custody import Custodian
from edge_api.gaps import gaps as known_gaps
from edge_api.ingest.mqtt import arrival
from edge_api.intake import Intake
from gateway.feed import Topic
from gateway.feed.bodies import WasteContainer
from gateway.journal import Entry, Journal, records
from gateway.renumber import go_on, number_again
from gateway.spool import DAMAGE, EVENTS, JUMP, READINGS, Outbox, RangeSet, Spool, reclaim
from tests.faults.rig import EdgeProgram, mqtt_table
from tests.faults.spool_writer import Deaf
from tests.parts.mosquitto import Mosquitto
from tests.parts.wait import until

GW, EP = STREAM = ("gw-01", "7f3a9c")


class Always:
    """A clock that is always set."""

    ns = 1_795_000_000_000_000_000
    exact = True

    def settle(self, _first: int, _last: int) -> "Always":
        return self


def node_on(path: Path) -> tuple[Spool, Journal]:
    spool = Spool(path, by_seq=True, keep_s=0)
    if not spool.note("ep"):
        spool.set_notes({"ep": EP})
    return spool, Journal(spool, GW, Always(), "boot")


def take(journal: Journal, count: int, mono_ns: int = 1) -> None:
    """Commit readings, each with a level that no other has."""
    body = {"v": 1, "ts": "", "gw": GW, "ep": EP, "q": "good", "seq": 0}
    journal._commit(
        [
            Entry(
                "waste/bin-0001/telemetry", WasteContainer(**body, fillingLevel=random.random()), mono_ns, 60
            )
            for _ in range(count)
        ]
    )


def edge_on(path: Path) -> tuple[Spool, Intake]:
    spool = Spool(path, keep_s=0)
    return spool, Intake(spool, Deaf(), lambda _: None, lambda: 0)


def send(node: Spool, intake: Intake) -> set[int]:
    """Carry all that a node holds to an edge; return the numbers."""
    sent = set()
    for lane in (EVENTS, READINGS):
        for head in node.heads(lane, 0, node.last_id, 10_000):
            for record in records(node.body(head.id), head.id):
                topic = Topic.parse(f"ntm/v1/42/18562/{record.path}")
                intake.commit([arrival(topic, record.body, lambda: None)])
                sent.add(record.seq)
    return sent


def spoil(path: Path) -> None:
    path.write_bytes(b"something else!!" + path.read_bytes()[16:])


def levels(spool: Spool) -> list[str]:
    lines = []
    for (number,) in spool.query("SELECT id FROM segment ORDER BY id"):
        lines += gzip.decompress(spool.body(number)).decode().splitlines()
    return [word for line in lines for word in line.replace(" ", ",").split(",") if "fillingLevel" in word]


def test_the_edge_hears_as_a_gap_what_a_damaged_node_lost_and_custody_moves_past_it(tmp_path: Path) -> None:
    node, journal = node_on(tmp_path / "node.db")
    for _ in range(10):
        take(journal, 3)
    node.writer.execute("DELETE FROM segment WHERE id = 15")  # stands for a page that cannot be read
    node.close()
    spoil(tmp_path / "node.db")
    node, journal = node_on(tmp_path / "node.db")
    take(journal, 2)
    assert not node.untold
    edge, intake = edge_on(tmp_path / "edge.db")
    send(node, intake)
    custodian = Custodian(edge, lambda *_: True, lambda _: None)
    assert custodian.watermark(STREAM) == node.last_id == 30 + JUMP + 4  # two gap events, two readings
    assert [(gap.first, gap.last, gap.reason) for gap in known_gaps(edge)][::-1] == [
        (13, 15, DAMAGE),
        (31, 30 + JUMP, DAMAGE),
    ]
    node.close()
    edge.close()


def test_an_old_copy_of_a_nodes_spool_loses_no_reading_taken_with_it(tmp_path: Path) -> None:
    node, journal = node_on(tmp_path / "node.db")
    take(journal, 5)
    node.close()
    old = (tmp_path / "node.db").read_bytes()
    node, journal = node_on(tmp_path / "node.db")
    take(journal, 20)
    edge, intake = edge_on(tmp_path / "edge.db")
    custody = max(send(node, intake))
    node.close()
    (tmp_path / "node.db").write_bytes(old)
    node, journal = node_on(tmp_path / "node.db")
    take(journal, 7)  # under numbers that the edge has others for
    before = levels(edge)
    number_again(node, GW, EP, custody)
    outbox = Outbox(node, "custody")
    outbox.confirm_through(custody)
    reclaim(node, [outbox])
    take(journal, 1)
    sent = send(node, intake)
    assert min(sent) > custody + JUMP
    assert len(set(levels(edge)) - set(before)) == 8
    assert Custodian(edge, lambda *_: True, lambda _: None).watermark(STREAM) == node.last_id
    node.close()
    edge.close()


def test_giving_new_numbers_goes_on_where_a_stopped_process_left_off(tmp_path: Path, monkeypatch) -> None:
    node, journal = node_on(tmp_path / "node.db")
    take(journal, 5)
    with monkeypatch.context() as patch:
        patch.setattr("gateway.renumber._segments", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            number_again(node, GW, EP, 50)
    node.close()
    node, journal = node_on(tmp_path / "node.db")
    go_on(node, GW, EP)
    outbox = Outbox(node, "custody")
    outbox.confirm_through(50)
    reclaim(node, [outbox])
    assert [head.points for head in node.heads(READINGS, 0, node.last_id, 10)] == [5]
    assert node.note("again") == ""
    node.close()


def test_an_edge_that_lost_readings_claims_custody_only_up_to_them_and_takes_them_again(
    tmp_path: Path,
) -> None:
    node, journal = node_on(tmp_path / "node.db")
    for _ in range(10):
        take(journal, 3)
    edge, intake = edge_on(tmp_path / "edge.db")
    send(node, intake)
    outbox = Outbox(edge, "up")
    for _ in range(4):
        outbox.done(outbox.next(1))  # one message a segment: 1 to 4 are passed on
    reclaim(edge, [outbox])
    edge.writer.execute("DELETE FROM segment WHERE id IN (10, 11, 20)")
    edge.close()
    spoil(tmp_path / "edge.db")
    edge, intake = edge_on(tmp_path / "edge.db")
    noted = []
    custodian = Custodian(edge, lambda *_: True, noted.extend)
    assert custodian.watermark(STREAM) == 9
    assert str(edge.lost[STREAM]) == "10-11,20"
    assert [(gap.first, gap.last, gap.reason) for gap in known_gaps(edge)] == [
        (10, 11, DAMAGE),
        (20, 20, DAMAGE),
    ]
    send(node, intake)
    assert custodian.watermark(STREAM) == 30
    assert known_gaps(edge) == []
    waiting = Outbox(edge, "up").waiting[READINGS].points
    assert waiting == 26
    node.close()
    edge.close()


def test_what_an_edge_lost_and_the_node_no_longer_holds_is_a_gap_by_damage(tmp_path: Path) -> None:
    edge, intake = edge_on(tmp_path / "edge.db")
    node, journal = node_on(tmp_path / "node.db")
    take(journal, 5)
    send(node, intake)
    edge.close()
    (tmp_path / "edge.db").write_bytes(b"")
    (tmp_path / "edge.db-in-use").touch()
    edge, intake = edge_on(tmp_path / "edge.db")
    assert edge.streams == {}
    noted = []
    custodian = Custodian(edge, lambda *_: True, noted.extend)
    custodian.holds(STREAM, 6)
    custodian._write_down(STREAM)
    assert [(gap.first, gap.last, gap.reason) for gap in noted] == [(1, 5, DAMAGE)]
    node.close()
    edge.close()


def test_numbers_beyond_a_jump_are_one_range(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "node.db", by_seq=True)
    spool.skip_to(10)
    spool.skip_to(5)
    assert (spool.last_id, spool.untold) == (10, RangeSet([(1, 10)]))
    spool.close()
    again = Spool(tmp_path / "node.db", by_seq=True)
    assert (again.last_id, again.untold) == (10, RangeSet([(1, 10)]))
    again.close()


@pytest.mark.parts
def test_an_edge_starts_unattended_on_a_file_that_is_no_database(tmp_path: Path) -> None:
    with Mosquitto() as broker:
        edge = EdgeProgram(
            tmp_path / "edge",
            'level = "commune"\nprovince = "42"\ncommune = "18562"',
            extra=mqtt_table(broker),
        )
        spool = tmp_path / "edge" / "edge.db"
        spool.write_bytes(b"not a database" * 1000)
        with edge:
            assert edge.running
        assert f"the damaged file is kept as {spool}.damaged-1" in edge.log
        assert spool.with_name("edge.db.damaged-1").read_bytes() == b"not a database" * 1000


MEETS_DAMAGE = """
import threading
from edge_api.edge import Edge
start = Edge.start
def started(self):
    start(self)
    threading.Timer(2.0, self.spool.condemn, ("a page that cannot be",)).start()
Edge.start = started
"""


@pytest.mark.parts
def test_an_edge_that_meets_damage_ends_with_an_error_and_its_next_start_mends_the_file(
    tmp_path: Path,
) -> None:
    with Mosquitto() as broker:
        site = 'level = "commune"\nprovince = "42"\ncommune = "18562"'
        edge = EdgeProgram(tmp_path / "edge", site, extra=mqtt_table(broker), sabotage=MEETS_DAMAGE)
        edge.start()
        until(lambda: not edge.running, within_s=20, what="the edge to end")
        assert edge._process is not None
        assert edge._process.returncode == 1
        assert "what can be read is saved at the next start" in edge.log.splitlines()[-1]
        edge.sabotage = ""
        with edge:
            assert "is damaged: a page that cannot be" in edge.log
        names = {each.name for each in edge.folder.glob("edge.db*")} - {"edge.db-reserve", "edge.db-lock"}
        assert names == {"edge.db", "edge.db.damaged-1"}
