"""Because losses show only on the whole path: the real processes, each of which can be killed."""

import json
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from gateway.feed import TYPES
from gateway.spool import RangeSet, Stream
from gateway.spool.segment import parse_span
from tests.parts.http import answers, ask
from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.process import Part
from tests.parts.wait import until

COMMUNE = "from gateway.cli import main; main()"
MEASUREMENTS = (*TYPES, "Alert")


class Program(Part):
    """One `commune` process. `sabotage` is Python that runs first: it breaks a promise on purpose."""

    program: ClassVar[str] = sys.executable

    def __init__(self, folder: Path, command: Sequence[str], sabotage: str = "") -> None:
        """Keep files and log in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.command = list(command)
        self.sabotage = sabotage

    def arguments(self) -> list[str]:
        """Return Python's arguments."""
        return ["-c", f"{self.sabotage}\n{COMMUNE}", *self.command]


class EdgeProgram(Program):
    """`commune edge run`, at any level."""

    def __init__(
        self, folder: Path, site: str, *, extra: str = "", sabotage: str = "", host: str = "127.0.0.1"
    ) -> None:
        """Write edge.toml; `extra` holds its [mqtt] and [[upstream]] tables."""
        super().__init__(folder, ["edge", "run", str(folder / "edge.toml")], sabotage)
        self._head = (
            f'[site]\n{site}\n[http]\nhost = "{host}"\nport = {self.port}\n'
            f"open = {'false' if host == '127.0.0.1' else 'true'}\n"
            f'[spool]\npath = "{folder}/edge.db"\n[history]\npath = "{folder}/history.db"\n'
        )
        self.reconfigure(extra)

    def reconfigure(self, extra: str) -> None:
        """Write other [mqtt] and [[upstream]] tables; they count from the next start."""
        (self.folder / "edge.toml").write_text(f"{self._head}{extra}\n")

    def drained(self) -> bool:
        """Whether nothing waits for any upstream."""
        facts = json.loads(ask(self.port, "GET", "/v1/relay").body)
        return all(
            not lane["points"] for upstream in facts["upstreams"] for lane in upstream["lanes"].values()
        )

    def ready(self) -> bool:
        """Tell whether it serves."""
        return answers(self.port, "/ping", 204)

    def seen(self, stream: Stream) -> RangeSet:
        """Return the numbers of a stream that this edge has on disk, read beside the running process."""
        with closing(sqlite3.connect(f"file:{self.folder}/edge.db?mode=ro", uri=True)) as db:
            folded = db.execute("SELECT seen FROM stream WHERE gw = ? AND ep = ?", stream).fetchall()
            spans = db.execute("SELECT span FROM segment").fetchall()
        found = RangeSet.parse(folded[0][0]) if folded else RangeSet()
        for (text,) in spans:
            found.update(parse_span(text).get(stream, ()))
        return found

    @property
    def upstream(self) -> str:
        """An [[upstream]] table that leads here."""
        return f'[[upstream]]\nname = "next"\nurl = "http://{self.address}"\n'


class NodeProgram(Program):
    """`commune sim node`: the real node on simulated hardware, 60 times as fast as life."""

    def __init__(
        self, folder: Path, broker: Mosquitto, *, speed: int = 60, bins: int = 6, seed: int = 1
    ) -> None:
        """Write node.toml but for its devices and assets, which the simulation brings along."""
        super().__init__(
            folder,
            [
                "sim",
                "node",
                str(folder / "node.toml"),
                "--speed",
                str(speed),
                "--bins",
                str(bins),
                "--seed",
                str(seed),
            ],
        )
        (folder / "node.toml").write_text(
            f'[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n[spool]\npath = "{folder}/node.db"\n'
        )
        self.starts = 0

    def start(self) -> None:
        """Start it, and count the starts that its log must show."""
        self.starts += 1
        super().start()

    def ready(self) -> bool:
        """Tell whether it has said so in its log."""
        return self.log.count("starts, spool") >= self.starts

    def taken(self) -> set[tuple[str, int]]:
        """Return (ep, seq) of everything that this node ever committed."""
        with sqlite3.connect(f"file:{self.folder}/node.db?mode=ro", uri=True) as db:
            notes = dict(db.execute("SELECT key, value FROM note"))
            (top,) = db.execute("SELECT coalesce(max(id), 0) FROM segment").fetchone()
        last = max(top, int(notes.get("last_id", 0)))
        return {(notes["ep"], seq) for seq in range(1, last + 1)}


def finish(node: NodeProgram, all_there: Callable[[], bool], *, within_s: float) -> None:
    """Stop the node and wait for its last readings.

    A stop sends for five seconds at most: what a slow machine leaves waits in the spool for another start.
    """
    for more_starts in (2, 1, 0):
        node.stop()
        try:
            until(all_there, within_s=within_s / 3, what="the last readings to arrive")
        except TimeoutError:
            if not more_starts:
                raise
            node.start()
        else:
            return


def arrived(database: InfluxDB) -> list[tuple[str, int]]:
    """Return (ep, seq) of every point in the database, as often as it is there."""
    found = []
    for measurement in MEASUREMENTS:
        rows = database.query(f'SELECT ep, seq FROM "{measurement}" GROUP BY *')
        found += [(row["ep"], row["seq"]) for row in rows]
    return found


def v1_upstream(database: InfluxDB) -> str:
    """An [[upstream]] table that leads to an InfluxDB 1.x."""
    place = f'url = "http://{database.address}"\napi = "v1"\nbucket = "{database.database}"'
    return f'[[upstream]]\nname = "influx"\n{place}\n'


def mqtt_table(broker: Mosquitto) -> str:
    """The [mqtt] table of an edge that hears this broker."""
    return f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
