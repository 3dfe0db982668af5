"""The InfluxDB 2 stand-in, asked by the real client library; and the relay asks as that library does."""

import gzip
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3
from influxdb_client import InfluxDBClient, WriteService
from influxdb_client.rest import ApiException

from edge_api.config import Upstream
from edge_api.upstream.influx_v2 import InfluxV2
from tests.parts import influx2_answers as answers
from tests.parts.influx2 import Influx2, Refusal
from tests.parts.influx2_answers import Answer
from tests.parts.wait import until

pytestmark = pytest.mark.parts

Write = Callable[..., None]
GOOD = "m,asset=a v=1 1"
BAD = "m,asset=a v=poison 2"


@pytest.fixture
def write(influx2: Influx2) -> Iterator[Write]:
    """Write ready-made gzip bytes through the generated service of InfluxDB's own client."""
    client = InfluxDBClient(influx2.url, token="secret", org="commune", retries=False)
    service = WriteService(client.api_client)

    def post(*lines: str, timeout_ms: int = 10_000) -> None:
        service.post_write(
            org="commune",
            bucket="commune",
            precision="ns",
            body=b"".join(gzip.compress(f"{line}\n".encode()) for line in lines),
            content_encoding="gzip",
            content_type="text/plain; charset=utf-8",
            _request_timeout=timeout_ms,
        )

    yield post
    client.close()


def refused(write: Write, *lines: str) -> ApiException:
    with pytest.raises(ApiException) as caught:
        write(*(lines or [GOOD]))
    return caught.value


def test_the_relay_asks_as_influxdbs_own_client_does(influx2: Influx2, write: Write, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("secret\n")
    write(GOOD)
    relay = InfluxV2(Upstream(name="up", url=influx2.url, token_file=token))
    relay.write(gzip.compress(f"{GOOD}\n".encode()))
    relay.close()
    theirs, ours = influx2.requests
    assert ours.params == theirs.params
    for name in ("authorization", "content-encoding"):
        assert ours.headers[name] == theirs.headers[name]
    assert ours.headers["content-type"] == f"{theirs.headers['content-type']}; charset=utf-8"
    assert ours.lines == theirs.lines == (GOOD,)


def test_a_healthy_server_keeps_the_lines_of_joined_members_in_order(influx2: Influx2, write: Write) -> None:
    write("m v=1 1", "m v=2 2")
    write("m v=3 3")
    assert influx2.lines == ["m v=1 1", "m v=2 2", "m v=3 3"]
    first = influx2.requests[0]
    assert first.status == 204
    assert first.params == {"org": "commune", "bucket": "commune", "precision": "ns"}
    assert first.headers["content-encoding"] == "gzip"
    assert first.lines == ("m v=1 1", "m v=2 2")


def test_a_point_written_twice_is_one_point_and_one_repeat(influx2: Influx2, write: Write) -> None:
    write(GOOD, "m,asset=b\\ c v=1 1", GOOD)
    assert influx2.points == {("m,asset=a", "1"): "v=1", ("m,asset=b\\ c", "1"): "v=1"}
    assert influx2.repeats == 1


def test_the_client_finds_it_alive(influx2: Influx2) -> None:
    with InfluxDBClient(influx2.url, token="any", org="commune") as client:
        assert client.ping()
        assert client.version() == "v2.7.11"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answers.UNAUTHORIZED, '{"code":"unauthorized","message":"unauthorized access"}'),
        (answers.FORBIDDEN, '"forbidden"'),
        (answers.NOT_FOUND, '"not found"'),
        (answers.TOO_LARGE, '"request too large"'),
        (answers.UNPROCESSABLE, '"unprocessable entity"'),
        (answers.too_many(7), '"too many requests"'),
        (answers.unavailable(9), '"unavailable"'),
        (answers.INTERNAL, '"internal error"'),
        (answers.malformed(BAD), "unable to parse 'm,asset=a v=poison 2'"),
    ],
)
def test_a_scripted_refusal_is_given_once_and_keeps_nothing(
    influx2: Influx2, write: Write, answer: Answer, words: str
) -> None:
    influx2.script(answer)
    error = refused(write)
    assert error.status == answer.status
    assert words in error.body
    assert error.headers.get("Retry-After") == answer.headers.get("Retry-After")
    assert influx2.lines == []
    write(GOOD)
    assert influx2.lines == [GOOD]
    assert [request.status for request in influx2.requests] == [answer.status, 204]


def test_always_lasts_until_it_is_taken_back_and_the_script_goes_first(
    influx2: Influx2, write: Write
) -> None:
    influx2.always(answers.unavailable())
    influx2.script(answers.STORED)
    write(GOOD)
    assert [refused(write).status for _ in range(3)] == [503, 503, 503]
    influx2.always(None)
    write(GOOD)
    assert len(influx2.lines) == 2


