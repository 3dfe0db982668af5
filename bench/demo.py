"""The commune of `commune demo` waits for its upstream: bytes a reading on its disk, and then on the wire.

Run as a process of its own it is the demo's node: it computes two days of its simulated world with the real
drivers, journal and spool, and then publishes what they took, as ready messages with their true times. A
longer wait is of these days again and again, each time with the times and numbers that are due then.
"""

import argparse
import json
import logging
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import ClassVar

import msgspec

from bench.contenders import Commune, Contender
from bench.rig import Figures, Helper, Rig, used
from bench.writer import connect, packet, send
from gateway.dating import Dating
from gateway.feed import from_ns, to_ns
from gateway.unsendable import read
from simulators.clock import VirtualClock
from simulators.demo.commune import COMMUNE, node_at
from tests.parts.ports import free_port
from tests.parts.wait import until

Message = tuple[str, bytes]
"""Topic and body."""

_DAY_NS = 86_400_000_000_000
_COMPUTED_DAYS = 2.0  # a day takes half a minute, on a busy machine two: the drivers wait for simulated lines
_SEED = 1
_CUSTODY_S = 120.0
_DRAIN_S = 120.0
_WINDOW = 200
_STILL_S = 25.0  # an edge joins every ten seconds
_JOIN_S = 120.0
_LOOK_S = 0.5


class DemoEdge(Commune):
    """The demo's edge, which commits what comes at once.

    A day passes in seconds, and its commits must be small as those of a real day are (one reading each), or
    there would be little to join.
    """

    linger: ClassVar[str] = "0s"

    def arguments(self) -> list[str]:
        """Write the configuration of a province's edge, then say that this is the demo's commune."""
        arguments = super().arguments()
        file = self.folder / "edge.toml"
        site = f'level = "commune"\ncommune = "{COMMUNE}"'
        file.write_text(file.read_text().replace('level = "province"', site))
        return arguments

    def held(self) -> dict[str, int]:
        """Return what its spool holds, read beside the running process; pages in bytes."""
        with closing(sqlite3.connect(f"file:{self.folder}/edge.db?mode=ro", uri=True)) as spool:
            segments, points, bodies = spool.execute(
                "SELECT count(*), coalesce(sum(points), 0), coalesce(sum(length(body)), 0) FROM segment"
            ).fetchone()
            pages, free, page = (
                spool.execute(f"PRAGMA {what}").fetchone()[0]
                for what in ("page_count", "freelist_count", "page_size")
            )
        return {
            "segments": segments,
            "points": points,
            "body": bodies,
            "used": (pages - free) * page,
            "free": free * page,
            "log": (self.folder / "edge.db-wal").stat().st_size,
        }


def demo(_kind: type[Contender], *, days: float) -> Figures:
    """Days of the demo commune while the upstream is away, joined as they wait; then the upstream comes."""
    with ExitStack() as stack:
        rig = Rig(stack, feed=True, tapped=True)
        assert rig.broker is not None
        rig.database.kill()
        edge = stack.enter_context(DemoEdge(rig.places))
        helper = Helper("demo", port=rig.broker.port, days=days)
        stack.callback(helper.end)
        helper.ready()
        helper.go()
        taken = int(helper.facts()["taken"])
        until(lambda: edge.held()["points"] >= taken, within_s=_CUSTODY_S, what="the edge to have all")
        _joined(edge)
        before = used(edge)
        held = edge.held()
        points = held["points"]
        wire = rig.wire_bytes()
        rig.database.start()
        until(lambda: rig.wire_bytes() > wire, within_s=_DRAIN_S, what="the first that is sent")
        rig.still()
        return {
            "readings": taken,
            "segments": held["segments"],
            "body_bytes": held["body"] / points,
            "file_bytes": held["used"] / points,
            "free_kb": held["free"] / 1e3,
            "log_kb": held["log"] / 1e3,
            "wire_bytes": (rig.wire_bytes() - wire) / points,
            "drain_cpu_s_per_million": (used(edge).cpu_s - before.cpu_s) / points * 1e6,
            "lost": taken - rig.stored(all_of=True),
        }


def _joined(edge: DemoEdge) -> None:
    """Wait until its spool has been joined."""
    seen, at, end = edge.held(), time.monotonic(), time.monotonic() + _JOIN_S
    while time.monotonic() - at < _STILL_S and time.monotonic() < end:
        time.sleep(_LOOK_S)
        now = edge.held()
        if now["segments"] != seen["segments"]:
            seen, at = now, time.monotonic()


def messages(days: float, folder: Path) -> list[Message]:
    """Return what the demo's node would publish in a wait of so many days, in order."""
    computed = min(days, _COMPUTED_DAYS)
    own = list(_computed(computed, datetime.now(UTC) - timedelta(days=days), folder))
    return over_again(own, computed, days)


def over_again(own: list[Message], computed: float, days: float) -> list[Message]:
    """Return the messages of the computed days until the wait is full, each time so many days later."""
    return [
        (topic, _later(body, lap * computed, lap * len(own)))
        for lap in range(ceil(days / computed))
        for topic, body in own[: round((days / computed - lap) * len(own))]
    ]


def _later(body: bytes, days: float, numbers: int) -> bytes:
    """Return a message as the node would write it days and numbers later."""
    fields = msgspec.json.decode(body)
    fields["ts"] = from_ns(to_ns(fields["ts"]) + round(days * _DAY_NS))
    fields["seq"] += numbers
    return msgspec.json.encode(fields)


def _computed(days: float, start: datetime, folder: Path) -> Iterator[Message]:
    """Yield what the demo's node takes in so many days.

    Each is taken out of the node's outbox as soon as it is committed, and confirmed at once: how many
    readings wait at the node is itself a reading, and in real time none does.
    """
    with ExitStack() as stack:
        clock, nowhere = VirtualClock(start), ("127.0.0.1", free_port())
        node = node_at(folder, nowhere, 1, start, _SEED, clock, stack).node
        outbox, identity = node.publisher.outbox, node.publisher.identity
        dating = Dating(node.spool, clock, node.timeline)
        while node.runner.due_ns is not None and node.runner.due_ns < days * _DAY_NS:
            node.runner.step(node.runner.due_ns)
            node.lights.step()
            while node.journal.committer.depth:
                time.sleep(0.0005)
            while (batch := outbox.next(1, ready=dating.can_date)) is not None:
                for head in batch.heads:
                    for record in read(node.spool, head):
                        yield identity.topic(record.path), dating.finish(record, head)
                outbox.done(batch)


def main() -> None:
    """Be the node of DAYS: publish what it took to the broker on PORT, RATE a second."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--port", type=int, required=True)
    ask.add_argument("--days", type=float, required=True)
    ask.add_argument("--rate", type=float, default=2_000.0)
    it = ask.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="commune-demo-") as folder:
        packets = [
            packet(topic, body, number % 65_535 + 1)
            for number, (topic, body) in enumerate(messages(it.days, Path(folder)))
        ]
    wire = connect(it.port, "demo")
    print("ready", flush=True)
    sys.stdin.readline()
    send(wire, packets, _WINDOW, it.rate)
    wire.close()
    print(json.dumps({"taken": len(packets)}), flush=True)


if __name__ == "__main__":
    main()
