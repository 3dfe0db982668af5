"""Joining segments changes their number and nothing else."""

import gzip

import pytest

from gateway.journal import records
from gateway.spool import EVENTS, READINGS, Outbox, Segment, Spool, reclaim, span_of
from gateway.spool.compact import FRESH, Compactor


def join(bodies):
    return gzip.compress(b"\n".join(gzip.decompress(body) for body in bodies), 1)


def segment(number, lane=READINGS, **more):
    body = gzip.compress(b"waste/bin-1/telemetry\t%d\t180\t{%d}" % (number, number))
    return Segment(lane, 1, span_of([("gw-01", "aa", number)]), body, number, number, **more)


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "spool.db", keep_s=0)
    yield made
    made.close()


def drain(outbox):
    lines = []
    while batch := outbox.next(5_000):
        for head in batch.heads:
            lines += gzip.decompress(outbox.spool.body(head.id)).split(b"\n")
        outbox.done(batch)
    return lines


@pytest.mark.slow
def test_a_backlog_shrinks_and_every_reading_is_still_sent_once_in_order(spool):
    outbox = Outbox(spool, "province")
    for number in range(1, 5001):
        spool.append([segment(number)])
    before = sum(head.size for head in spool.heads(READINGS, 0, 10_000, 10_000))
    assert Compactor(spool, [outbox], join).compact() > 4_800
    after = sum(head.size for head in spool.heads(READINGS, 0, 10_000, 10_000))
    assert after < before / 5
    assert outbox.waiting[READINGS].points == 5_000
    assert outbox.waiting[READINGS].bytes == after
    assert [int(line.rsplit(b"{")[1][:-1]) for line in drain(outbox)] == list(range(1, 5001))
    assert outbox.waiting[READINGS].points == outbox.waiting[READINGS].bytes == 0


@pytest.mark.slow
def test_joining_bit_by_bit_while_readings_come_gives_the_same_as_joining_at_the_end(spool):
    outbox = Outbox(spool, "province")
    compactor = Compactor(spool, [outbox], join)
    for number in range(1, 3001):
        spool.append([segment(number)])
        if number % 100 == 0:
            compactor.compact()
    assert len(spool.heads(READINGS, 0, 10_000, 10_000)) < 200
    assert len(drain(outbox)) == 3_000


def test_what_is_on_its_way_confirmed_fresh_or_an_event_is_left_alone(spool):
    outbox = Outbox(spool, "province")
    compactor = Compactor(spool, [outbox], join)
    for number in range(1, 401):
        spool.append([segment(number, EVENTS if number == 150 else READINGS)])
    flying = outbox.next(2_000)
    confirmed = outbox.next(2_000)
    outbox.done(confirmed)
    compactor.compact()
    ids = {head.id for head in spool.heads(READINGS, 0, 1_000, 1_000)}
    assert {head.id for head in flying.heads} <= ids | {150}
    assert set(range(400 - FRESH + 1, 401)) <= ids
    assert spool.heads(EVENTS, 0, 1_000, 10)[0].id == 150
    outbox.back(flying)
    assert len(drain(outbox)) == 400 - confirmed.points


def test_a_drain_asks_no_more_often_for_what_was_joined_than_for_what_was_not(spool, monkeypatch):
    outbox = Outbox(spool, "province")
    for number in range(1, 1001):
        spool.append([segment(number, EVENTS if number in (150, 400) else READINGS)])
    Compactor(spool, [outbox], join).compact()
    asked = []
    heads = spool.heads
    monkeypatch.setattr(spool, "heads", lambda *which: asked.append(which) or heads(*which))
    batches = 0
    while batch := outbox.next(1):
        batches += 1
        outbox.done(batch)
    assert batches > 10
    assert len(asked) <= 3 * batches
    assert list(outbox.delivered.missing(1, 1000)) == []


