"""Who is measured: each is one process tree that takes readings in and hands them to the upstream."""

import os
import sys
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.load import PROVINCE
from bench.peers import nodered
from tests.parts.mosquitto import Mosquitto
from tests.parts.npm import installed
from tests.parts.process import Part

_ROOT = Path(__file__).parents[1]


class Broker(Mosquitto):
    """A Mosquitto that holds no one up: no queue limit, no window of its own, no log of each message."""

    def arguments(self) -> list[str]:
        """Write the configuration without the tests' log."""
        arguments = super().arguments()
        file = self.folder / "mosquitto.conf"
        limits = "max_queued_messages 0\nmax_inflight_messages 0\nmax_queued_bytes 0\n"
        file.write_text(file.read_text().replace("log_type all", "log_type error") + limits)
        return arguments


@dataclass(frozen=True, slots=True)
class Places:
    """Where a contender works: its folder, the broker (0: HTTP only), the upstream as it sees it."""

    folder: Path
    broker: int
    upstream: int
    api: str = "v2"


class Contender(Part):
    """One of those measured. `custody` says what its acknowledgement is worth."""

    name: ClassVar[str]
    custody: ClassVar[str]

    def __init__(self, places: Places) -> None:
        places.folder.mkdir(parents=True, exist_ok=True)
        super().__init__(places.folder)
        self.at = places

    @abstractmethod
    def arguments(self) -> list[str]:
        """Write what configuration it needs and return its command line."""

    def ready(self) -> bool:
        """The first reading that comes through tells; see `bench.rounds`."""
        return True


class Commune(Contender):
    """`commune edge run`."""

    name = "commune"
    custody = "on disk (fsync) before the acknowledgement"
    program = str(_ROOT / ".venv/bin/commune") if (_ROOT / ".venv/bin/commune").exists() else "commune"
    linger: ClassVar[str] = "1500ms"  # the default

    def arguments(self) -> list[str]:
        """Write an edge.toml of a province, which takes every commune."""
        feed = f'[mqtt]\nhost = "127.0.0.1"\nport = {self.at.broker}\n' if self.at.broker else ""
        database = 'org = "commune"\nbucket = "commune"\n' if self.at.api == "v2" else 'bucket = "commune"\n'
        text = f"""
[site]
level = "province"
province = "{PROVINCE}"
{feed}
[http]
host = "127.0.0.1"
port = {self.port}
[spool]
path = "{self.folder}/edge.db"
linger = "{self.linger}"
[history]
path = "{self.folder}/history.db"
[[upstream]]
name = "upstream"
url = "http://127.0.0.1:{self.at.upstream}"
api = "{self.at.api}"
{database}"""
        file = self.folder / "edge.toml"
        file.write_text(text)
        return ["edge", "run", str(file)]


class NodeRed(Contender):
    """Node-RED 4 with a batching flow."""

    name = "Node-RED"
    custody = "in memory; acknowledged on arrival"
    program = "node"

    def arguments(self) -> list[str]:
        """Write its flow; npm fetches it the first time, into a folder outside the tree."""
        red = installed("node-red@4") / "node_modules" / "node-red" / "red.js"
        return [str(red), *nodered.write(self.folder, self.at.broker, self.at.upstream, self.port)]


class Plain(Contender):
    """paho + SQLModel + influxdb-client."""

    name = "plain Python"
    custody = "in SQLite, some time after the acknowledgement"
    program = sys.executable

    def arguments(self) -> list[str]:
        """Point it to broker and upstream."""
        places = [f"--broker=127.0.0.1:{self.at.broker}", f"--upstream=http://127.0.0.1:{self.at.upstream}"]
        return [str(_ROOT / "bench/peers/plain.py"), *places, f"--file={self.folder}/plain.db"]


class VmAgent(Contender):
    """vmagent, as Debian's victoria-metrics brings it."""

    name = "vmagent"
    custody = "in memory, then a file without fsync; acknowledged on arrival"
    program = "vmagent"

    def arguments(self) -> list[str]:
        """Give it one queue, and the deepest write-ahead it has: a flush a second is its least."""
        return [
            f"-remoteWrite.url=http://127.0.0.1:{self.at.upstream}/api/v1/write",
            f"-remoteWrite.tmpDataPath={self.folder}/queue",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-remoteWrite.flushInterval=1s",
            f"-remoteWrite.queues={os.cpu_count()}",
        ]
