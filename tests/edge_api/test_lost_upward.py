"""What an edge has lost with a damaged file is said upward once, and known there by its numbers."""

import random
import sqlite3
from pathlib import Path

import pytest

from edge_api.config import Upstream
from edge_api.lineprotocol import parse
from edge_api.parts import Parts
from gateway.spool import DAMAGE, Outbox, RangeSet, Spool, reclaim
from gateway.spool.file import PAGE
from gateway.spool.pages import Pages
from gateway.spool.rows import tables_of
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config, kept
from tests.edge_api.rig import STREAM, segment
from tests.parts.wait import until


def damaged(path: Path) -> int:
    """Leave a spool behind of which one page is unreadable; return how many numbers it had seen."""
    chance = random.Random(1)
    spool = Spool(path, keep_s=0)
    spool.append([segment([n], more=f',note="{chance.randbytes(150).hex()}"') for n in range(1, 61)])
    reclaim(spool, [Outbox(spool, "next")])  # which numbers were seen is then on other pages, too
    spool.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spool.close()
    with Pages(path, PAGE) as pages:
        held = {n: len(segments_on(pages, n)) for n in range(1, path.stat().st_size // PAGE + 1)}
    data = bytearray(path.read_bytes())
    at = (max(held, key=lambda n: held[n]) - 1) * PAGE
    data[at : at + PAGE] = bytes(PAGE)
    path.write_bytes(data)
    return 60


def segments_on(pages: Pages, number: int) -> list[object]:
    return [
        row
        for rowid, record in pages.leaf(number)
        for table, row in tables_of(rowid, record)
        if table == "segment"
    ]


def told(spool_lines: list[str]) -> list[tuple[int, int]]:
    """Return the numbers that alerts of a damaged file name, as often as they do."""
    points = [point for each in spool_lines for point in parse(each.encode())]
    return [
        (int(point.fields["from"]), int(point.fields["to"]))
        for point in points
        if point.tags.get("kind") == "gap" and point.fields["reason"] == DAMAGE
    ]


def test_what_an_edge_lost_is_said_upward_once_however_often_it_starts(tmp_path: Path) -> None:
    """The mark of what had been told was read as one more loss, and no start after that got through."""
    seen = damaged(tmp_path / "edge.db")
    for _ in range(3):
        with edge_at_work(edge_config(tmp_path)) as (edge, _):
            edge._tell_lost()
            lost = edge.spool.lost[STREAM]
            assert 0 < len(lost) < seen
            assert told(kept(edge)) == list(lost)


def test_the_level_above_knows_by_number_what_its_child_lost(tmp_path: Path) -> None:
    (tmp_path / "child").mkdir()
    (tmp_path / "parent").mkdir()
    seen = damaged(tmp_path / "child/edge.db")
    with edge_at_work(edge_config(tmp_path / "parent", PROVINCE), serve=True) as (parent, url):
        up = [Upstream(name="next", url=url)]
        with edge_at_work(edge_config(tmp_path / "child", upstreams=up)) as (child, _):
            until(lambda: child.relays[0].drained, what="the child to drain")
            lost = child.spool.lost[STREAM]
        rows = parent.spool.query("SELECT first, last FROM gap WHERE reason = ?", (DAMAGE,))
        assert RangeSet(rows) == lost
        assert parent.spool.streams[STREAM] == RangeSet([(1, seen)])
        numbered = [each for each in kept(parent) if ",seq=" in each]
        assert len(set(numbered)) == len(numbered) == seen - len(lost)


def test_an_edge_starts_when_the_disk_takes_no_word_of_what_was_lost_and_says_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged(tmp_path / "edge.db")
    tell, refusals = Parts._tell_lost, iter([sqlite3.OperationalError("database or disk is full")])

    def tell_if_there_is_room(edge: Parts) -> None:
        for refusal in refusals:
            raise refusal
        tell(edge)

    monkeypatch.setattr(Parts, "_tell_lost", tell_if_there_is_room)
    monkeypatch.setattr("edge_api.edge._HOUSE_S", 0.02)
    with edge_at_work(edge_config(tmp_path)) as (edge, _):
        until(lambda: told(kept(edge)) == list(edge.spool.lost[STREAM]), what="the loss to be told")