def test_a_wrong_token_is_refused(influx2: Influx2, write: Write) -> None:
    influx2.token = "other"
    assert refused(write).status == 401
    influx2.token = "secret"
    write(GOOD)


def test_a_request_beyond_the_size_limit_is_refused(influx2: Influx2, write: Write) -> None:
    influx2.size_limit = 100
    assert refused(write, *[GOOD] * 10).status == 413
    write(GOOD)


@pytest.mark.parametrize(
    ("how", "status", "words", "kept"),
    [
        (Refusal.MALFORMED, 400, "unable to parse 'm,asset=a v=poison 2'", []),
        (Refusal.CONFLICT, 422, "dropped=1", [GOOD, "m v=3 3"]),
        (Refusal.PARTIAL, 400, '"line_number": 2', [GOOD, "m v=3 3"]),
    ],
)
def test_a_poisoned_line_is_refused_in_each_database_s_manner_until_cured(
    influx2: Influx2, write: Write, how: Refusal, status: int, words: str, kept: list[str]
) -> None:
    influx2.poison("poison", how)
    error = refused(write, GOOD, BAD, "m v=3 3")
    assert (error.status, influx2.lines) == (status, kept)
    assert words in error.body
    influx2.cure()
    write(BAD)
    assert influx2.lines == [*kept, BAD]


def test_damaged_gzip_is_refused(influx2: Influx2) -> None:
    http = urllib3.PoolManager(retries=False)
    whole = gzip.compress(b"m v=1 1")
    for body in (whole[:-4], b"plain", whole + b"rest"):
        answer = http.request(
            "POST", f"{influx2.url}/api/v2/write", body=body, headers={"Content-Encoding": "gzip"}
        )
        assert answer.status == 400
    http.clear()
    assert influx2.lines == []


def test_silence_lasts_until_it_is_released(influx2: Influx2, write: Write) -> None:
    influx2.script(answers.silence())
    with ThreadPoolExecutor(1) as pool:
        written: Future[None] = pool.submit(write, GOOD)
        until(lambda: influx2.held == 1, what="the write to be held")
        assert not written.done()
        assert influx2.lines == []
        assert influx2.release() == 1
        written.result(10)
    assert influx2.lines == [GOOD]


def test_a_client_that_gives_up_on_silence_cannot_know_that_its_lines_were_kept_later(
    influx2: Influx2, write: Write
) -> None:
    influx2.script(answers.silence())
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        write(GOOD, timeout_ms=50)
    influx2.release()
    until(lambda: influx2.lines == [GOOD], what="the late commit")


@pytest.mark.parametrize("stored", [True, False])
def test_a_connection_cut_in_the_middle_of_the_answer(
    influx2: Influx2, write: Write, *, stored: bool
) -> None:
    influx2.script(answers.cut(stored=stored))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        write(GOOD)
    assert influx2.lines == ([GOOD] if stored else [])
    write(GOOD)
    assert influx2.repeats == (1 if stored else 0)


def test_a_connection_cut_in_the_middle_of_the_request(influx2: Influx2, write: Write) -> None:
    influx2.script(answers.cut_request())
    with pytest.raises(urllib3.exceptions.ProtocolError):
        write(*[f"m v={number} {number}" for number in range(5000)])
    assert influx2.lines == []


def test_a_slow_answer_takes_its_time_and_is_whole(influx2: Influx2, write: Write) -> None:
    influx2.script(answers.slowly(0.4), answers.slowly(0.4, answers.unavailable(3)))
    began = time.monotonic()
    write(GOOD)
    assert time.monotonic() - began >= 0.4
    assert refused(write).headers["Retry-After"] == "3"


def test_it_can_be_killed_in_the_middle_and_comes_back_on_the_same_port(
    influx2: Influx2, write: Write
) -> None:
    write(GOOD)
    url = influx2.url
    influx2.script(answers.silence())
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write, BAD)
        until(lambda: influx2.held == 1, what="the write to be held")
        influx2.kill()
        with pytest.raises(urllib3.exceptions.ProtocolError):
            written.result(10)
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        write(GOOD)
    influx2.restart()
    assert influx2.url == url
    write("m v=3 3")
    assert influx2.lines == [GOOD, "m v=3 3"]


def test_many_clients_at_once_lose_nothing(influx2: Influx2, write: Write) -> None:
    lines = [f"m v={number} {number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, lines))
    assert sorted(influx2.lines) == sorted(lines)
    assert len(influx2.requests) == 200
