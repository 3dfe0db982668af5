"""Wires the demo: simulated nodes, a broker, a commune's edge and a province's, or a real database."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_api import config as edge_config
from edge_api.edge import Edge
from edge_api.server import HttpServer
from gateway import config_check
from gateway.node import Node
from sensors.errors import ConfigError
from simulators.clock import VirtualClock
from simulators.commune import ALL, SimCommune, build
from simulators.demo import counting
from simulators.demo.brokers import Address
from simulators.demo.database import Database
from simulators.demo.visitor import Visitor
from simulators.worlds.sun import LATITUDE, LONGITUDE

log = logging.getLogger(__name__)

PROVINCE, COMMUNE, COMMUNE_NAME = "42", "18562", "Xã Thạch Hà"
EVERY = "60s"
_PACE_S = 0.05
_LEAD = timedelta(hours=24)
_PORTS = (8600, 8601)


@dataclass(slots=True)
class SimNode:
    """One simulated Pi with its own clock: virtual, paced against the real one."""

    world: SimCommune
    node: Node
    clock: VirtualClock
    start_ns: int

    @property
    def taken(self) -> int:
        """Readings and events committed on this node."""
        return self.node.journal.taken

    def identities(self) -> Iterator[counting.Identity]:
        """Yield the identity of everything taken."""
        for seq in range(1, self.taken + 1):
            yield self.node.config.site.gw, self.node.journal.ep, seq


@dataclass(slots=True)
class Demo:
    """A running demo; `nodes`, `commune` and `province` may be looked at while it runs."""

    nodes: list[SimNode]
    commune: Edge
    province: Edge | None
    database: Database | None
    pages: dict[str, str]
    speed: float
    lead_ns: int
    began: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)
    pacer: threading.Thread | None = None
    failure: BaseException | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Of whoever touches devices: the pacer, or a visitor at the desk."""

    def pace(self) -> None:
        """Let the worlds live until `end`: faster than real time, but never beyond the present."""
        try:
            while not self._stop.wait(_PACE_S):
                elapsed_ns = int((time.monotonic() - self.began) * 1e9)
                target_ns = min(int(elapsed_ns * self.speed), self.lead_ns + elapsed_ns)
                for each in self.nodes:
                    self._step(each, target_ns)
        except BaseException as error:  # the main thread waits on this one and must hear of it
            self.failure = error
            raise

    def end(self) -> None:
        """Take no more readings; returns when the last one has been handed over."""
        self._stop.set()
        if self.pacer is not None:
            self.pacer.join()  # however long a round takes on a busy machine: what it takes is to be counted

    def _step(self, it: SimNode, target_ns: int) -> None:
        """Take what is due until then, one round at a time: whoever ends the demo waits for one only."""
        runner = it.node.runner
        while not self._stop.is_set() and runner.due_ns is not None and runner.due_ns < target_ns:
            with self.turn:
                runner.step(runner.due_ns)
                it.node.lights.step()
        if not self._stop.is_set():
            with self.turn:
                runner.step(target_ns)

    def drained(self) -> bool:
        """Whether everything taken has been confirmed by the last hop."""
        # In the order of the way: what has left one place must be seen at the next.
        nodes_are = all(
            not each.node.journal.committer.depth and each.node.publisher.drained for each in self.nodes
        )
        return nodes_are and all(relay.drained for relay in self.commune.relays)

    def taken(self) -> int:
        """Readings and events taken by all nodes."""
        return sum(each.taken for each in self.nodes)

    def taken_by_measurement(self) -> Counter[str]:
        """How many of each type were taken."""
        total: Counter[str] = Counter()
        for each in self.nodes:
            total += each.node.journal.by_type
        return total

    def arrived(self) -> counting.Arrived:
        """Ask the province what is there of what this demo took."""
        eps = {each.node.config.site.gw: each.node.journal.ep for each in self.nodes}
        names = set(eps.values())
        database = self.database
        if self.province is not None:
            return counting.in_spool(self.province.spool, names)
        if database is None:
            raise ValueError("a demo has a province or a database")
        if database.api == "v1":
            return counting.in_influx_v1(database.url, database.bucket, names)
        if counting.is_victoria(database.url):
            gateways = {
                asset.id: each.node.config.site.gw for each in self.nodes for asset in each.node.config.assets
            }
            start_ms = min(each.start_ns for each in self.nodes) // 1_000_000
            return counting.in_victoria(database.url, gateways, eps, start_ms)
        return counting.in_influx_v2(database.url, database.token, database.org, database.bucket, names)


