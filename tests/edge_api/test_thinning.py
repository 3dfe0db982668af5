"""An edge that gives up readings gives up the least, and says upward whose and which are gone."""

from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_api.arrivals import BatchArrival
from edge_api.custody import Custodian
from edge_api.history import History
from edge_api.intake import Intake
from edge_api.lineprotocol import parse
from edge_api.lines import split_lines
from edge_api.outbox import EdgeOutbox
from gateway.spool import READINGS, Outbox, RangeSet, Spool
from gateway.spool.segment import parse_span
from tests.edge_api.quota_lines import (
    STREAM,
    S,
    alert,
    as_segment,
    foreign,
    gaps,
    history,
    left,
    numbered,
    numbers,
    spool,
    thinner_of,
)
from tests.edge_api.rig import START_NS

__all__ = ["history", "spool"]


kinds = st.sampled_from(["a", "b", "alert", "foreign"])
batches = st.lists(
    st.lists(
        st.tuples(kinds, st.integers(0, 90_000), st.sampled_from(["gw-01", "gw-02"])), min_size=1, max_size=40
    ),
    min_size=2,
    max_size=6,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(batches=batches, steps=st.integers(1, 12))
def test_thinning_keeps_events_never_grows_a_segment_and_accounts_for_every_number(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, int, str]]], steps: int
) -> None:
    spool = Spool(tmp_path_factory.mktemp("thin") / "edge.db")
    outbox = EdgeOutbox(spool, "province")
    seq, everything = 0, []
    for rows in batches:
        lines = []
        for kind, second, gw in rows:
            seq += 1
            if kind == "alert":
                lines.append(alert(seq, second, gw))
            else:
                lines.append(foreign(second, seq) if kind == "foreign" else numbered(seq, kind, second, gw))
        everything += lines
        spool.append([as_segment(lines)])
    size = {head.id: head.size for head in spool.heads(READINGS, 0, spool.last_id, 100)}
    thinner = thinner_of(spool, outbox)
    for _ in range(steps):
        if not thinner.step():
            break
    here, gone = left(spool), gaps(spool)
    told = [each for each in here if b"kind=gap" in each]
    here = [each for each in here if b"kind=gap" not in each]
    assert set(here) <= set(everything)
    assert {each for each in everything if each.startswith(b"Alert")} <= set(here)
    dropped = {(gw, n) for (gw, _), ranges in gone.items() for a, b in ranges for n in range(a, b + 1)}
    assert not numbers(here) & dropped
    assert numbers(everything) <= numbers(here) | dropped
    assert thinner.thinned == len(everything) - len(here)
    for head in spool.heads(READINGS, 0, 10**9, 100):
        assert head.size <= size[head.id]
        assert head.points == len(split_lines(spool.body(head.id)))
        assert {
            (gw, n) for (gw, _), r in parse_span(head.span).items() for a, b in r for n in range(a, b + 1)
        } == (numbers(split_lines(spool.body(head.id))))
    assert sum(lane.points for lane in outbox.waiting.values()) == len(here) + len(told)
    whose = outbox.whose()
    assert whose is not None
    assert {(gw, n) for (gw, _), r in whose.items() for a, b in r for n in range(a, b + 1)} == numbers(here)
    spool.close()


def test_one_reading_of_each_asset_stays_in_every_interval_of_the_old_half(spool: Spool) -> None:
    for hour in range(24):
        spool.append(
            [as_segment([numbered(hour * 120 + n, f"bin-{n % 2}", hour * 3600 + n * 30) for n in range(120)])]
        )
    newest = spool.heads(READINGS, 24, 24, 1)[0].size
    thinner = thinner_of(spool, newest_bytes=newest)
    assert thinner.step()
    old = [
        p
        for p in parse(b"\n".join(left(spool)))
        if p.ts_ns < START_NS + 23 * 3600 * S and p.measurement != "Alert"
    ]
    kept = [(p.tags["asset"], p.ts_ns // (600 * S)) for p in old]
    assert len(kept) == len(set(kept))
    assert set(kept) == {
        (f"bin-{n % 2}", (START_NS + hour * 3600 * S + n * 30 * S) // (600 * S))
        for hour in range(23)
        for n in range(120)
    }
    assert len([p for p in parse(b"\n".join(left(spool))) if p.ts_ns >= START_NS + 23 * 3600 * S]) >= 120


def test_a_parent_understands_what_a_thinned_child_sends_and_its_custody_moves_past(
    spool: Spool, history: History, tmp_path: Path
) -> None:
    for hour in range(6):
        spool.append(
            [as_segment([numbered(hour * 60 + n + 1, "bin-1", hour * 3600 + n * 60) for n in range(60)])]
        )
    outbox = Outbox(spool, "parent")
    thinner = thinner_of(spool, outbox)
    assert thinner.step()
    parent = Spool(tmp_path / "parent.db")
    intake = Intake(parent, history, lambda _: None, lambda: START_NS)
    while batch := outbox.next(10_000):
        for head in batch.heads:
            body = spool.body(head.id)
            points = parse(b"\n".join(split_lines(body)))
            intake.commit([BatchArrival(body, points, Future())])
        outbox.done(batch)
    assert gaps(parent) == gaps(spool)
    assert len(gaps(parent)[STREAM]) == thinner.thinned > 250
    assert parent.streams[STREAM] == RangeSet([(1, 360)])
    custodian = Custodian(parent, lambda _topic, _payload: True, lambda _: None)
    assert custodian.watermark(STREAM) == 360
    parent.close()


def test_gap_alerts_are_points_of_their_own(spool: Spool) -> None:
    for hour in range(6):
        spool.append(
            [
                as_segment(
                    [
                        alert(k * 3 + 1, k) if k % 7 == 0 else numbered(k * 3 + 1, "bin-1", k)
                        for k in range(hour * 100, hour * 100 + 100)
                    ]
                )
            ]
        )
    assert thinner_of(spool).step()
    told = [point for point in parse(b"\n".join(left(spool))) if point.tags.get("kind") == "gap"]
    assert len({point.ts_ns for point in told}) == len(told) > 100
    assert all(point.tags["commune"] == "18562" and point.tags["asset"] == "gw-01" for point in told)
    assert all("seq" not in point.fields and point.fields["reason"] == "quota" for point in told)
