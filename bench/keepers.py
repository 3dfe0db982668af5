"""Those that keep readings while nobody takes them: how much each has kept, and what is found of it later."""

import json
import re
import socket
import sqlite3
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from bench.contenders import Broker, Commune, Contender, Places, Plain
from bench.peers import rabbit, thingsboard
from bench.rig import Rig
from tests.parts.http import ask
from tests.parts.process import MissingPartError
from tests.parts.rabbitmq import SERVER, Epmd, RabbitMQ
from tests.parts.wait import until

_HOST = "127.0.0.1"
_BACK_S = 120.0  # nobody here waits longer before it tries again
_POINTS = re.compile(r"^commune_spool_points ([0-9.e+]+)$", re.MULTILINE)


class Keeper(Contender):
    """A contender with a store on disk."""

    is_broker: ClassVar[bool] = False
    """Whether the publisher speaks to it itself, and its acknowledgement means kept."""
    drains: ClassVar[bool] = True
    """Whether somebody here takes out of its store."""

    @abstractmethod
    def taken(self) -> int:
        """Count what stands in its store by now, cheaply."""

    @abstractmethod
    def found(self, rig: Rig, count: int) -> int:
        """Count readings 1 to `count` that are still there, once each."""

    def store(self) -> Path:
        """Return the folder of its files."""
        return self.folder

    def alone(self) -> None:
        """It takes in and keeps: now the far side goes away, if it needed one for its start."""


class EdgeKeeper(Commune, Keeper):
    """An edge whose upstream is away."""

    def taken(self) -> int:
        """Ask the edge."""
        try:
            shown = _POINTS.search(ask(self.port, "GET", "/metrics").text)
        except OSError:
            return 0
        return int(float(shown[1])) if shown else 0

    def found(self, rig: Rig, count: int) -> int:
        """Let the upstream come back."""
        return _drained(rig, count)


class PlainKeeper(Plain, Keeper):
    """The plain program, whose database is away."""

    def taken(self) -> int:
        """Read its table's last number."""
        return _last(self.folder / "plain.db", "SELECT max(id) FROM reading")

    def found(self, rig: Rig, count: int) -> int:
        """Let the upstream come back."""
        return _drained(rig, count)


class ThingsBoard(Keeper):
    """thingsboard-gateway's connector and storage; its platform is away."""

    name = "ThingsBoard gateway"
    custody = "in memory; in SQLite later, without fsync; acknowledged on arrival"
    program = "env"
    drains = False

    def __init__(self, places: Places) -> None:
        super().__init__(places)
        self._far = Broker()

    def arguments(self) -> list[str]:
        """Write its settings; pip fetches it the first time, into a folder outside the tree."""
        gateway = thingsboard.installed() / "bin/thingsboard-gateway"
        thingsboard.write(self.folder, self.at.broker, self._far.port)
        return [f"TB_GW_CONFIG_DIR={self.folder}/config", str(gateway)]

    def start(self) -> None:
        """Start what stands in for its platform, then itself."""
        if not self._far.running:
            self._far.start()
            rabbit.subscribe(self._far.port)
        super().start()

    def close(self) -> None:
        """Stop both."""
        super().close()
        self._far.close()

    def alone(self) -> None:
        """Its platform goes away."""
        self._far.kill()

    def taken(self) -> int:
        """Read its table's last number."""
        return _last(self.folder / "data/data.db", "SELECT seq FROM sqlite_sequence")

    def found(self, rig: Rig, count: int) -> int:
        """Read its rows, and what it has sent on since its platform is there again."""
        del rig
        kept = thingsboard.kept(self.folder)
        if self._far.running:
            for body in rabbit.drain(self._far.port, count):
                kept |= thingsboard.numbers(body.decode())
        return len({seq for seq in kept if seq <= count})


class Rabbit(Keeper):
    """A RabbitMQ of one machine whose subscriber is away."""

    name = "RabbitMQ, quorum queue"
    custody = "on disk (fsync) before the acknowledgement, which the publisher gets"
    program = "env"
    is_broker = True

    def __init__(self, places: Places) -> None:
        super().__init__(places)
        if not Path(SERVER).exists():
            raise MissingPartError("rabbitmq-server is not installed: tests/parts/install.sh lab")
        self._epmd = Epmd([_HOST])
        self._node = RabbitMQ(_HOST, [_HOST], self._epmd, rabbit.SETTINGS)
        self._node.port = self.port

    def arguments(self) -> list[str]:
        """Let the part write them."""
        return self._node.arguments()

    def start(self) -> None:
        """Start the port mapper, then the node; make the session when there is none."""
        if not self._epmd.running:
            self._epmd.start()
        super().start()

    def ready(self) -> bool:
        """Tell whether it takes connections."""
        try:
            socket.create_connection((_HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Stop both."""
        super().close()
        self._node.close()
        self._epmd.close()

    def store(self) -> Path:
        """Return the folder of its queues."""
        return self._node.folder

    def alone(self) -> None:
        """Make the session that all is kept for."""
        rabbit.subscribe(self.port)

    def taken(self) -> int:
        """Say nothing: its acknowledgement tells."""
        return 0

    def found(self, rig: Rig, count: int) -> int:
        """Take all out by MQTT, acknowledged in groups, as an edge would."""
        del rig
        bodies = rabbit.drain(self.port, count)
        seqs = {json.loads(body)["seq"] for body in bodies}
        return len({seq for seq in seqs if seq <= count})


def _last(file: Path, question: str) -> int:
    if not file.exists():
        return 0
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        row = database.execute(question).fetchone()
    except sqlite3.OperationalError:
        return 0  # it has not made its table yet
    finally:
        database.close()
    return int(row[0] or 0) if row else 0


def _drained(rig: Rig, count: int) -> int:
    rig.database.start()
    rows = rig.rows()
    until(lambda: rig.rows() > rows, within_s=_BACK_S, what="the first that is sent again")
    rig.arrived(count)
    return rig.stored()
