"""A backup is packed while everything runs: each database whole, and all that a start cannot make anew."""

import runpy
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

PACK = Path(__file__).parents[2] / "deploy/ansible/roles/software/files/pack_state.py"


def test_a_database_in_use_is_packed_whole_and_what_passes_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, settings = tmp_path / "state", tmp_path / "settings"
    for folder in (state, settings):
        folder.mkdir()
    (settings / "edge.toml").write_text("[site]\n")
    for name in ("accounts", "calibrations.jsonl", "meter.kept", "commands.log.1"):
        (state / name).write_text(name)
    for name in ("edge.db-reserve", "edge.db-lock", "edge.db-in-use", "meter.new", "accounts.part"):
        (state / name).write_text("")
    (state / "history.db").write_text("left out by name")
    with closing(sqlite3.connect(state / "edge.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t(x)")
        writer.execute("INSERT INTO t VALUES (1)")  # stands in the log beside the file
        monkeypatch.setattr(
            sys, "argv", ["", str(state), str(settings), f"{tmp_path}/all.tar.gz", "history.db"]
        )
        runpy.run_path(str(PACK))
    with tarfile.open(tmp_path / "all.tar.gz") as packed:
        packed.extractall(tmp_path / "out", filter="data")
    there = tmp_path / "out/state"
    names = ["accounts", "calibrations.jsonl", "commands.log.1", "edge.db", "meter.kept"]
    assert sorted(each.name for each in there.iterdir()) == names
    assert (there / "meter.kept").read_text() == "meter.kept"
    assert (tmp_path / "out/settings/edge.toml").exists()
    with closing(sqlite3.connect(there / "edge.db")) as copy:
        assert copy.execute("SELECT x FROM t").fetchall() == [(1,)]
