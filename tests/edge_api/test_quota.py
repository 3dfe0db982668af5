"""A full edge loses nothing that its senders can keep, and says exactly what it had to give up."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

import edge_api.edge
from edge_api import status
from edge_api.api.view import CannotCommit, SpoolFull
from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.config import EdgeConfig, Site, check, thins
from edge_api.config import Spool as SpoolTable
from edge_api.custody import Custodian
from edge_api.history import History
from edge_api.ingest.mqtt import arrival
from edge_api.intake import Intake
from edge_api.lineprotocol import parse
from edge_api.lines import join_lines, split_lines
from edge_api.outbox import EdgeOutbox
from edge_api.thinning import EdgeCodec
from gateway.feed import Topic
from gateway.spool import EVENTS, READINGS, Outbox, RangeSet, Segment, Spool, reclaim, span_of
from gateway.spool.quota import Limits, Quota
from gateway.spool.room import Room
from gateway.spool.segment import parse_span
from gateway.spool.thinning import Thinner
from sensors.settings import Bytes
from tests.edge_api.edge_rig import BIN, COMMUNE, PROVINCE, edge_at_work, edge_config, reading
from tests.edge_api.rig import START_NS, config, line, segment
from tests.parts.influx2 import Influx2
from tests.parts.wait import until

S = 1_000_000_000
MB = 1_000_000
STREAM = ("gw-01", "aa")


def numbered(seq: int, asset: str, second: int, gw: str = "gw-01") -> bytes:
    tags = f"asset={asset},commune=18562,domain=waste,province=42"
    return (
        f'WasteContainer,{tags} gw="{gw}",ep="aa",seq={seq}i,q="good" {START_NS + second * S + seq}'.encode()
    )


def alert(seq: int, second: int, gw: str = "gw-01") -> bytes:
    tags = "asset=bin-1,commune=18562,domain=waste,kind=fire,province=42"
    return f'Alert,{tags} gw="{gw}",ep="aa",seq={seq}i {START_NS + second * S + seq}'.encode()


def foreign(second: int, number: int) -> bytes:
    return f"cpu,host=pi load={number} {START_NS + second * S + number}".encode()


def as_segment(lines: list[bytes], lane: int = READINGS) -> Segment:
    points = parse(b"\n".join(lines))
    times = [point.ts_ns for point in points]
    numbers = [(p.fields["gw"], p.fields["ep"], p.fields["seq"]) for p in points if "seq" in p.fields]
    return Segment(lane, len(lines), span_of(numbers), join_lines(lines), min(times), max(times))  # type: ignore[arg-type]


def left(spool: Spool) -> list[bytes]:
    return [
        each for (body,) in spool.query("SELECT body FROM segment ORDER BY id") for each in split_lines(body)
    ]


def gaps(spool: Spool) -> dict[tuple[str, str], RangeSet]:
    found: dict[tuple[str, str], RangeSet] = {}
    for gw, ep, first, last in spool.query("SELECT gw, ep, first, last FROM gap"):
        found.setdefault((gw, ep), RangeSet()).add(first, last)
    return found


def numbers(lines: list[bytes]) -> set[tuple[Any, Any]]:
    points = parse(b"\n".join(lines))
    return {(p.fields["gw"], p.fields["seq"]) for p in points if "seq" in p.fields}


def thinner_of(spool: Spool, *outboxes: Outbox, newest_bytes: int = 1) -> Thinner:
    return Thinner(spool, outboxes, EdgeCodec(lambda: START_NS), lambda: START_NS, newest_bytes=newest_bytes)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "edge.db", keep_s=0)
    yield spool
    spool.close()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.db")
    yield history
    history.close()


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


# An edge that refuses.


class Narrow:
    """A room of which the test says how much is used."""

    def __init__(self, spool: Spool) -> None:
        self.quota = Quota(spool, Limits(100 * MB, 0))
        self.room = Room(self.quota)
        self.full = False
        real = self.quota._judge

        def judge(now: Any) -> None:
            real(now._replace(live=101 * MB) if self.full else now)

        self.quota._judge = judge  # type: ignore[method-assign]


def message(seq: int, acked: list[int]) -> MessageArrival:
    payload = msgspec.json.encode(reading(seq))
    return arrival(Topic.parse(BIN), payload, lambda: acked.append(seq))


def event_message(seq: int, acked: list[int]) -> MessageArrival:
    body = {
        "v": 1,
        "id": "e",
        "type": "fire",
        "ts": "2026-11-23T05:40:00.000Z",
        "gw": "gw-01",
        "ep": "aa",
        "seq": seq,
    }
    topic = Topic.parse(BIN.replace("telemetry", "event"))
    return arrival(topic, msgspec.json.encode(body), lambda: acked.append(seq))


def test_a_full_edge_that_refuses_answers_http_keeps_mqtt_waiting_and_takes_events(
    spool: Spool, history: History
) -> None:
    narrow = Narrow(spool)
    intake = Intake(spool, history, lambda _: None, lambda: START_NS, narrow.room)
    acked: list[int] = []
    narrow.full = True
    answer: Future[None] = Future()
    lines = [line(100)]
    batch = BatchArrival(join_lines([each.encode() for each in lines]), parse(lines[0].encode()), answer)
    events: Future[None] = Future()
    alarm = alert(101, 0)
    alarms = BatchArrival(join_lines([alarm]), parse(alarm), events)
    intake.commit([message(1, acked), event_message(2, acked), batch, alarms])
    assert acked == [2]
    refusal = answer.exception(0)
    assert isinstance(refusal, SpoolFull)
    assert refusal.retry_after_s > 1
    assert events.result(0) is None
    assert spool.streams[STREAM] == RangeSet([(2, 2), (101, 101)])
    assert intake.resumable() == []
    narrow.full = False
    narrow.quota.look()
    waiting = intake.resumable()
    assert [each.seq for each in waiting] == [1]
    assert intake.resumable() == []
    intake.commit([*waiting])
    assert acked == [2, 1]
    assert 1 in spool.streams[STREAM]


def test_a_full_disk_is_answered_503_and_events_find_the_reserve(
    spool: Spool, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = Narrow(spool)
    intake = Intake(spool, history, lambda _: None, lambda: START_NS, narrow.room)
    append = spool.append

    def refuse(*_args: object, **_more: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    reserve = tmp_path / "edge.db-reserve"
    assert reserve.exists()
    acked: list[int] = []
    monkeypatch.setattr(spool, "append", refuse)
    monkeypatch.setattr(narrow.quota, "_free_on", lambda _: 0)
    group = [message(1, acked), event_message(2, acked)]
    with pytest.raises(sqlite3.OperationalError):
        intake.commit([*group])
    assert not reserve.exists()
    assert narrow.room.refusal(event=False) is not None
    monkeypatch.setattr(spool, "append", append)
    spool.query("PRAGMA wal_checkpoint(TRUNCATE)")
    answer: Future[None] = Future()
    intake.commit([*group, BatchArrival(join_lines([line(9).encode()]), parse(line(9).encode()), answer)])
    assert acked == [2]
    assert isinstance(answer.exception(0), CannotCommit)
    monkeypatch.undo()
    narrow.quota.look()
    assert reserve.exists()
    assert [each.seq for each in intake.resumable()] == [1]


def write(url: str, lines: list[str]) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", f"{url}/api/v2/write", body="\n".join(lines).encode(), retries=False)


@pytest.mark.slow
def test_an_edge_above_refuses_when_full_and_takes_again_by_itself_once_it_could_deliver(
    tmp_path: Path, influx2: Influx2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_api.edge, "_RECLAIM_S", 0.1)
    influx2.stop()
    plan = edge_config(tmp_path, PROVINCE, upstreams=[config(influx2.url)])
    plan = msgspec.structs.replace(
        plan,
        spool=SpoolTable(
            path=tmp_path / "edge.db", keep=plan.spool.linger, max_bytes=Bytes(1 * MB), min_free=Bytes(0)
        ),
    )
    sent: list[str] = []
    with edge_at_work(plan, serve=True) as (edge, url):
        answer = None
        for start in range(1, 200_000, 500):
            lines = [
                line(seq, f',x="{seq * 7919 % 1_000_003}-{seq * 104729 % 999_983}"')
                for seq in range(start, start + 500)
            ]
            answer = write(url, lines)
            if answer.status != 204:
                break
            sent += lines
        assert answer is not None
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert write(url, [alert(300_000, 0).decode()]).status == 204
        assert edge.room.quota.used < 1.1 * MB
        assert edge.room.thinned == 0
        health = urllib3.request("GET", f"{url}/health")
        assert health.status == 503
        assert b"the spool is full" in health.data
        facts = json.loads(
            urllib3.request("GET", f"{url}/metrics")
            .data.decode()
            .split("\ncommune_spool_used_bytes ")[1]
            .split("\n")[0]
        )
        assert facts > 0.9 * MB
        influx2.start()
        until(lambda: write(url, lines).status == 204, within_s=30, what="the edge to take readings again")
        assert urllib3.request("GET", f"{url}/health").status == 200
        sent += lines
        until(lambda: set(sent) <= set(influx2.lines), within_s=30, what="all to arrive")
    assert not gaps_of(tmp_path)


def gaps_of(folder: Path) -> dict[tuple[str, str], RangeSet]:
    spool = Spool(folder / "edge.db")
    found = gaps(spool)
    spool.close()
    return found


def test_hours_of_autonomy_are_in_the_api_and_in_the_metrics(tmp_path: Path, influx2: Influx2) -> None:
    with edge_at_work(edge_config(tmp_path, upstreams=[config(influx2.url)]), serve=True) as (edge, url):
        assert (
            json.loads(urllib3.request("GET", f"{url}/v1/relay").data)["upstreams"][0]["autonomy_hours"]
            is None
        )
        edge.room.quota.rate._monotonic = iter(range(0, 10_000, 100)).__next__
        for start in (1, 11, 21):
            write(url, [line(seq) for seq in range(start, start + 10)])
        hours = json.loads(urllib3.request("GET", f"{url}/v1/relay").data)["upstreams"][0]["autonomy_hours"]
        assert hours > 100
        assert b"commune_relay_autonomy_seconds" in urllib3.request("GET", f"{url}/metrics").data


def test_counts_of_a_thinned_edge_add_up_and_survive_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "edge.db", keep_s=0)
    spool.append([segment(range(n, n + 100)) for n in range(1, 1001, 100)])
    outbox = EdgeOutbox(spool, "influx")
    thinner = thinner_of(spool, outbox)
    thinner.step()
    outbox.done(outbox.next(1))
    reclaim(spool, [outbox])
    thinned = thinner.thinned
    assert thinned > 800
    spool.close()
    spool = Spool(tmp_path / "edge.db", keep_s=0)
    assert thinner_of(spool, outbox).thinned == thinned
    outbox = EdgeOutbox(spool, "influx")
    relay: Any = SimpleNamespace(outbox=outbox)
    counts: Any = SimpleNamespace(received=0, committed=0, duplicates=0, refused=0, commits=0)
    (node,) = status.counters(spool, [relay], counts, 0).nodes
    waiting = outbox.waiting[READINGS].points
    assert node.taken == 1000 == node.committed + node.missing
    assert node.missing == thinned
    assert node.delivered == node.committed - waiting
    assert outbox.waiting[EVENTS].points in (0, len(gaps(spool)[STREAM].__str__().split(",")))
    spool.close()


@pytest.mark.parametrize(
    ("site", "said", "expected"),
    [(COMMUNE, None, True), (PROVINCE, None, False), (PROVINCE, "thin", True), (COMMUNE, "refuse", False)],
)
def test_a_commune_thins_and_the_levels_above_refuse_unless_told_otherwise(
    site: Site, said: Any, *, expected: bool
) -> None:
    assert thins(EdgeConfig(site=site, spool=SpoolTable(when_full=said))) is expected


def test_a_quota_that_cannot_work_is_refused_by_its_key() -> None:
    plan = EdgeConfig(site=COMMUNE, spool=SpoolTable(max_bytes=Bytes(5)))
    assert check(plan) == ['[spool] max_bytes: 5 is too small; 1000000 or more, such as "1GB"']
