"""What a failed link is called: an officer is told what it is and what to do, whatever a library named it."""

import errno
import socket
import ssl

import pytest
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from edge_api.api.view import RelayStatus, UpstreamStatus
from edge_api.config import Upstream
from edge_api.upstream import UpstreamError, make_sink
from edge_api.upstream.answers import of_answer
from edge_api.upstream.trouble import TROUBLES, of_exception
from edge_api.web import words
from sensors.settings import Seconds
from sensors.text import translator
from tests.edge_api.conftest import Client
from tests.edge_api.fake_edge import FakeEdge
from tests.parts.ports import free_port

POOL = HTTPConnectionPool("upper.example.vn", 8086)
LINE = HTTPConnection("upper.example.vn", 8086)


def caused(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "no-network"),
        (caused(NewConnectionError(LINE, "no"), OSError(errno.EHOSTUNREACH, "No route")), "no-network"),
        (NameResolutionError("upper", LINE, socket.gaierror(-3, "try again")), "no-name"),
        (MaxRetryError(POOL, "/", caused(NewConnectionError(LINE, "x"), ConnectionRefusedError())), "closed"),
        (TimeoutError("timed out"), "silent"),
        (ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")), "cut"),
        (ssl.SSLCertVerificationError("certificate has expired"), "certificate"),
        (RuntimeError("a bug"), "unexpected"),
    ],
)
def test_the_kind_of_a_failure_is_found_below_what_libraries_wrap_around_it(
    error: Exception, trouble: str
) -> None:
    assert of_exception(error) == trouble


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(200, "not-a-database"), (302, "not-a-database"), (400, "refused"), (401, "not-let-in"),
     (404, "no-place"), (413, "too-large"), (418, "unexpected"), (429, "busy"), (500, "sick"),
     (502, "sick"), (503, "busy")],
)  # fmt: skip
def test_the_kind_of_an_answer_is_known_by_its_status(status: int, trouble: str) -> None:
    assert of_answer(status, {}, None).trouble == trouble


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_closed_port_is_a_service_that_does_not_run_in_both_dialects(api: str) -> None:
    sink = make_sink(
        Upstream(name="p", url=f"http://127.0.0.1:{free_port()}", api=api, timeout=Seconds(5))  # type: ignore[arg-type]
    )
    with pytest.raises(UpstreamError) as told:
        sink.write(b"")
    sink.close()
    assert told.value.trouble == "closed"


def test_a_name_that_is_none_is_told_as_an_address_that_is_not_found() -> None:
    sink = make_sink(Upstream(name="p", url="http://upper.invalid:8086", timeout=Seconds(5)))
    with pytest.raises(UpstreamError) as told:
        sink.write(b"")
    sink.close()
    assert told.value.trouble == "no-name"


def test_the_page_has_words_for_each_kind_and_for_no_other() -> None:
    assert set(words.TROUBLES) == set(TROUBLES)


def link(client: Client, edge: FakeEdge, state: str, trouble: str | None, lang: str = "vi") -> str:
    raw = "http://upper: Plain(host='upper'): <b>refused</b>"
    edge.relay = RelayStatus([
        UpstreamStatus(name="province", state=state, last_error=raw, last_trouble=trouble,
                       last_error_at="2026-11-23T04:00:00.000Z")
    ])  # fmt: skip
    return client.get(f"/link?lang={lang}").data.decode()


@pytest.mark.parametrize("trouble", [*TROUBLES, None, "of-a-newer-edge"])
def test_a_broken_link_says_what_it_is_and_what_to_do_and_keeps_the_raw_error_as_a_detail(
    client: Client, edge: FakeEdge, trouble: str | None
) -> None:
    what, todo = map(translator("vi"), words.TROUBLES.get(trouble or "", words.TROUBLES["unexpected"]))
    told = link(client, edge, "retrying", trouble)
    assert what in told
    assert todo in told
    assert "23/11/2026 11:00:00" in told
    before, raw = told.split("<details")
    assert "Plain(host" not in before
    assert "Plain(host=&#39;upper&#39;): &lt;b&gt;refused&lt;/b&gt;" in raw


def test_nothing_is_to_be_done_about_an_error_that_is_over(client: Client, edge: FakeEdge) -> None:
    what, todo = words.TROUBLES["closed"]
    told = link(client, edge, "sending", "closed", "en")
    assert what in told
    assert todo not in told


def test_each_sentence_is_whole_in_both_languages() -> None:
    for what, todo in words.TROUBLES.values():
        for sentence in (what, todo):
            assert translator("vi")(sentence) != sentence
            assert translator("en")(sentence) == sentence
            assert sentence.endswith(".")
