"""Because the tests of a full edge need lines of nodes and of strangers, and a look at what is left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_api.history import History
from edge_api.lineprotocol import parse
from edge_api.lines import join_lines, split_lines
from edge_api.thinning import EdgeCodec
from gateway.spool import READINGS, Outbox, RangeSet, Segment, Spool, span_of
from gateway.spool.thinning import Thinner
from tests.edge_api.rig import START_NS

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
