"""The node put together: sensors are read, readings committed, the spool published; stopped in order."""

import ctypes
import logging
import signal
import threading
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.absence import Absence
from gateway.alarms import Engine
from gateway.alarms.engine import NOTE
from gateway.alarms.plan import plan
from gateway.commands import Lights, Surroundings
from gateway.config import AssetConfig, NodeConfig
from gateway.dating import Dating
from gateway.feed import TYPES, Meta
from gateway.feed.bodies import Location
from gateway.feed.expiry import look, soonest
from gateway.feed.limits import shipped
from gateway.feed.link import Settings
from gateway.feed.tls import contexts
from gateway.homeassistant import Announcer
from gateway.journal import Entry, Journal
from gateway.publisher import Identity, Publisher
from gateway.renumber import go_on
from gateway.runner import AssetReading, Runner
from gateway.spool import Spool, SpoolError
from gateway.spool.quota import Limits, Quota
from gateway.spool.room import Room
from gateway.spool.thinning import Thinner
from gateway.thinning import NodeCodec
from gateway.timeline import Timeline
from sensors.errors import BusError
from sensors.io import IO
from sensors.notify import attend
from sensors.sample import Value

if TYPE_CHECKING:
    from gateway.desk import Desk

log = logging.getLogger(__name__)

SWITCH_S = 30.0  # a bus takes as long over its slowest device, and a relay waits its turn
_M_ARENA_MAX = -8  # glibc's malloc.h
STANDSTILL_S = 30.0  # far more than any device takes to answer or to fail


