"""Because relay and intake are tried with the same spool: numbered lines in it, and a relay out of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge_api.config import Upstream
from edge_api.lines import join_lines
from edge_api.relay import Relay
from edge_api.upstream import make_sink
from gateway.spool import EVENTS, READINGS, Segment, Spool, span_of
from sensors.settings import Bytes, Seconds
from tests.parts.influx2 import Influx2
from tests.parts.wait import until

START_NS = 1_795_412_300_000_000_000
STREAM = ("gw-01", "aa")


def line(seq: int, more: str = "") -> str:
    """A line of the feed's shape; no two are the same point."""
    return f'WasteContainer,asset=bin-1 gw="gw-01",ep="aa",seq={seq}i,q="good"{more} {START_NS + seq}'


def segment(seqs: range | list[int], lane: int = READINGS, more: str = "") -> Segment:
    """One group commit of readings (or events) of gw-01."""
    body = join_lines([line(seq, more).encode() for seq in seqs])
    span = span_of((*STREAM, seq) for seq in seqs)
    return Segment(lane, len(seqs), span, body, START_NS + seqs[0], START_NS + seqs[-1])


def event(seq: int) -> Segment:
    """One alarm."""
    return segment([seq], EVENTS)


def lines(seqs: range | list[int]) -> set[str]:
    """What should have arrived of these readings."""
    return {line(seq) for seq in seqs}


def config(url: str, name: str = "province", timeout: float = 5.0, **more: object) -> Upstream:
    """An [[upstream]] table."""
    return Upstream(name=name, url=url, timeout=Seconds(timeout), **more)  # type: ignore[arg-type]


@contextmanager
def relaying(
    spool: Spool, url: str, name: str = "province", *, max_bytes: int = 512_000, **more: object
) -> Iterator[Relay]:
    """A relay at work; it is stopped in the end, and must then really be gone."""
    relay = Relay(
        spool, name, make_sink(config(url, name, max_bytes=Bytes(max_bytes), **more)), max_bytes=max_bytes
    )
    relay.start()
    try:
        yield relay
    finally:
        relay.stop(0.0)
        relay._thread.join(10)
        assert not relay._thread.is_alive()


def drained(relay: Relay, within_s: float = 15.0) -> None:
    until(lambda: relay.drained, within_s=within_s, what="the relay to drain")


def quarantined(spool: Spool) -> dict[str, str]:
    """The bodies in quarantine and why they are there."""
    return {body.decode(): reason for body, reason in spool.query("SELECT body, reason FROM quarantine")}


def arrived(influx2: Influx2) -> set[str]:
    return set(influx2.lines)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of seconds become waits of a moment; their order stays."""
    for name in ("BACKOFF_FIRST_S", "BACKOFF_MOST_S", "HOLD_S"):
        monkeypatch.setattr(f"edge_api.pace.{name}", 0.05)
    monkeypatch.setattr("edge_api.relay.BACKOFF_MOST_S", 0.05)
