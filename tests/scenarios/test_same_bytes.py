"""Because who looks for a fault plays it again: one seed gives the same bytes, through drivers as well."""

import sqlite3
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from gateway.journal import records
from gateway.node import Node
from simulators.scenario import read
from simulators.stations import stations
from tests.parts.wait import until

STORY = """
name = "All at once"
seed = 7
start = 2026-09-21T00:00:00+07:00
duration = "5h"
bins = 3
lamps = 4
[[happening]]
do = "fire"
on = "bin-0002"
at = "1h"
[[happening]]
do = "door-open"
at = "2h"
for = "1h"
[[fault]]
kind = "noise"
on = "turbidity"
at = "1h"
size = 0.2
[[fault]]
kind = "silence"
on = "ph"
at = "3h"
for = "1h"
"""


class Unhurried(Node):
    """Takes a reading when all before it are on disk: how many wait there is itself a reading."""

    def _take(self, reading):
        until(lambda: not self.journal.committer.depth)
        super()._take(reading)


def messages(scenario, folder):
    """Return topic and body of all that the nodes of a scenario would publish, in their own order."""
    folder.mkdir()
    it = stations(scenario, folder, ("127.0.0.1", 1), lambda config, sim: Unhurried(config, sim.io))
    try:
        while it.step():
            pass
    finally:
        it.stop()
    found = []
    for station in it.stations:
        with sqlite3.connect(f"file:{station.file.with_suffix('.db')}?mode=ro", uri=True) as db:
            for last_seq, body in db.execute("SELECT id, body FROM segment ORDER BY id"):
                found += [(each.path, each.body) for each in records(body, last_seq)]
    return found


@pytest.mark.slow
def test_two_runs_of_one_seed_through_drivers_publish_the_same_bytes_and_another_seed_does_not(
    tmp_path, monkeypatch
):
    """Of one machine's own are only a spool's random name and the free disk: here both are given."""
    monkeypatch.setattr("gateway.journal.secrets.token_hex", lambda _: "7f3a9c")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=8_000_000_000))
    (tmp_path / "story.toml").write_text(STORY, encoding="utf-8")
    story = read(str(tmp_path / "story.toml"))
    first = messages(story, tmp_path / "a")
    assert len(first) > 150
    assert {path.rpartition("/")[2] for path, _ in first} == {"telemetry", "event"}
    again = messages(story, tmp_path / "b")
    assert [(one, other) for one, other in zip(first, again, strict=True) if one != other] == []
    other = messages(replace(story, seed=story.seed + 1), tmp_path / "c")
    assert other != first
