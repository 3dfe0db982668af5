"""Taken, committed, delivered, quarantined and missing add up, whatever was refused, replayed, restarted."""

from pathlib import Path

from edge_api import status
from edge_api.gaps import gaps
from edge_api.intake import Counts
from edge_api.replay import replay
from gateway.spool import Gap, RangeSet, Refused, Spool
from tests.edge_api.rig import STREAM, drained, line, relaying, segment
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
