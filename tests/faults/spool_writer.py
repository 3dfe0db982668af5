"""The process whose power is cut: a node's journal or an edge's intake on a real spool, telling what it told.

Run as `spool_writer.py node|edge FOLDER SYNCHRONOUS`. Each line on standard output is something that a peer
has been told, or told: `taken N` (the number is used), `confirmed A B` (the next hop has these).
"""

import os
import random
import sys
from functools import partial
from pathlib import Path

from edge_api.ingest.mqtt import arrival
from edge_api.intake import Intake
from gateway.feed import Topic
from gateway.feed.bodies import WasteContainer
from gateway.journal import Entry, Journal
from gateway.spool import Outbox, Spool, reclaim
from gateway.spool.segment import parse_span

STREAM = ("gw-01", "7f3a9c")
NAME = "spool.db"
TOPIC = Topic.parse("ntm/v1/42/18562/waste/bin-0001/telemetry")
BODY = (
    b'{"v":1,"type":"WasteContainer","ts":"2026-11-23T05:40:00.000Z",'
    b'"gw":"gw-01","ep":"7f3a9c","q":"good","seq":'
)
GROUPS = 160


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Unset:
    """A clock that is never set: readings stay undated, which is nothing to this test."""

    def settle(self, _first: int, _last: int) -> None:
        return None


class Deaf:
    """A history that keeps nothing: it has a file of its own."""

    read = 2**62

    def add(self, *_committed: object) -> None:
        return None


class NodeWriter:
    """Takes readings as a node does."""

    def __init__(self, spool: Spool) -> None:
        spool.set_notes({"ep": STREAM[1]})
        self.journal = Journal(spool, STREAM[0], Unset(), "boot")
        self.last = spool.last_id

    def take(self, count: int) -> None:
        body = {"v": 1, "ts": "1970-01-01T00:00:00.000Z", "gw": STREAM[0], "ep": STREAM[1], "q": "good"}
        entries = [
            Entry(
                "waste/bin-0001/telemetry", WasteContainer(**body, seq=0, fillingLevel=random.random()), 1, 60
            )
            for _ in range(count)
        ]
        self.journal._commit(entries)
        for number in range(self.last + 1, self.journal.spool.last_id + 1):
            say("taken", number)
        self.last = self.journal.spool.last_id


class EdgeWriter:
    """Takes messages as an edge does, and acknowledges them."""

    def __init__(self, spool: Spool) -> None:
        self.intake = Intake(spool, Deaf(), lambda _: None, lambda: 0)
        self.last = max((ranges.last or 0 for ranges in spool.streams.values()), default=0)

    def take(self, count: int) -> None:
        arrivals = [
            arrival(
                TOPIC, b'%s%d,"fillingLevel":%f}' % (BODY, seq, random.random()), partial(say, "taken", seq)
            )
            for seq in range(self.last + 1, self.last + count + 1)
        ]
        self.intake.commit(arrivals)
        self.last += count


def main(kind: str, folder: Path, synchronous: str) -> None:
    """Append, deliver, delete, checkpoint, stop and start again."""
    random.seed(20261123)
    for _ in range(2):
        spool = Spool(folder / NAME, by_seq=kind == "node", keep_s=0)
        spool.writer.execute(f"PRAGMA synchronous = {synchronous}")
        spool.writer.execute("PRAGMA wal_autocheckpoint = 20")
        outbox = Outbox(spool, "up")
        writer = NodeWriter(spool) if kind == "node" else EdgeWriter(spool)
        for group in range(GROUPS // 2):
            writer.take(random.choice((1, 1, 3, 40, 300)))
            if group % 7 == 6:
                while random.random() < 0.8 and (batch := outbox.next(2_000)):
                    outbox.done(batch)
                    for head in batch.heads:
                        for first, last in parse_span(head.span)[STREAM]:
                            say("confirmed", first, last)
                reclaim(spool, [outbox])
        spool.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
