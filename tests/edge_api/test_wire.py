"""HTTP at its edges: whatever somebody sends, the edge answers or hangs up, and takes what others send."""

import socket

import pytest

from tests.edge_api.conftest import Client
from tests.edge_api.fake_edge import WRITER, FakeEdge

LAST = b"Connection: close\r\n"
LINE = b"m,asset=a f=1i 1795412300000000000"
HEAD = b"POST /api/v2/write HTTP/1.1\r\nHost: x\r\nAuthorization: Token w\r\n"
CLOSING = HEAD + LAST + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def whole(line: bytes = LINE, *more: bytes) -> bytes:
    """Return a request as it should be."""
    return HEAD + b"".join(more) + b"Content-Length: %d\r\n\r\n" % len(line) + line


def wire_to(client: Client) -> socket.socket:
    host, _, port = client.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def answers(client: Client, *pieces: bytes) -> bytes:
    """Send pieces one by one, and return all that is answered until the edge hangs up."""
    with wire_to(client) as wire:
        for piece in pieces:
            try:
                wire.sendall(piece)
            except ConnectionError:
                break
        got = b""
        while True:
            try:
                piece = wire.recv(65_536)
            except ConnectionError:
                return got
            if not piece:
                return got
            got += piece


def statuses(text: bytes) -> list[int]:
    return [int(each[:3]) for each in text.split(b"HTTP/1.1 ")[1:]]


def still_takes(client: Client, edge: FakeEdge) -> None:
    before = len(edge.batches)
    assert client.post("/api/v2/write", LINE, WRITER).status == 204
    assert len(edge.batches) == before + 1


def endless(client: Client, begin: bytes, more: bytes) -> int:
    """Send without end; return how many bytes were taken before the edge hung up."""
    sent = 0
    with wire_to(client) as wire:
        wire.sendall(begin)
        while sent < 50_000_000:
            try:
                wire.sendall(more)
            except ConnectionError:
                return sent
            sent += len(more)
    return sent


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /" + b"a" * 10, b"a" * 1_000),
        (HEAD, b"X-More: 1\r\n" * 100),
        (HEAD + b"X-More: ", b"a" * 1_000),
        (HEAD, b"a" * 1_000),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"X-More: 1\r\n" * 100),
        (CHUNKED + b"1\r\nx\r\n0\r\nX-More: ", b"a" * 1_000),
        (CHUNKED + b"1;x=", b"a" * 1_000),
    ],
    ids=["address", "headers", "value", "name", "trailers", "trailer", "extension"],
)
def test_a_head_without_end_is_cut_off(client: Client, edge: FakeEdge, begin: bytes, more: bytes) -> None:
    assert endless(client, begin, more) < 20_000_000  # most of it lies in the buffers of both ends
    assert edge.batches == []
    still_takes(client, edge)


def test_a_head_that_is_too_large_is_answered(client: Client) -> None:
    assert statuses(answers(client, HEAD, *[b"X-More: 1\r\n" * 1_000] * 10)) in ([400], [])
    assert statuses(answers(client, whole(LINE, b"X-More: " + b"a" * 30_000 + b"\r\n", LAST))) == [204]


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a sender that speaks TLS
        b"NONSENSE\r\n\r\n",
        whole(LINE, b"Content-Length: 3\r\n"),
        whole(LINE, b"Transfer-Encoding: chunked\r\n"),
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1e3\r\n\r\n" + LINE,
        whole(LINE, b"X-Zero: a\0b\r\n"),
        whole(LINE, b"Bad Name: 1\r\n"),
        CHUNKED + b"zz\r\n" + LINE,
        b"POST http://[x/api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(client: Client, edge: FakeEdge, wrong: bytes) -> None:
    assert statuses(answers(client, wrong)) == [400]
    assert edge.batches == []
    still_takes(client, edge)


def test_a_body_comes_in_whatever_pieces_it_likes(client: Client, edge: FakeEdge) -> None:
    assert statuses(answers(client, *[bytes([each]) for each in whole(LINE, LAST)])) == [204]
    chunks = [b"%x\r\n%b\r\n" % (len(each), each) for each in (LINE[:5], LINE[5:9], LINE[9:])]
    assert statuses(answers(client, CLOSING, *chunks, b"0\r\n\r\n")) == [204]
    assert edge.lines() == [LINE.decode()] * 2


def test_requests_that_do_not_wait_for_answers_are_answered_in_turn(client: Client, edge: FakeEdge) -> None:
    lines = [b"m,asset=a f=%di %d" % (n, n) for n in range(200)]
    last = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(answers(client, b"".join(map(whole, lines)) + last)) == [204] * 201
    assert edge.lines() == [line.decode() for line in lines]


def test_a_sender_that_asks_first_is_told_to_go_on(client: Client, edge: FakeEdge) -> None:
    with wire_to(client) as wire:
        head = HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(LINE)
        wire.sendall(head)
        assert wire.recv(1_000).startswith(b"HTTP/1.1 100 ")
        wire.sendall(LINE)
        assert wire.recv(1_000).startswith(b"HTTP/1.1 204 ")
    assert edge.lines() == [LINE.decode()]


def test_a_sender_that_asks_first_without_a_token_is_refused_before_it_sends(client: Client) -> None:
    with wire_to(client) as wire:
        head = HEAD.replace(b"Token w", b"Token x") + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        wire.sendall(head)
        assert wire.recv(1_000).startswith(b"HTTP/1.1 401 ")


def test_an_old_client_is_answered(client: Client, edge: FakeEdge) -> None:
    assert statuses(answers(client, whole().replace(b"HTTP/1.1", b"HTTP/1.0"))) == [204]
    assert edge.lines() == [LINE.decode()]


@pytest.mark.parametrize("other", [b"h2c", b"websocket", b"x"])
def test_a_sender_that_offers_another_protocol_is_answered_in_this_one(
    client: Client, edge: FakeEdge, other: bytes
) -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: " + other + b"\r\n"
    request = whole(LINE, offer)
    last = whole(LINE, offer.replace(b"Upgrade\r", b"Upgrade, close\r"))
    with wire_to(client) as wire:
        for _ in range(3):
            wire.sendall(request)
            assert wire.recv(1_000).startswith(b"HTTP/1.1 204 ")
    for at in (len(last), len(last) - 9, last.index(b"\r\n\r\n") + 4, 40):
        assert statuses(answers(client, last[:at], last[at:])) == [204]
    assert edge.lines() == [LINE.decode()] * 7


def test_who_offers_another_protocol_before_an_answer_came_is_hung_up_on(
    client: Client, edge: FakeEdge
) -> None:
    offer = whole(LINE, b"Connection: Upgrade\r\nUpgrade: h2c\r\n")
    assert 200 not in statuses(answers(client, whole() + offer))
    still_takes(client, edge)
