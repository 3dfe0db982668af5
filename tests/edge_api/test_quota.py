"""A full edge loses nothing that its senders can keep, and says how long its room lasts."""

import json
import sqlite3
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import urllib3

import edge_api.edge
from edge_api import status
from edge_api.api.view import CannotCommit, SpoolFull
from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.config import EdgeConfig, Site, check, thins
from edge_api.config import Spool as SpoolTable
from edge_api.history import History
from edge_api.ingest.mqtt import arrival
from edge_api.intake import Intake
from edge_api.lineprotocol import parse
from edge_api.lines import join_lines
from edge_api.outbox import EdgeOutbox
from gateway.feed import Topic
from gateway.spool import EVENTS, READINGS, RangeSet, Spool, reclaim
from gateway.spool.quota import Limits, Quota
from gateway.spool.room import Room
from sensors.settings import Bytes
from tests.edge_api.edge_rig import BIN, COMMUNE, PROVINCE, edge_at_work, edge_config, reading
from tests.edge_api.quota_lines import (
    MB,
    STREAM,
    alert,
    gaps,
    history,
    spool,
    thinner_of,
)
from tests.edge_api.rig import START_NS, config, line, segment
from tests.parts.influx2 import Influx2
from tests.parts.wait import until

__all__ = ["history", "spool"]


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
    monkeypatch.setattr(edge_api.edge, "_HOUSE_S", 0.1)
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
