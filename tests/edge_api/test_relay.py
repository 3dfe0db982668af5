"""Every answer of an upstream leads to the right act, and no line is lost or stands in another's way."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge_api.relay import Relay
from edge_api.relay_state import State
from gateway.spool import READINGS, Segment, Spool
from tests.edge_api.rig import arrived, drained, event, hasty, line, lines, quarantined, relaying, segment
from tests.parts.influx2 import Influx2, Refusal
from tests.parts.influx2_answers import (
    FORBIDDEN,
    INTERNAL,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHORIZED,
    UNPROCESSABLE,
    Answer,
    unavailable,
)
from tests.parts.wait import until

__all__ = ["hasty"]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


def test_what_was_committed_arrives_untouched_and_joined_in_few_requests(
    spool: Spool, influx2: Influx2
) -> None:
    spool.append([segment(range(n, n + 10)) for n in range(1, 500, 10)])
    with relaying(spool, influx2.url, org="xã", bucket="b") as relay:
        drained(relay)
        until(lambda: relay.state is State.IDLE)
    assert influx2.lines == [line(n) for n in range(1, 501)]
    assert len(influx2.requests) < 5
    assert influx2.requests[0].params == {"org": "xã", "bucket": "b", "precision": "ns"}
    assert relay.delivered == 500
    assert relay.last_success is not None


@pytest.mark.parametrize("how", Refusal)
@pytest.mark.parametrize("bad", [[1], [64], [17], [1, 2, 33, 63, 64]], ids=str)
def test_exactly_the_refused_lines_are_quarantined_and_all_others_arrive(
    spool: Spool, influx2: Influx2, how: Refusal, bad: list[int]
) -> None:
    for seq in bad:
        influx2.poison(f"seq={seq}i,", how)
    spool.append([segment(range(1, 33)), segment(range(33, 65)), event(70)])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert arrived(influx2) == lines([*(set(range(1, 65)) - set(bad)), 70])
    assert set(quarantined(spool)) == lines(bad)
    assert all(reason.startswith(("400 ", "422 ")) for reason in quarantined(spool).values())
    assert relay.quarantined == len(bad)
    assert relay.delivered == 65 - len(bad)
    if how is Refusal.MALFORMED:
        for refused, reason in quarantined(spool).items():
            assert reason == f"400 unable to parse '{refused}': invalid number"


def test_a_batch_beyond_retention_goes_to_quarantine_line_by_line(spool: Spool, influx2: Influx2) -> None:
    influx2.always(UNPROCESSABLE)
    spool.append([segment(range(1, 6))])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert set(quarantined(spool)) == lines(range(1, 6))


def test_a_line_refused_again_after_a_restart_of_the_upstream_is_quarantined_once(
    spool: Spool, influx2: Influx2
) -> None:
    influx2.poison("seq=3i")
    spool.append([segment(range(1, 6))])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
        influx2.lines.clear()
        influx2.restart()
        spool.append([segment([9])])
        until(lambda: arrived(influx2) == lines([1, 2, 4, 5, 9]))
        drained(relay)
    assert spool.query("SELECT count(*) FROM quarantine") == [(1,)]


def test_progress_in_finding_a_refused_line_survives_failures_in_between(
    spool: Spool, influx2: Influx2, hasty: None
) -> None:
    influx2.poison("seq=77i,")
    spool.append([segment(range(1, 1001))])
    healthy = influx2.judge

    def every_third_fails(
        headers: dict[str, str], body: bytes
    ) -> tuple[Answer, tuple[str, ...], tuple[str, ...]]:
        return (INTERNAL, (), ()) if len(influx2.requests) % 3 == 2 else healthy(headers, body)

    influx2.judge = every_third_fails  # type: ignore[method-assign]
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert arrived(influx2) == lines(range(1, 1001)) - {line(77)}
    assert list(quarantined(spool)) == [line(77)]
    assert len(influx2.requests) < 60


def test_an_event_and_live_readings_overtake_the_search_for_refused_lines(
    spool: Spool, influx2: Influx2
) -> None:
    influx2.poison("bad=1")
    spool.append([segment(range(1, 301), more=",bad=1")])
    with relaying(spool, influx2.url) as relay:
        until(lambda: len(influx2.requests) > 20)
        spool.append([segment([400]), event(401)])
        until(lambda: arrived(influx2) == lines([400, 401]))
        assert not relay.drained
        drained(relay)
    assert len(quarantined(spool)) == 300


@pytest.mark.parametrize("answer", [UNAUTHORIZED, FORBIDDEN, NOT_FOUND], ids=lambda a: a.status)
def test_a_closed_door_holds_everything_until_it_opens(
    spool: Spool, influx2: Influx2, answer: Answer, hasty: None
) -> None:
    influx2.always(answer)
    spool.append([segment(range(1, 11))])
    with relaying(spool, influx2.url) as relay:
        until(lambda: relay.state is State.HOLDING)
        assert relay.last_error is not None
        assert relay.last_error.startswith(f"{answer.status} ")
        assert not influx2.lines
        influx2.always(None)
        drained(relay)
        until(lambda: relay.state is State.IDLE)
    assert arrived(influx2) == lines(range(1, 11))
    assert not quarantined(spool)


@pytest.mark.parametrize("status", [200, 302])
def test_a_login_page_in_between_is_not_taken_for_a_database(
    spool: Spool, influx2: Influx2, status: int, hasty: None
) -> None:
    influx2.always(Answer(status, b"<html>Please pay</html>", {"Location": "http://127.0.0.1:1/"}))
    spool.append([segment([1])])
    with relaying(spool, influx2.url) as relay:
        until(lambda: relay.state is State.HOLDING)
        assert "login page" in (relay.last_error or "")
        assert not relay.drained
        influx2.always(None)
        drained(relay)
    assert arrived(influx2) == lines([1])


def test_a_request_that_is_too_large_is_split_and_the_size_is_learned(spool: Spool, influx2: Influx2) -> None:
    influx2.size_limit = 30_000
    for first in range(1, 20_001, 200):
        spool.append([segment(range(first, first + 200))])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert arrived(influx2) == lines(range(1, 20_001))
    assert sum(request.status == 413 for request in influx2.requests) <= 4


def test_a_single_line_that_is_too_large_is_quarantined(spool: Spool, influx2: Influx2) -> None:
    influx2.size_limit = 3_000
    long = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(4_000))
    spool.append([segment([1, 2]), segment([3], more=f',note="{long}"'), segment([4])])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert arrived(influx2) == lines([1, 2, 4])
    assert list(quarantined(spool).values()) == ["413 unable to read data: points batch is too large"]


def test_everything_too_large_once_is_only_split(spool: Spool, influx2: Influx2) -> None:
    influx2.script(TOO_LARGE, TOO_LARGE)
    spool.append([segment(range(1, 9))])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert influx2.lines == [line(n) for n in range(1, 9)]


def test_a_damaged_segment_is_quarantined_whole_and_the_others_arrive(spool: Spool, influx2: Influx2) -> None:
    whole = segment(range(1, 21))
    damaged = Segment(READINGS, 20, "", whole.body[: len(whole.body) // 2])
    spool.append([segment([30]), damaged, segment([31])])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert arrived(influx2) == lines([30, 31])
    [(body, reason)] = spool.query("SELECT body, reason FROM quarantine")
    assert body == damaged.body
    assert reason.startswith("damaged segment: ")


def test_two_upstreams_progress_each_by_itself(spool: Spool, influx2: Influx2, hasty: None) -> None:
    with Influx2() as central:
        influx2.always(unavailable())
        central.poison("seq=2i")
        spool.append([segment(range(1, 4))])
        with relaying(spool, influx2.url) as first, relaying(spool, central.url, "central") as second:
            drained(second)
            assert first.state is State.RETRYING
            assert not first.drained
            assert arrived(central) == lines([1, 3])
            influx2.always(None)
            drained(first)
        assert arrived(influx2) == lines([1, 2, 3])


def test_a_relay_survives_what_it_does_not_expect_and_the_rest_goes_on(
    spool: Spool, influx2: Influx2, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = {2}
    healthy = spool.bodies

    def bodies(ids: Sequence[int]) -> Iterator[bytes]:
        if unreadable & set(ids):
            raise RuntimeError("database disk image is malformed")
        return healthy(ids)

    monkeypatch.setattr(spool, "bodies", bodies)
    spool.append([segment([1]), segment([2]), segment([3])])
    with relaying(spool, influx2.url) as relay:
        until(lambda: arrived(influx2) == lines([1, 3]))
        until(lambda: relay.state is State.RETRYING)
        assert relay.last_error == "RuntimeError: database disk image is malformed"
        unreadable.clear()
        drained(relay)
    assert arrived(influx2) == lines([1, 2, 3])


def test_a_stop_drains_first_when_the_upstream_answers(spool: Spool, influx2: Influx2) -> None:
    with relaying(spool, influx2.url) as relay:
        for n in range(1, 300):
            spool.append([segment([n])])
        relay.stop(10)
    assert arrived(influx2) == lines(range(1, 300))


def test_threads_of_relays_are_named_after_their_upstream(spool: Spool, influx2: Influx2) -> None:
    with relaying(spool, influx2.url) as relay:
        assert isinstance(relay, Relay)
        assert "relay province" in {thread.name for thread in threading.enumerate()}


def test_what_always_fails_unexpectedly_keeps_no_new_reading_waiting(
    spool: Spool, influx2: Influx2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_api.relay.BACKOFF_MOST_S", 600.0)  # until it is tried again
    healthy = spool.bodies

    def bodies(ids: Sequence[int]) -> Iterator[bytes]:
        if 1 in ids:
            raise RuntimeError("a bug")
        return healthy(ids)

    monkeypatch.setattr(spool, "bodies", bodies)
    spool.append([segment([1])])
    with relaying(spool, influx2.url) as relay:
        for seq in (2, 3):
            until(lambda: relay.last_error == "RuntimeError: a bug" and relay.state is State.RETRYING)
            spool.append([segment([seq])])
            until(lambda seq=seq: line(seq) in arrived(influx2), what="the new reading")  # type: ignore[misc]
        assert not relay.drained
