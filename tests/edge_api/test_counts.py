"""Taken, committed, delivered, quarantined and missing add up, whatever was refused, replayed, restarted."""

import io
from pathlib import Path

from edge_api import status
from edge_api.api.view import WriteBatch
from edge_api.carry import export, name_of, take_in
from edge_api.exchange import Place, Signer
from edge_api.gaps import gaps
from edge_api.intake import Counts
from edge_api.lineprotocol import parse
from edge_api.relay import Relay
from edge_api.replay import replay
from edge_api.upstream import make_sink
from gateway.spool import Gap, Outbox, RangeSet, Refused, Spool
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config
from tests.edge_api.rig import STREAM, arrived, config, drained, line, relaying, segment
from tests.parts.influx2 import Influx2


def add_up(spool: Spool, relay: object) -> tuple[int, ...]:
    """Return taken, committed, delivered, quarantined, missing; and see that they fit each other."""
    (node,) = status.counters(spool, [relay], Counts(), 0).nodes  # type: ignore[list-item]
    assert node.delivered is not None
    (here,) = [len(spans.get(STREAM, RangeSet())) for spans in [relay.outbox.whose()]]  # type: ignore[attr-defined]
    assert node.taken == node.committed + node.missing
    assert node.committed == node.delivered + here + node.quarantined
    return node.taken, node.committed, node.delivered, node.quarantined, node.missing


def test_the_counts_of_a_node_add_up_also_after_restarts_replays_and_drops(
    tmp_path: Path, influx2: Influx2
) -> None:
    path = tmp_path / "edge.db"
    spool = Spool(path, keep_s=0)
    bad = line(4, ",x=bad").encode()
    spool.append(
        [segment([1, 2, 3])],
        gaps=[Gap(STREAM, 6, 8, "quota"), Gap.of_time(STREAM, "power", 1, 2)],
        refused=[
            Refused("upstream province", "", "no", bad, "gw-01/aa:4"),
            Refused("upstream province", "", "no", line(5).encode(), "gw-01/aa:5"),
        ],
    )
    with relaying(spool, influx2.url) as relay:
        drained(relay)
        spool.append([segment([10])])
        drained(relay)
        assert add_up(spool, relay) == (10, 6, 4, 2, 4)
    spool.close()
    spool = Spool(path, keep_s=0)
    with relaying(spool, influx2.url) as relay:
        drained(relay)
        assert add_up(spool, relay) == (10, 6, 4, 2, 4)
        replay(spool, 2, None, 0)
        drained(relay)
        assert add_up(spool, relay) == (10, 6, 5, 1, 4)
        assert spool.drop_refused([1]) == 1
        assert spool.drop_refused([1]) == 0
        assert add_up(spool, relay) == (10, 5, 5, 0, 5)
    spool.close()
    spool = Spool(path, keep_s=0)
    with relaying(spool, influx2.url) as relay:
        drained(relay)
        assert add_up(spool, relay) == (10, 5, 5, 0, 5)
        assert sorted(gap.reason for gap in gaps(spool)) == ["dropped", "power", "quota", "unknown"]
    spool.close()


def test_the_counts_add_up_after_a_kill_in_the_middle_of_a_delivery(tmp_path: Path, influx2: Influx2) -> None:
    """Progress is written down seldom: what was delivered since counts as waiting, and goes again."""
    path = tmp_path / "edge.db"
    spool = Spool(path)
    spool.append([segment([1, 2, 3]), segment([5, 6])], gaps=[Gap(STREAM, 7, 8, "quota")])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
        spool.append([], refused=[Refused("upstream province", "", "no", b"x", "gw-01/aa:9")])
        assert add_up(spool, relay) == (9, 6, 5, 1, 3)
    left = tmp_path / "killed"
    left.mkdir()
    for each in tmp_path.glob("edge.db*"):  # as a killed process leaves it: open, its log not folded in
        if not each.name.endswith("-shm"):
            (left / each.name).write_bytes(each.read_bytes())
    spool.close()
    spool = Spool(left / "edge.db")
    relay = Relay(spool, "province", make_sink(config(influx2.url)))
    assert add_up(spool, relay) == (9, 6, 0, 1, 3)
    with relaying(spool, influx2.url) as relay:
        drained(relay)
        assert add_up(spool, relay) == (9, 6, 5, 1, 3)
    spool.close()


def test_the_counts_add_up_where_a_stick_and_a_link_bring_the_same_readings(
    tmp_path: Path, influx2: Influx2
) -> None:
    child = Spool(tmp_path / "child.db")
    child.append([segment(range(1, 6)), segment([8, 9])])
    signer = Signer.create(tmp_path / "key.pem")
    place = Place("commune", "42", "18562", name_of(child))
    stick = b"".join(export(Outbox(child, "province"), signer, place))
    child.close()
    upstreams = [config(influx2.url)]
    with edge_at_work(edge_config(tmp_path, PROVINCE, upstreams=upstreams)) as (edge, _):
        edge.submit(batch([1, 2])).result(10)  # these had come by the link before it was cut
        for _ in range(2):
            taken = take_in(io.BytesIO(stick), [signer.public], edge.submit, [], place, None)
            assert taken.problem is None
        drained(edge.relays[0])
        assert add_up(edge.spool, edge.relays[0]) == (9, 7, 7, 0, 2)
    assert len(arrived(influx2)) == 7


def batch(seqs: list[int]) -> WriteBatch:
    """A body as a child edge sends it."""
    return WriteBatch(segment(seqs).body, parse("\n".join(line(seq) for seq in seqs).encode()))
