"""Because full disks are met with old backlogs: a spool filled beforehand, a small disk, a thief."""

import os
import random
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.feed import Event
from gateway.feed.bodies import WasteContainer
from gateway.journal import Entry, Journal
from gateway.spool import Spool
from gateway.timeline import Offset
from tests.faults.rig import Program, arrived
from tests.parts.influxd import InfluxDB

START_NS = 1_790_000_000_000_000_000  # September 2026: before the simulation's present
S = 1_000_000_000

Identity = tuple[str, int]


def preload(path: Path, readings: int, *, every_s: int = 60, bins: int = 6) -> None:
    """Fill a node's spool as one does that had no link for days: with readings, and an alarm now and then."""
    spool = Spool(path, by_seq=True)
    timeline: Any = SimpleNamespace(settle=lambda _first, _last: Offset(START_NS))
    journal = Journal(spool, "gw-01", timeline, "an-earlier-boot")
    chance = random.Random(1)
    group: list[Entry] = []
    for n in range(readings):
        mono_ns = (n // bins * every_s + n % bins) * S
        body = WasteContainer(
            v=1, ts="", gw="gw-01", ep=journal.ep, seq=0, q="good",
            fillingLevel=chance.random(), temperature=chance.random() * 40, cargoWeight=chance.random() * 300,
        )  # fmt: skip
        group.append(Entry(f"waste/old-{n % bins}/telemetry", body, mono_ns, 180.0))
        if n % 500 == 0:
            alarm = Event(v=1, id=f"e{n}", type="fire", ts="", gw="gw-01", ep=journal.ep, seq=0)
            group.append(Entry("waste/old-0/event", alarm, mono_ns, 180.0))
        if len(group) >= 30:
            journal._commit(group)
            group = []
    journal._commit(group)
    spool.close()


def with_spool(program: Program, name: str, settings: str) -> None:
    """Put settings into the [spool] table of a program's configuration."""
    path = program.folder / name
    path.write_text(path.read_text().replace("[spool]\n", f"[spool]\n{settings}\n"))


def gaps_of(database: Path) -> list[tuple[str, int, int, str]]:
    """Return (ep, first, last, reason) of a spool's gaps, read beside the running process."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return db.execute("SELECT ep, first, last, reason FROM gap").fetchall()


def note_of(database: Path, key: str) -> str:
    """Return a note of a spool, empty when it is not there."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT value FROM note WHERE key = ?", (key,)).fetchall()
    return str(rows[0][0]) if rows else ""


def numbers(rows: list[tuple[str, int, int, str]]) -> list[Identity]:
    """Return every number that gaps stand for, as often as one does."""
    return [(ep, seq) for ep, first, last, _ in rows for seq in range(first, last + 1)]


def at_the_top(database: InfluxDB) -> list[Identity]:
    """Return (ep, seq) of every numbered point in the database; an edge's own alerts have no number."""
    return [(ep, seq) for ep, seq in arrived(database) if seq is not None]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Lend a disk of its own size (needs root)."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Thief:
    """Another program that takes all the space there is, and what is given up too."""

    def __init__(self, disk: Path) -> None:
        self.path = disk / "thief"
        self._disk = disk.stat().st_dev
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.taken_bytes = 0

    def fill(self, *, greedy: bool = False) -> None:
        """Take what there is; a greedy one goes on taking until `leave`."""
        self._take()
        if greedy:
            self._stop.clear()
            self._thread = threading.Thread(target=self._go_on, daemon=True)
            self._thread.start()

    def leave(self) -> None:
        """Give it all back."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None
        self.path.unlink(missing_ok=True)

    def _go_on(self) -> None:
        while not self._stop.wait(0.02):
            self._take()

    def _take(self) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        if (
            os.fstat(handle).st_dev != self._disk
        ):  # a test that failed has unmounted it: what is below is not ours
            self._stop.set()
            os.close(handle)
            return
        for size in (65_536, 4_096):
            try:
                while True:
                    self.taken_bytes += os.write(handle, b"x" * size)
            except OSError:
                continue  # that is the point of it
        os.close(handle)
