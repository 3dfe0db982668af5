"""A parent sets the pace of its children's backlogs; what is new need not wait for them."""

import time
from pathlib import Path

import pytest

from tests.faults.backlog import STREAM, fill, line
from tests.faults.rig import EdgeProgram
from tests.faults.test_kills import SITE
from tests.parts.http import ask
from tests.parts.wait import until

BACKLOG = 20_000
RATE = 25_000


@pytest.mark.parts
def test_a_backlog_is_taken_at_the_parents_pace_and_a_new_reading_at_once(tmp_path: Path) -> None:
    place = 'level = "province"\nprovince = "42"'
    with EdgeProgram(tmp_path / "province", place) as province:
        head = (province.folder / "edge.toml").read_text()
        (province.folder / "edge.toml").write_text(
            head.replace("[spool]", f"backlog_rate = {RATE}\n[spool]", 1)
        )
        province.restart()
        commune = EdgeProgram(tmp_path / "commune", SITE, extra=province.upstream)
        fill(commune.folder / "edge.db", BACKLOG)
        size = (commune.folder / "edge.db").stat().st_size
        began = time.monotonic()
        with commune:
            new = line(BACKLOG + 1)
            assert ask(commune.port, "POST", "/api/v2/write", {"precision": "ns"}, new).status == 204
            sent = time.monotonic()
            until(lambda: BACKLOG + 1 in province.seen(STREAM), within_s=5, what="the new reading")
            newest_s = time.monotonic() - sent
            assert len(province.seen(STREAM)) < BACKLOG
            until(lambda: len(province.seen(STREAM)) == BACKLOG + 1, within_s=60, what="the backlog")
            took_s = time.monotonic() - began
            assert commune.log.count("unexpected") == 0
    print(f"{size} bytes at {RATE} B/s took {took_s:.1f} s; a new reading was there after {newest_s:.1f} s")
    assert took_s > 3