class Node:
    """A node on some IO: a Pi's, or a simulated one."""

    def __init__(self, config: NodeConfig, io: IO) -> None:
        site = config.site
        self.config = config
        self.io = io
        self.spool = Spool(config.spool.path, by_seq=True, keep_s=0)
        self.timeline = Timeline(self.spool, io.clock, require_sync=config.clock.require_sync)
        self.journal = Journal(
            self.spool,
            site.gw,
            self.timeline,
            io.clock.boot_id,
            linger_s=float(config.spool.linger),
            committed=self._show,
        )
        self.journal.absence = Absence(self.spool, self.timeline, io.clock.boot_id)
        go_on(self.spool, site.gw, self.journal.ep)
        self.journal.alarms = self._alarms()
        self.publisher = Publisher(
            self.spool,
            Identity(site.province, site.commune, site.gw, self.journal.ep),
            Dating(self.spool, io.clock, self.timeline),
            Settings(
                host=config.mqtt.host,
                port=config.mqtt.port,
                client_id=f"node-{site.commune}-{site.gw}",
                username=config.mqtt.username,
                password=config.mqtt.password(),
                keepalive_s=int(config.mqtt.keepalive),
                tls=contexts(config.mqtt),
            ),
            metas(config),
            custody=config.mqtt.custody,
        )
        self.home = Announcer(
            config.homeassistant, self.publisher.identity, metas(config), self.spool, self.publisher.put
        )
        self.quota = Quota(self.spool, Limits(int(config.spool.max_bytes), int(config.spool.min_free)))
        self.publisher.disk_failed = self.quota.gave_out
        self.publisher.crowded = lambda: self.quota.full
        self.journal.room = Room(
            self.quota,
            Thinner(
                self.spool,
                [self.publisher.outbox],
                NodeCodec(self.journal.gap_segments),
                lambda: self.timeline.now_ns() or 0,
                newest_bytes=int(config.spool.max_bytes) // 4,
            ),
        )
        self.runner = Runner(config, io, self._take)
        self.desk = self._desk()
        self.lights = self._lights()
        self.publisher.commands = self.lights.paths
        self.publisher.commanded = lambda path, message: self.lights.heard(
            path, message.payload, retained=message.retain
        )

    def _alarms(self) -> Engine:
        config, clock = self.config, self.io.clock
        limits = [*shipped(), *config.limits]

        def wall(mono_ns: int) -> int | None:
            now_ns = self.timeline.now_ns()
            return None if now_ns is None else now_ns - clock.monotonic_ns() + mono_ns

        return Engine(
            lambda day: plan(config.assets, config.rules, limits, day),
            self.spool.query("SELECT key, value FROM note WHERE key LIKE ?", (f"{NOTE}%",)),
            gw=config.site.gw,
            ep=self.journal.ep,
            boot=clock.boot_id,
            wall=wall,
            most=config.alarms.most_an_hour,
        )

    def _desk(self) -> "Desk | None":
        if self.config.desk.socket is None:
            return None
        from gateway.desk import Desk  # noqa: PLC0415 - a megabyte that a node without a desk can spare

        return Desk(self.config.desk.socket, self.config, self.runner, self.io.clock)

    def _lights(self) -> Lights:
        config, site = self.config, self.config.site
        around = Surroundings(
            now_ns=self.timeline.now_ns,
            trusted=lambda: self.timeline.state() != "unset",
            monotonic_ns=self.io.clock.monotonic_ns,
            switch=self._switch,
            say=self.publisher.say,
            lat=site.lat,
            lon=site.lon,
        )
        return Lights(config.commands, config.lights, site.gw, self.spool, around)

    def _switch(self, device: str, on: bool) -> None:
        try:
            self.runner.visit(device, lambda it: it.switch(on), SWITCH_S)
        except TimeoutError:
            raise BusError("no-comm", f"the bus of {device} hangs") from None

    def _show(self, entries: Sequence[Entry]) -> None:
        self.home.committed(entries)
        self.publisher.show(entries)

    def _take(self, reading: AssetReading) -> None:
        own = reading.asset.type == "Device"
        self.lights.seen(reading.asset.id, reading.observation.fields)
        self.journal.take(reading, self._facts() if own else None)

    def _facts(self) -> dict[str, Value]:
        """What the node knows of itself without a sensor."""
        waiting = sum(lane.points for lane in self.publisher.outbox.waiting.values())
        facts: dict[str, Value] = {
            "spoolDepth": waiting,
            "clockState": self.timeline.state(),
        }
        oldest = self.publisher.outbox.oldest()
        now_ns = self.timeline.now_ns()
        if oldest and oldest.first_ns is not None and now_ns is not None:
            facts["spoolOldestAge"] = round(max(now_ns - oldest.first_ns, 0) / 1e9, 1)
        if now_ns is not None:
            # Of a clock that is not set no days can be counted.
            mqtt = self.config.mqtt
            left = soonest(look((("ca_file", mqtt.ca_file), ("cert_file", mqtt.cert_file)), now_ns))
            if left is not None:
                facts["certificateDaysLeft"] = left
        return facts

    def start(self, *, threads: bool = True) -> None:
        """Start committing and publishing, and reading in threads unless the caller steps the runner."""
        self.journal.committer.start()
        self.publisher.start()
        if threads:
            self.publisher.reads_at = self.io.clock.monotonic_ns
            self.runner.start()
            self.lights.start()
        if self.desk is not None:
            self.desk.start()

    def standing(self, limit_s: float = STANDSTILL_S) -> list[str]:
        """Name the loops that do not move any more; `limit_s` is of the node's own clock."""
        moving = {
            **self.runner.alive(limit_s),
            "commit": self.journal.committer.alive(),
            "publish": self.publisher.alive(),
            "lights": self.lights.alive(),
        }
        return [name for name, moves in moving.items() if not moves]

    def words(self) -> str:
        """Say in a few words how things stand."""
        waiting = sum(lane.points for lane in self.publisher.outbox.waiting.values())
        clock = {"synced": "set", "holdover": "set, its source lost", "unset": "not set"}
        parts = [
            f"{waiting} readings wait for the edge",
            f"broker: {self.publisher.error or self.publisher.link.state}",
            f"clock: {clock[self.timeline.state()]}",
        ]
        failing = self.journal.committer.failing
        return "; ".join([f"disk: {failing}", *parts] if failing else parts)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop reading, commit what was read, send what can be sent in `timeout_s`, close the spool."""
        if self.desk is not None:
            self.desk.stop()
        self.lights.stop(timeout_s)
        self.runner.stop()
        if not self.journal.stop(timeout_s):
            log.error("stopped with readings that the disk did not take: %s", self.journal.committer.failing)
        self.publisher.stop(timeout_s)
        self.spool.close()


def metas(config: NodeConfig) -> list[tuple[str, Meta]]:
    """Return path and body of the meta message of every asset, and of the node itself."""
    site = config.site
    found = [_meta(asset, site.gw) for asset in config.assets]
    if not any(meta.id == site.gw for _, meta in found):
        own = AssetConfig(id=site.gw, type="Device", name=site.name or site.gw, every=60)  # type: ignore[arg-type]
        found.append(_meta(own, site.gw))
    return found


def _meta(asset: AssetConfig, gw: str) -> tuple[str, Meta]:
    kind = TYPES[asset.type]
    meta = Meta(
        v=1,
        type=asset.type,
        id=asset.id,
        name=asset.name or asset.id,
        gw=gw,
        interval=float(asset.every),
        staleAfter=float(asset.stale_after),
        units=dict(kind.units),
        limits=dict(asset.limits),
    )
    if asset.lat is not None and asset.lon is not None:
        meta.location = Location(asset.lat, asset.lon)
    return f"{kind.domain}/{asset.id}/meta", meta


def run(config: NodeConfig, io: IO, speed: float = 1.0) -> None:
    """Run a node until SIGTERM or SIGINT; raise SpoolError when its spool must be salvaged by a new start.

    `speed` is that of a simulated clock.
    """
    _share_one_heap()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    node = Node(config, io)
    log.info("commune %s: node %s starts, spool %s", version("commune"), config.site.gw, node.journal.ep)
    node.spool.alarms.append(stop.set)
    node.start()
    attend(stop, lambda: node.standing(STANDSTILL_S * speed), node.words)
    node.stop()
    io.close()
    if node.spool.problem:
        raise SpoolError(node.spool.problem)


def _share_one_heap() -> None:
    """Let all threads share one heap: glibc gives each thread its own, some megabytes that a Pi lacks."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none, and one heap anyway
        mallopt(_M_ARENA_MAX, 1)
