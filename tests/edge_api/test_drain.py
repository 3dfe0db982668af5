"""What waits is joined while its upstream is away, and not while it goes up fast enough to be gone soon."""

from pathlib import Path

from edge_api.config import Upstream
from edge_api.drain import Ebb
from edge_api.edge import Edge
from edge_api.lines import join_lines
from gateway.spool import READINGS, Segment
from tests.edge_api.edge_rig import PROVINCE, edge_config
from tests.edge_api.rig import line


def test_what_waits_is_gone_soon_when_it_is_a_few_times_what_went_since_the_last_look() -> None:
    ebb = Ebb(2)
    assert ebb.soon("a", 0, 0), "nothing waits"
    assert not ebb.soon("a", 0, 1), "nothing has gone"
    assert ebb.soon("a", 100, 200)
    assert not ebb.soon("a", 100, 1), "nothing more has gone"
    assert ebb.soon("b", 100, 200), "of each upstream by itself"


def test_an_upstream_that_is_slow_for_a_while_has_some_looks_to_do_better() -> None:
    ebb = Ebb(2)
    assert [ebb.soon("a", n, 1_000) for n in range(1, 6)] == [True, True, False, False, False]
    assert ebb.soon("a", 505, 1_000), "it does"
    assert ebb.soon("a", 506, 1_000)


def test_a_backlog_is_joined_only_while_an_upstream_does_not_take_it(tmp_path: Path) -> None:
    away = [Upstream(name=name, url="http://127.0.0.1:9") for name in ("one", "two")]
    edge = Edge(edge_config(tmp_path, PROVINCE, upstreams=away))
    edge.spool.append([Segment(READINGS, 1, "", join_lines([line(n).encode()])) for n in range(1_000)])

    def segments() -> int:
        return len(edge.spool.heads(READINGS, 0, edge.spool.last_id, 2_000))

    for relay in edge.relays:
        relay.delivered += 500
    edge._join()
    assert segments() == 1_000
    edge.relays[0].delivered += 500
    edge._join()
    assert segments() < 200, "the other takes nothing any more"
    for part in (edge.history, edge.alarms, edge.spool):
        part.close()