def test_what_came_since_the_last_call_is_left_alone_and_joined_by_the_next_although_nothing_more_comes(
    spool,
):
    compactor = Compactor(spool, [Outbox(spool, "province")], join)
    for number in range(1, FRESH + 1):
        spool.append([segment(number)])
    assert compactor.compact() == 0
    assert compactor.compact() > 0
    assert [head.points for head in spool.heads(READINGS, 0, 100, 100)] == [40, *[1] * 24]


@pytest.mark.slow
def test_in_a_wait_no_reading_is_written_more_than_three_times_and_few_wait_to_be_joined(spool):
    outbox = Outbox(spool, "province")
    written = 0

    def joined(bodies):
        nonlocal written
        body = join(bodies)
        written += gzip.decompress(body).count(b"\n") + 1
        return body

    compactor = Compactor(spool, [outbox], joined)
    for number in range(1, 3_001):
        spool.append([segment(number)])
        if number % 5 == 0:
            compactor.compact()
    assert written <= 3 * 3_000
    points = [head.points for head in spool.heads(READINGS, 0, 10_000, 10_000)]
    assert max(points) > 2_000
    assert len(points) < 2_400 // 300 + 300 // 40 + 40 + 5
    assert [int(line.rsplit(b"{")[1][:-1]) for line in drain(outbox)] == list(range(1, 3_001))


def test_an_upstream_that_never_answers_keeps_nothing_from_being_joined_later(spool):
    outbox = Outbox(spool, "province")
    compactor = Compactor(spool, [outbox], join)
    for number in range(1, 1_001):
        spool.append([segment(number)])
        if number % 10 == 5:
            outbox.resume(2_000)
            probe = outbox.next(2_000)
        if number % 10 == 0:
            compactor.compact()
            outbox.back(probe)
    assert len(spool.heads(READINGS, 0, 900, 1_000)) < 20
    assert len(drain(outbox)) == 1_000


def test_what_was_on_its_way_when_its_turn_came_is_joined_an_hour_later(spool):
    outbox = Outbox(spool, "province")
    compactor = Compactor(spool, [outbox], join)
    for number in range(1, 101):
        spool.append([segment(number)])
    flying = outbox.next(2_000)
    for number in range(101, 201):
        spool.append([segment(number)])
    compactor.compact()
    compactor.compact()
    outbox.back(flying)
    here = len(flying.heads)
    assert compactor.compact() == 0
    assert len(spool.heads(READINGS, 0, here, 1_000)) == here > 8
    for _ in range(360):
        compactor.compact()
    assert len(spool.heads(READINGS, 0, here, 1_000)) < 2
    assert len(drain(outbox)) == 200


@pytest.mark.slow
def test_progress_and_streams_survive_a_restart_after_joining(tmp_path):
    spool = Spool(tmp_path / "spool.db", keep_s=0)
    outbox = Outbox(spool, "province")
    for number in range(1, 1001):
        spool.append([segment(number)])
    Compactor(spool, [outbox], join).compact()
    first = outbox.next(1)
    outbox.done(first)
    reclaim(spool, [outbox])
    spool.close()
    spool = Spool(tmp_path / "spool.db")
    outbox = Outbox(spool, "province")
    assert str(spool.streams["gw-01", "aa"]) == "1-1000"
    assert outbox.waiting[READINGS].points == 1000 - first.points
    assert len(drain(outbox)) == 1000 - first.points
    spool.close()


def test_a_nodes_records_keep_their_numbers(tmp_path):
    spool = Spool(tmp_path / "node.db", by_seq=True, keep_s=0)
    outbox = Outbox(spool, "custody")
    for number in range(1, 1001):
        lane = EVENTS if number % 300 == 0 else READINGS
        spool.append([segment(number, lane, id=number, boot="one" if number < 500 else "two")])
    assert Compactor(spool, [outbox], join).compact() > 800
    found = {}
    for head in spool.heads(READINGS, 0, 1000, 1000):
        for record in records(spool.body(head.id), head.id):
            found[record.seq] = record.body
    assert found == {n: b"{%d}" % n for n in range(1, 1001) if n % 300}
    spool.close()
