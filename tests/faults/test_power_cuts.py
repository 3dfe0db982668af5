"""The power goes at any call of a node's or an edge's spool: what a peer was told must still be true."""

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gateway.spool import READINGS, DamageError, RangeSet, Segment, Spool, SpoolError
from gateway.spool.segment import parse_span
from tests.faults import spool_writer
from tests.faults.powercut import Call, cuts, record

SEED = 20261123
pytestmark = pytest.mark.parts


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Lend a folder in memory: thousands of rebuilt files need no disk."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="cut-", dir=shared if shared.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@cache
def run_of(kind: str, synchronous: str) -> tuple[list[Call], Path]:
    """Record one run; it is the same for every test of a process."""
    folder = Path(tempfile.mkdtemp(prefix=f"power-{kind}-"))
    spool = folder / "spool"
    spool.mkdir()
    try:
        calls = record(Path(spool_writer.__file__), [kind, str(spool), synchronous], folder / "trace")
    finally:
        shutil.rmtree(folder)
    return calls, spool


def look(said: list[str], left: Path, *, by_seq: bool) -> tuple[str, int]:
    """Open what a cut has left; return what is wrong with it, and how many acknowledged readings are lost."""
    taken, confirmed = RangeSet(), RangeSet()
    for line in said:
        word, *numbers = line.split()
        first, last = int(numbers[0]), int(numbers[-1])
        (taken if word == "taken" else confirmed).add(first, last)
    try:
        spool = Spool(left / spool_writer.NAME, by_seq=by_seq, keep_s=0)
    except SpoolError:
        return "corrupt", len(taken)
    try:
        return judge(spool, taken, confirmed, left)
    except (DamageError, sqlite3.DatabaseError):
        return "corrupt", 0
    finally:
        spool.close()


def judge(spool: Spool, taken: RangeSet, confirmed: RangeSet, left: Path) -> tuple[str, int]:
    """Hold a spool against what was said."""
    if list(left.glob("*.damaged-*")):
        return "corrupt", 0
    here = RangeSet()
    for number, text in spool.query("SELECT id, span FROM segment"):
        spool.body(number)
        here.update(parse_span(text)[spool_writer.STREAM])
    here.update(confirmed)
    if not spool.by_seq:
        seen = spool.streams.get(spool_writer.STREAM, RangeSet())
        if lost(taken, seen):
            return "forgotten", lost(taken, seen)
    missing = lost(taken, here)
    if missing:
        return "lost", missing
    following = (taken.last or 0) + 1
    if spool.by_seq and spool.last_id < following - 1:
        return "number given twice", 0
    span = f"gw-01/7f3a9c:{spool.last_id + 1 if spool.by_seq else following + 10_000}"
    stored = spool.append([Segment(READINGS, 1, span, b"on", id=spool.last_id + 1 if spool.by_seq else 0)])
    assert spool.body(stored.last_id) == b"on"
    return "", 0


def lost(taken: RangeSet, here: RangeSet) -> int:
    return sum(b - a + 1 for first, last in taken for a, b in here.missing(first, last))


def count_faults(kind: str, synchronous: str, count: int, scratch: Path) -> Counter[str]:
    calls, folder = run_of(kind, synchronous)
    found: Counter[str] = Counter()
    for said, left in cuts(calls, folder, count, SEED, scratch):
        wrong, readings = look(said, left, by_seq=kind == "node")
        found[wrong or "whole"] += 1
        found["readings lost"] = max(found["readings lost"], readings)
    print(f"{kind}, synchronous={synchronous}: {count} cuts in {len(calls)} calls: {dict(found)}")
    return found


@pytest.mark.parametrize("kind", ["node", "edge"])
def test_a_power_cut_at_any_call_loses_nothing_that_a_peer_was_told(kind: str, scratch: Path) -> None:
    found = count_faults(kind, "FULL", 300, scratch)
    assert found["whole"] == 300


@pytest.mark.lab
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["node", "edge"])
def test_two_thousand_power_cuts_lose_nothing_that_a_peer_was_told(kind: str, scratch: Path) -> None:
    found = count_faults(kind, "FULL", 2000, scratch)
    assert found["whole"] == 2000


@pytest.mark.parametrize("kind", ["node", "edge"])
def test_the_same_cuts_show_losses_when_a_commit_is_not_synced(kind: str, scratch: Path) -> None:
    found = count_faults(kind, "NORMAL", 100, scratch)
    assert found["lost"] + found["forgotten"] > 20


@pytest.mark.parametrize("kind", ["node", "edge"])
def test_the_same_cuts_show_corruption_when_nothing_is_synced(kind: str, scratch: Path) -> None:
    found = count_faults(kind, "OFF", 100, scratch)
    assert found["corrupt"] > 20
