"""The one writer acknowledges what is on disk, keeps repeats once, and never stops for one bad thing."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.json import encode as encode_json

from edge_api.api.view import CannotCommit
from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.gaps import gaps
from edge_api.history import History
from edge_api.ingest.mqtt import arrival
from edge_api.intake import Arrival, Intake
from edge_api.lineprotocol import parse
from edge_api.lines import join_lines, split_lines
from edge_api.point import Point
from gateway.feed import Topic, from_ns
from gateway.spool import EVENTS, READINGS, Committer, Gap, RangeSet, Refused, Spool, span_of
from tests.edge_api.rig import START_NS, STREAM, line
from tests.parts.wait import until

TAGS = {"province": "42", "commune": "18562", "domain": "waste", "asset": "bin-1"}


class Desk:
    """An intake over a real spool, and what it acknowledged."""

    def __init__(self, path: Path) -> None:
        self.spool = Spool(path / "spool.db")
        self.history = History(path / "history.db")
        self.acked: list[int] = []
        self.touched: list[object] = []
        self.intake = self.reopened()

    def reopened(self) -> Intake:
        self.intake = Intake(self.spool, self.history, self.touched.append, lambda: START_NS)
        return self.intake

    def message(self, seq: int, lane: int = READINGS, gap: Gap | None = None) -> MessageArrival:
        point = Point("WasteContainer", TAGS, START_NS + seq, {"seq": seq})
        return MessageArrival(lambda: self.acked.append(seq), lane, STREAM, seq, line(seq), point, gap)

    def refused(self, number: int, body: bytes, span: str = "") -> MessageArrival:
        refused = Refused("mqtt", "ntm/v1/x", "no", body, span)
        return MessageArrival(lambda: self.acked.append(number), refused=refused)

    def kept(self) -> list[str]:
        rows = self.spool.query("SELECT body FROM segment ORDER BY id")
        return [each.decode() for (body,) in rows for each in split_lines(body)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.spool.close()
    desk.history.close()


def batch(*texts: str) -> BatchArrival:
    body = "\n".join(texts).encode()
    return BatchArrival(join_lines([text.encode() for text in texts]), parse(body), Future())


def full(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_whoever_has_an_answer_finds_it_shown(desk: Desk) -> None:
    web = batch(line(1))
    shown: list[int] = []
    web.done.add_done_callback(lambda _: shown.append(len(desk.history.latest())))
    desk.intake.commit([web])
    assert shown == [1]


def test_a_group_is_one_commit_with_a_segment_a_lane_and_then_everyone_is_answered(desk: Desk) -> None:
    web = batch("m v=1 7")
    desk.intake.commit([desk.message(2), desk.message(1), desk.message(3, EVENTS), web])
    assert desk.acked == [2, 1, 3]
    assert web.done.done()
    assert desk.spool.query("SELECT lane, points, span FROM segment ORDER BY id") == [
        (READINGS, 1, ""), (EVENTS, 1, "gw-01/aa:3"), (READINGS, 2, "gw-01/aa:1-2"),
    ]  # fmt: skip
    assert desk.intake.counts.commits == 1
    assert desk.intake.counts.committed == 4


def fed(seq: int) -> MessageArrival:
    """A message as ingest hands it over, of one of seven bins; each hundredth is an alarm."""
    domain, asset = "waste", f"bin-{seq % 7}"
    topic = f"ntm/v1/42/18562/{domain}/{asset}"
    own = {"v": 1, "ts": from_ns(START_NS + seq * 1_000_000), "gw": "gw-01", "ep": "aa", "seq": seq}
    if seq % 100 == 99:
        alarm = own | {"id": f"gw-01-aa-{seq}", "type": "fire"}
        return arrival(Topic.parse(f"{topic}/event"), encode_json(alarm), str)
    body = own | {"type": "WasteContainer", "q": "good" if seq % 5 else "bad", "fillingLevel": seq / 1_000}
    return arrival(Topic.parse(f"{topic}/telemetry"), encode_json(body), str)


def test_a_flood_of_messages_is_shown_as_if_it_had_come_one_after_the_other(tmp_path: Path) -> None:
    seen = []
    for number, cuts in enumerate((range(1, 1_001), [1, 1_000], [1, 50, 600, 601, 700, 1_000])):
        (tmp_path / str(number)).mkdir()
        desk = Desk(tmp_path / str(number))
        heard: list[Point] = []
        desk.history.listen(heard.extend)
        for first, end in pairwise(cuts):
            desk.intake.commit([fed(seq) for seq in range(first, end)])
        keys = [asset.key for asset in desk.history.latest()]
        columns = [desk.history.columns(key, 0, 2**62) for key in keys]
        told = sorted((point.fields["seq"], point.ts_ns, point.measurement) for point in heard)
        seen.append((desk.history.latest(), columns, told))
        desk.history.close()
        desk.spool.close()
    assert len(seen[0][0]) == 7
    assert len(seen[0][2]) == 999
    assert seen[0] == seen[1] == seen[2]


def test_the_few_messages_after_a_flood_do_not_have_it_opened(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("edge_api.history.memory.series_of", lambda bodies: opened.append(bodies) or [])
    desk.intake.commit([fed(seq) for seq in range(1, 400)])
    for seq in range(400, 410):
        desk.intake.commit([fed(seq)])
    assert not opened
    desk.history.latest()
    assert opened


def test_a_few_messages_are_taken_in_at_once_where_nothing_waits_unopened(desk: Desk) -> None:
    desk.intake.commit([fed(seq) for seq in range(1, 10)])
    assert not desk.history.unopened([("42", "18562")])
    desk.intake.commit([fed(seq) for seq in range(10, 400)])
    assert desk.history.unopened([("42", "18562")])
    assert not desk.history.unopened([("42", "18565")])
    desk.history.flush()
    assert not desk.history.unopened([("42", "18562")])


def test_nothing_is_acknowledged_when_the_disk_refuses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    web = batch("m v=1 7")
    with monkeypatch.context() as patch:
        patch.setattr(desk.spool, "append", full)
        with pytest.raises(sqlite3.OperationalError):
            desk.intake.commit([desk.message(1), web])
    assert not desk.acked
    assert not web.done.done()
    desk.intake.commit([desk.message(1), web])
    assert desk.acked == [1]


def test_a_repeat_is_acknowledged_and_kept_once_in_a_group_and_after_a_restart(desk: Desk) -> None:
    desk.intake.commit([desk.message(1), desk.message(1)])
    desk.reopened().commit([desk.message(1)])
    assert desk.acked == [1, 1, 1]
    assert desk.kept() == [line(1)]
    assert desk.intake.counts.duplicates == 1


def test_numbers_in_any_order_and_far_apart_are_each_kept_once(desk: Desk) -> None:
    desk.intake.commit([desk.message(seq) for seq in (2**53, 3, 1, 3, 2)])
    desk.intake.commit([desk.message(seq) for seq in (2, 3, 4)])
    assert desk.acked == [2**53, 3, 1, 3, 2, 2, 3, 4]
    assert desk.kept() == [line(seq) for seq in (2**53, 3, 1, 2, 4)]
    assert str(desk.spool.streams[STREAM]) == f"1-4,{2**53}"
    assert (desk.intake.counts.committed, desk.intake.counts.duplicates) == (5, 3)


def test_a_batch_sent_twice_counts_once_also_within_one_group(desk: Desk) -> None:
    one, two, three = (batch(line(1), line(2)) for _ in range(3))
    desk.intake.commit([one, two])
    desk.intake.commit([three])
    assert desk.kept() == [line(1), line(2)]
    assert all(each.done.done() for each in (one, two, three))
    assert (desk.intake.counts.committed, desk.intake.counts.duplicates) == (2, 4)


def test_a_batch_known_in_part_keeps_its_bytes_and_counts_what_is_new(desk: Desk) -> None:
    desk.intake.commit([batch(line(1))])
    desk.intake.commit([batch(line(1), line(2), "m v=1 7")])
    assert desk.kept() == [line(1), line(1), line(2), "m v=1 7"]
    assert (desk.intake.counts.committed, desk.intake.counts.duplicates) == (3, 1)


def test_points_without_identity_are_always_kept(desk: Desk) -> None:
    desk.intake.commit([batch("cpu,host=a usage=1 7"), batch("cpu,host=a usage=1 7")])
    assert len(desk.kept()) == 2


def test_a_gap_holds_only_what_did_not_come_in_the_same_group_either(desk: Desk) -> None:
    gap = desk.message(10, EVENTS, Gap(STREAM, 3, 8, "quota"))
    desk.intake.commit([desk.message(1), gap, desk.message(5), desk.message(2)])
    assert desk.spool.query("SELECT first, last, reason FROM gap") == [(3, 4, "quota"), (6, 8, "quota")]
    assert [(each.first, each.last, each.reason) for each in gaps(desk.spool)] == [
        (6, 8, "quota"), (3, 4, "quota"), (9, 9, "unknown"),
    ]  # fmt: skip


def test_a_gap_told_over_http_is_a_gap(desk: Desk) -> None:
    alert = f'Alert,asset=gw-01,kind=gap gw="gw-01",ep="aa",seq=9i,from=2i,to=8i,reason="quota" {START_NS}'
    desk.intake.commit([batch(alert)])
    assert desk.spool.query("SELECT first, last, reason FROM gap") == [(2, 8, "quota")]
    assert desk.spool.query("SELECT lane FROM segment") == [(EVENTS,)]


def test_a_reading_that_comes_after_it_was_given_up_is_kept_once(desk: Desk) -> None:
    desk.spool.append((), gaps=[Gap(STREAM, 1, 49, "unknown")])
    desk.intake.commit([desk.message(50), desk.message(20), desk.message(20)])
    desk.intake.commit([desk.message(20), desk.message(50)])
    assert desk.kept() == [line(50), line(20)]
    assert desk.acked == [50, 20, 20, 20, 50]


def test_what_is_refused_is_kept_whole_once_and_custody_hears_of_it(desk: Desk) -> None:
    span = span_of([(*STREAM, 4)])
    desk.intake.commit([desk.refused(1, b"{"), desk.refused(2, b"{"), desk.refused(3, b"}", span)])
    desk.reopened().commit([desk.refused(4, b"{")])
    assert desk.acked == [1, 2, 3, 4]
    assert desk.spool.query("SELECT body, span FROM quarantine") == [(b"{", ""), (b"}", span)]
    assert STREAM in desk.touched[0]  # type: ignore[operator]
    assert desk.spool.streams[STREAM] == RangeSet([(4, 4)])


def test_memory_of_refused_messages_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_api.intake._REMEMBERED", 3)
    desk.intake.commit([desk.refused(n, b"%d" % n) for n in range(10)])
    assert len(desk.intake._refused) == 3


def test_a_history_that_fails_does_not_hold_up_custody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(points: object) -> None:
        raise RuntimeError("a listener raised")

    monkeypatch.setattr(desk.history, "add", broken)
    web = batch("m v=1 7")
    desk.intake.commit([desk.message(1), web])
    assert desk.acked == [1]
    assert web.done.done()


def test_a_sender_that_has_hung_up_does_not_disturb_the_commit(desk: Desk) -> None:
    web = batch("m v=1 7")
    web.done.cancel()
    desk.intake.commit([web, desk.message(1)])
    assert desk.acked == [1]
    assert len(desk.kept()) == 2


def test_http_senders_are_told_at_once_that_the_disk_is_full_even_behind_waiting_messages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.spool.committer._RETRY_MOST_S", 0.05)
    committer: Committer[Arrival] = Committer(desk.intake.commit, desk.intake.refuse)
    with monkeypatch.context() as patch:
        patch.setattr(desk.spool, "append", full)
        committer.start()
        committer.put(desk.message(1))
        until(lambda: committer.failing)
        web = batch("m v=1 7")
        committer.put(web)
        with pytest.raises(CannotCommit, match="the disk does not take it: database or disk is full") as said:
            web.done.result(10)
        assert said.value.retry_after_s > 0
        assert not desk.acked
    until(lambda: desk.acked == [1], within_s=15)
    assert committer.stop()
    assert desk.kept() == [line(1)]


def test_what_comes_after_all_is_no_gap_any_more_also_after_a_restart(desk: Desk) -> None:
    desk.intake.commit([desk.message(9, EVENTS, Gap(STREAM, 1, 8, "damage"))])
    desk.intake.commit([desk.message(4)])
    assert desk.spool.query("SELECT first, last FROM gap ORDER BY first") == [(1, 3), (5, 8)]
    desk.reopened().commit([desk.message(4), desk.message(5)])
    assert desk.intake.counts.duplicates == 1
    assert desk.spool.query("SELECT first, last FROM gap ORDER BY first") == [(1, 3), (6, 8)]
    assert desk.kept().count(line(4)) == 1


def test_a_stretch_without_power_is_a_gap_in_time_once_and_hides_no_number(desk: Desk) -> None:
    away = Gap.of_time(STREAM, "power", START_NS, START_NS + 10**12)
    desk.intake.commit([desk.message(1), desk.message(2, EVENTS, away)])
    desk.intake.commit([desk.message(2, EVENTS, away)])
    text = (
        'Alert,asset=gw-01,kind=gap gw="gw-01",ep="aa",seq=3i,reason="power",'
        'after="2026-11-23T05:00:00.000Z",before="2026-11-23T06:00:00.000Z" 3'
    )
    desk.intake.commit([batch(text)])
    desk.intake.commit([batch(text.replace("seq=3i", "seq=4i"))])
    found = gaps(desk.spool)
    assert [(gap.reason, gap.first, gap.last) for gap in found] == [("power", None, None)] * 2
    assert (found[0].after, found[0].before) == ("2026-11-23T05:00:00.000Z", "2026-11-23T06:00:00.000Z")
    assert desk.spool.streams[STREAM] == RangeSet([(1, 4)])


def test_a_new_spool_of_a_node_shows_where_the_old_one_ended_and_the_new_one_began(desk: Desk) -> None:
    def point(ep: str, seq: int, minute: int) -> str:
        at_ns = START_NS + minute * 60 * 10**9
        return f'WasteContainer,asset=bin-1 gw="gw-01",ep="{ep}",seq={seq}i {at_ns}'

    desk.intake.commit([batch(point("new", 1, 90), point("old", 1, 0))])  # newest first, as after an outage
    desk.intake.commit([batch(point("old", 2, 10)), batch(point("new", 2, 100))])
    expected = [("old", 3, None, "replaced", 10, 90)]

    def shown() -> list[tuple[object, ...]]:
        times = {from_ns(START_NS + minute * 60 * 10**9): minute for minute in (0, 10, 90, 100)}
        return [
            (gap.ep, gap.first, gap.last, gap.reason, times[gap.after or ""], times[gap.before or ""])
            for gap in gaps(desk.spool)
        ]

    assert shown() == expected
    desk.spool.reclaim({}, RangeSet([(1, desk.spool.last_id)]))
    desk.spool.close()
    desk.spool = Spool(desk.spool.path)
    assert shown() == expected
