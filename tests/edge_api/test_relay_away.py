"""While an upstream is away, silent or busy nothing is lost, and the newest is seen first when it is back."""

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_api import pace
from edge_api.pace import Pace
from edge_api.relay import Relay
from edge_api.relay_state import State
from edge_api.upstream import Action, UpstreamError, make_sink
from edge_api.upstream.answers import of_answer
from gateway.spool import Spool
from tests.edge_api.rig import (
    arrived,
    config,
    drained,
    event,
    hasty,
    line,
    lines,
    quarantined,
    relaying,
    segment,
)
from tests.parts.influx2 import Influx2
from tests.parts.influx2_answers import (
    STORED,
    Answer,
    cut,
    cut_request,
    silence,
    slowly,
    too_many,
    unavailable,
)
from tests.parts.ports import free_port
from tests.parts.wait import until

__all__ = ["hasty"]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


@pytest.mark.slow
@pytest.mark.parametrize("answer", [too_many(1), unavailable(1)], ids=lambda a: a.status)
def test_nothing_is_sent_earlier_than_the_upstream_asks(
    spool: Spool, influx2: Influx2, answer: Answer
) -> None:
    asked: list[float] = []
    healthy = influx2.note

    def note(*them: object) -> None:
        asked.append(time.monotonic())
        healthy(*them)  # type: ignore[arg-type]

    influx2.note = note  # type: ignore[method-assign]
    influx2.script(answer, answer)
    spool.append([segment([1])])
    with relaying(spool, influx2.url) as relay:
        until(lambda: relay.state is State.RETRYING)
        spool.append([segment([2]), event(3)])  # news do not shorten the wait either
        drained(relay)
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(asked[:3]))
    assert arrived(influx2) == lines([1, 2, 3])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"retry-after": " 17 "}, 17),
        ({"Retry-After": "99999999"}, 3600),
        ({"Retry-After": "Mon, 23 Nov 2026 05:00:20 GMT", "Date": "Mon, 23 Nov 2026 05:00:00 GMT"}, 20),
        ({"Retry-After": "Mon, 23 Nov 2026 05:00:20 GMT"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_understood_or_left_alone(headers: dict[str, str], seconds: float | None) -> None:
    assert of_answer(503, headers, b"").retry_after_s == seconds


def test_the_pause_grows_with_jitter_and_stays_within_seconds() -> None:
    paces = [Pace(512_000) for _ in range(50)]
    error = UpstreamError(Action.RETRY, "no")
    rows = [[each.pause_s(error) for _ in range(12)] for each in paces]
    assert all(0.25 <= row[0] <= 0.5 for row in rows)
    assert all(5 <= row[-1] <= 10 for row in rows)
    assert len({row[-1] for row in rows}) > 40
    paces[0].answered()
    assert paces[0].pause_s(error) <= 0.5


def test_a_retry_after_of_nothing_is_no_invitation_to_hammer() -> None:
    pauses = [Pace(1).pause_s(UpstreamError(Action.RETRY, "no", 0.0)) for _ in range(9)]
    assert all(pause >= pace.BACKOFF_FIRST_S for pause in pauses)


def test_requests_grow_with_a_quick_line_and_shrink_with_a_slow_one() -> None:
    it = Pace(512_000)
    for _ in range(9):
        it.sent(it.bytes, 0.1)
    assert it.bytes == 480_000 or it.bytes == 512_000
    it.sent(it.bytes, 30.0)
    assert it.bytes < 60_000
    it.too_large(10_000)
    assert it.bytes == 5_000
    it.sent(5_000, 0.01)
    assert it.bytes == 5_000


@pytest.mark.slow
def test_silence_is_bounded_by_the_timeout_and_then_tried_again(
    spool: Spool, influx2: Influx2, hasty: None
) -> None:
    influx2.script(silence())
    spool.append([segment([1])])
    with relaying(spool, influx2.url, timeout=1.0) as relay:
        drained(relay)
    assert len(influx2.requests) >= 2
    assert "timed out" in (relay.last_error or "").lower()


@pytest.mark.parametrize("answer", [cut(stored=True), cut(), cut_request()], ids=["stored", "lost", "half"])
def test_an_answer_that_is_cut_off_means_that_all_is_sent_again(
    spool: Spool, influx2: Influx2, answer: Answer, hasty: None
) -> None:
    influx2.script(answer)
    spool.append([segment(range(1, 200))])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
    assert len(influx2.points) == 199
    assert relay.delivered >= 199
    assert not quarantined(spool)


@pytest.mark.slow
def test_a_slow_answer_is_waited_for(spool: Spool, influx2: Influx2) -> None:
    influx2.script(slowly(0.8, STORED))
    spool.append([segment([1])])
    with relaying(spool, influx2.url, timeout=0.5) as relay:
        drained(relay)
    assert influx2.lines == [line(1)]


def test_a_refused_connection_waits_until_someone_listens(spool: Spool, hasty: None) -> None:
    influx2 = Influx2()
    spool.append([segment([1])])
    with relaying(spool, influx2.url) as relay:
        until(lambda: relay.state is State.RETRYING)
        assert "refused" in (relay.last_error or "")
        with influx2:
            drained(relay)
        assert influx2.lines == [line(1)]


def test_after_an_outage_events_go_first_then_the_newest_readings_then_the_backlog(
    spool: Spool, influx2: Influx2, hasty: None
) -> None:
    influx2.always(unavailable())
    with relaying(spool, influx2.url, max_bytes=2_000) as relay:
        for first in range(1, 4001, 100):
            spool.append([segment(range(first, first + 100))])
        spool.append([event(5000)])
        for seq in range(4001, 4011):
            spool.append([segment([seq])])
        until(lambda: relay.state is State.RETRYING)
        tried = len(influx2.requests)
        until(lambda: len(influx2.requests) > tried + 3)  # it has begun anew since the last commit
        influx2.always(None)
        drained(relay)
    order = [int(each.split("seq=")[1].split("i")[0]) for each in influx2.lines]
    place = {seq: at for at, seq in reversed(list(enumerate(order)))}
    assert place[5000] == 0
    assert all(place[seq] < place[1] for seq in range(4001, 4011))
    assert set(order) == {*range(1, 4011), 5000}


def test_an_event_overtakes_a_long_backlog_on_its_way(spool: Spool, influx2: Influx2) -> None:
    influx2.always(slowly(0.05))
    for first in range(1, 10_001, 100):
        spool.append([segment(range(first, first + 100))])
    with relaying(spool, influx2.url, max_bytes=1_000) as relay:
        until(lambda: len(influx2.requests) > 5)
        spool.append([event(20_000)])
        sent = len(influx2.requests)
        until(lambda: line(20_000) in influx2.lines)
        at = next(n for n, request in enumerate(influx2.requests) if line(20_000) in request.lines)
        assert at <= sent + 1
        assert not relay.drained


def test_the_last_window_is_sent_again_to_an_upstream_that_restarted(spool: Spool, influx2: Influx2) -> None:
    spool.append([segment(range(1, 11))])
    with relaying(spool, influx2.url) as relay:
        drained(relay)
        influx2.kill()
        influx2.lines.clear()
        influx2.start()
        spool.append([segment([11])])
        until(lambda: arrived(influx2) == lines(range(1, 12)))
        drained(relay)
        assert relay.sent_again == 10


def test_an_upstream_that_closes_after_each_answer_is_not_sent_the_same_for_ever(
    spool: Spool, influx2: Influx2
) -> None:
    influx2.always(Answer(204, headers={"Connection": "close"}, stores=True))
    with relaying(spool, influx2.url) as relay:
        for seq in range(1, 31):
            spool.append([segment([seq])])
            drained(relay)
        assert arrived(influx2) == lines(range(1, 31))
        assert influx2.repeats < 15


@pytest.mark.slow
def test_a_segment_that_the_line_cannot_carry_in_time_goes_in_pieces(
    spool: Spool, influx2: Influx2, hasty: None
) -> None:
    sizes: list[int] = []
    judge = influx2.judge

    def slow_line(headers: dict[str, str], body: bytes) -> object:
        sizes.append(len(body))
        if len(body) > 8_000:
            threading.Event().wait(0.6)  # longer than the relay's timeout, as on a line of a few kB/s
            return Answer(503), (), ()
        return judge(headers, body)

    influx2.judge = slow_line  # type: ignore[assignment, method-assign]
    spool.append([segment(list(range(1, 40_001, 3)), more=",fillingLevel=0.123")])
    assert spool.query("SELECT size FROM segment")[0][0] > pace.PROBE_BYTES
    with relaying(spool, influx2.url, timeout=0.3) as relay:
        drained(relay, 30)
    assert len(influx2.points) == len(range(1, 40_001, 3))
    assert max(sizes[-3:]) <= 8_000


@pytest.mark.parametrize("state", ["silent", "refused", "retry-after", "holding", "searching", "idle"])
def test_a_stop_is_bounded_in_time_whatever_the_relay_is_doing(
    spool: Spool, influx2: Influx2, state: str
) -> None:
    url = influx2.url
    if state == "silent":
        influx2.always(silence())
    elif state == "refused":
        url = f"http://127.0.0.1:{free_port()}"
    elif state == "retry-after":
        influx2.always(too_many(3600))
    elif state == "holding":
        influx2.always(Answer(401))
    elif state == "searching":
        influx2.poison("gw-01")
    spool.append([segment(range(1, 2 if state == "idle" else 300))])
    with relaying(spool, url, timeout=3) as relay:
        if state == "idle":
            drained(relay)
        elif state == "silent":
            until(lambda: influx2.held)
        elif state == "searching":
            until(lambda: len(influx2.requests) > 3)
        else:
            until(lambda: relay.state in (State.RETRYING, State.HOLDING))
        began = time.monotonic()
        relay.stop(0.3)
        assert time.monotonic() - began < 1.5
        influx2.release()


def test_a_stop_closes_a_relay_that_was_never_started(spool: Spool, influx2: Influx2) -> None:
    Relay(spool, "province", make_sink(config(influx2.url))).stop(0.1)


def test_a_host_that_takes_the_connection_and_nothing_else_is_left_after_the_timeout(
    spool: Spool, hasty: None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        spool.append([segment([1])])
        with relaying(spool, f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.2) as relay:
            until(lambda: relay.state is State.RETRYING)
            assert not relay.drained