@contextmanager
def running(
    folder: Path,
    broker: Address,
    database: Database | None,
    *,
    nodes: int,
    speed: float,
    for_s: float | None,
    seed: int,
    visitor: Visitor | None = None,
) -> Iterator[Demo]:
    """Start everything in order, and stop it in the opposite order."""
    lead = timedelta(seconds=max(for_s * (speed - 1), 0)) if for_s is not None else _LEAD
    start = datetime.now(UTC) - (lead if speed > 1 else timedelta(0))
    with ExitStack() as stack:
        clock = VirtualClock(start)
        province, pages = None, {}
        if database is None:
            text = _province(folder) + (visitor.tables("province") if visitor else "")
            province, port = _edge(folder / "province", text, _PORTS[1], clock.true_ns, stack)
            pages["province"] = f"http://127.0.0.1:{port}/"
            upstream = f'url = "http://127.0.0.1:{port}"'
        else:
            upstream = _upstream(folder, database)
        text = _commune(folder, broker, upstream) + (visitor.tables("commune") if visitor else "")
        commune, port = _edge(folder / "commune", text, _PORTS[0], clock.true_ns, stack)
        pages["commune"] = f"http://127.0.0.1:{port}/"
        sims = [node_at(folder, broker, number, start, seed, clock if number == 1 else None, stack)
                for number in range(1, nodes + 1)]  # fmt: skip
        demo = Demo(sims, commune, province, database, pages, speed, int(lead.total_seconds() * 1e9))
        if visitor is not None:
            stack.enter_context(visitor.at_desk(sims[0].node, demo.turn))
        demo.pacer = threading.Thread(target=demo.pace, name="pace", daemon=True)
        demo.pacer.start()
        try:
            yield demo
        finally:
            demo.end()


def _edge(
    folder: Path, text: str, port: int, now_ns: Callable[[], int], stack: ExitStack
) -> tuple[Edge, int]:
    folder.mkdir(parents=True)
    (folder / "edge.toml").write_text(text, encoding="utf-8")
    config = edge_config.load(folder / "edge.toml", {})
    try:
        server = HttpServer("127.0.0.1", port)
    except ConfigError:
        server = HttpServer("127.0.0.1", 0)  # the usual port is taken; the demo prints the one it has
    edge = Edge(config, now_ns)
    edge.start()
    stack.callback(edge.stop)
    server.start(edge, config.limits, config.page, config.desk)
    stack.callback(server.stop)
    return edge, server.port


def _province(folder: Path) -> str:
    return f"""
[site]
level = "province"
province = "{PROVINCE}"
name = "Hà Tĩnh"
[spool]
path = "{folder}/province/edge.db"
[history]
path = "{folder}/province/history.db"
"""


def _commune(folder: Path, broker: Address, upstream: str) -> str:
    return f"""
[site]
level = "commune"
province = "{PROVINCE}"
commune = "{COMMUNE}"
name = "{COMMUNE_NAME}"
[mqtt]
host = "{broker[0]}"
port = {broker[1]}
[spool]
path = "{folder}/commune/edge.db"
[history]
path = "{folder}/commune/history.db"
[[upstream]]
name = "province"
{upstream}
"""


def _upstream(folder: Path, database: Database) -> str:
    keys = {"url": database.url, "api": database.api, "org": database.org, "bucket": database.bucket}
    return "\n".join(f'{key} = "{value}"' for key, value in keys.items()) + "\n" + _token(folder, database)


def _token(folder: Path, database: Database) -> str:
    if not database.token:
        return ""
    file = folder / "token"
    file.touch(mode=0o600)
    file.touch(mode=0o600)
    file.write_text(database.token)
    return f'token_file = "{file}"\n' if database.api == "v2" else ""


def node_at(
    folder: Path,
    broker: Address,
    number: int,
    start: datetime,
    seed: int,
    clock: VirtualClock | None,
    stack: ExitStack,
) -> SimNode:
    """Make and start node `number` of the demo, paced by whoever steps its runner; `stack` stops it."""
    clock = clock or VirtualClock(start)
    world = build(seed, clock, node=number, domains=(*ALL, "switching"))
    stack.callback(world.close)
    text = f"""
[site]
province = "{PROVINCE}"
commune = "{COMMUNE}"
gw = "{world.gw}"
lat = {LATITUDE}
lon = {LONGITUDE}
name = "{COMMUNE_NAME}"
[mqtt]
host = "{broker[0]}"
port = {broker[1]}
[spool]
path = "{folder}/{world.gw}.db"
linger = "0s"
""" + world.config_toml(every=EVERY)
    file = folder / f"{world.gw}.toml"
    file.write_text(text, encoding="utf-8")
    node = Node(config_check.load(file, {}), world.io)
    node.start(threads=False)
    stack.callback(node.stop)
    return SimNode(world, node, clock, int(start.timestamp() * 1e9))
