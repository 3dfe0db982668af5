"""Packs a machine's state while it runs: pack_state.py STATE SETTINGS ARCHIVE [LEFT_OUT...]."""

import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

# What a start makes anew, and what belongs to a database that is copied whole.
_PASSING = ("-wal", "-shm", "-lock", "-in-use", "-reserve", ".new", ".part")

state, settings, archive = (Path(word) for word in sys.argv[1:4])
left_out = set(sys.argv[4:])
kept = [each for each in state.iterdir() if each.is_file() and each.name not in left_out]
with tempfile.TemporaryDirectory(dir=archive.parent) as folder, tarfile.open(archive, "w:gz") as packed:
    for file in sorted(each for each in kept if not each.name.endswith(_PASSING)):
        if file.suffix == ".db":
            copy = Path(folder) / file.name
            with (
                closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
            packed.add(copy, f"state/{file.name}")
        else:
            packed.add(file, f"state/{file.name}")
    packed.add(settings, "settings")
