"""Seven days without a link: 300 assets a minute, three million readings; then the link comes back."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.backlog import STREAM, fill, line
from tests.faults.rig import EdgeProgram
from tests.faults.test_kills import SITE
from tests.parts.http import ask
from tests.parts.victoria import VictoriaMetrics
from tests.parts.wait import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

READINGS = 7 * 24 * 60 * 300
_RESTS_S = 75.0  # what is free is given back once a minute


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def segments(edge: EdgeProgram) -> int:
    """Count the rows of its spool, beside the running process."""
    with closing(sqlite3.connect(f"file:{edge.folder}/edge.db?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM segment").fetchone()[0])


def at_rest(file: Path) -> int:
    """Wait until a file keeps its size for longer than an edge joins and gives back; return it."""
    size, since = file.stat().st_size, time.monotonic()

    def rests() -> bool:
        nonlocal size, since
        if file.stat().st_size != size:
            size, since = file.stat().st_size, time.monotonic()
        return time.monotonic() - since > _RESTS_S

    until(rests, within_s=300, what="the file to rest")
    return size


def test_a_week_of_readings_waits_in_flat_memory_and_drains_with_the_newest_first(tmp_path: Path) -> None:
    with VictoriaMetrics() as database:
        database.stop()
        upstream = f'[[upstream]]\nname = "next"\nurl = "http://{database.address}"\n'
        empty = EdgeProgram(tmp_path / "empty", SITE, extra=upstream)
        with empty:
            empty_mb = rss_mb(empty.pid)
        edge = EdgeProgram(tmp_path / "edge", SITE, extra=upstream)
        fill(edge.folder / "edge.db", READINGS, 20)
        filled = (edge.folder / "edge.db").stat().st_size
        with edge:
            file = edge.folder / "edge.db"
            until(lambda: segments(edge) < 10_000, within_s=300, what="the backlog to be joined")
            until(lambda: file.stat().st_size < filled * 0.6, within_s=60, what="the file to shrink")
            joined_bytes = at_rest(file)
            edge.kill()
            began = time.monotonic()
            edge.start()
            start_s = time.monotonic() - began
            full_mb = rss_mb(edge.pid)
            new = line(READINGS + 1)
            assert ask(edge.port, "POST", "/api/v2/write", {"precision": "ns"}, new).status == 204
            waiting_mb = rss_mb(edge.pid)
            database.start()
            back = time.monotonic()
            newest = f'WasteContainer_seq{{asset="bin-{(READINGS + 1) % 40:04}"}}'
            until(
                lambda: any(READINGS + 1 in row["values"] for row in database.export(newest)),
                within_s=30,
                what="the newest reading",
            )
            newest_s = time.monotonic() - back
            peak_mb = 0.0

            def gone() -> bool:
                nonlocal peak_mb
                peak_mb = max(peak_mb, rss_mb(edge.pid))
                return edge.drained()

            until(gone, within_s=900, what="the backlog to drain")
            drain_s = time.monotonic() - back
            seen = edge.seen(STREAM)
        count = sum(len(row["values"]) for row in database.export("WasteContainer_seq"))
    print(f"{READINGS} readings: {filled / READINGS:.1f} bytes each, {joined_bytes / READINGS:.1f} joined")
    print(
        f"start-up {start_s:.1f} s; RSS empty {empty_mb:.0f}, full {full_mb:.0f}, waiting {waiting_mb:.0f} MB"
    )
    print(f"newest there after {newest_s:.1f} s; drained in {drain_s:.0f} s, RSS up to {peak_mb:.0f} MB")
    assert len(seen) == READINGS + 1
    assert count == READINGS + 1
