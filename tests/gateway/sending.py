"""Because what a publisher does shows at the broker: an edge that hears all, checks it, and confirms it."""

import threading
from contextlib import contextmanager

from gateway.config import AssetConfig, Mqtt, NodeConfig, Site
from gateway.feed import Custody, Event, Meta, Topic, decode_event, decode_reading, encode, to_ns
from gateway.feed.bodies import decode
from gateway.feed.link import Link, Settings
from gateway.journal import UNDATED, Entry
from gateway.node import metas
from gateway.publisher import Identity, Publisher
from simulators.clock import VirtualClock
from tests.gateway.times import GOOD, Desk, asset
from tests.parts.wait import until

CUSTODY = "ntm/v1/42/18562/gateway/gw-01/custody"
OWN = "gateway/gw-01"
CONFIG = NodeConfig(
    site=Site(province="42", commune="18562", gw="gw-01"),
    mqtt=Mqtt(),
    assets=[asset("bin-1"), asset("bin-2")],
)


def checked(topic, payload):
    """Take a message of the feed apart; raise when anything in it breaks the contract."""
    place = Topic.parse(topic)
    if place.channel in ("telemetry", "state"):
        body = decode_reading(payload)
        to_ns(body.ts)
        return body
    if place.channel == "event":
        body = decode_event(payload)
        to_ns(body.ts)
        return body
    if place.channel == "meta":
        return decode(payload, Meta)
    assert place.channel == "status"
    assert payload in (b"online", b"offline", b"fault")
    return payload.decode()


class EdgeSide:
    """A subscriber in the edge's place. `confirms` makes it take custody of everything by itself."""

    def __init__(self, port, *, confirms=False, client_id="edge"):
        self.heard = []  # path, body, retained
        self.wrong = []
        self.confirms = confirms
        self.seen = set()
        self._ready = threading.Event()
        self.link = Link(
            Settings(host="127.0.0.1", port=port, client_id=client_id),
            on_up=self._up,
            on_down=lambda _: self._ready.clear(),
            on_message=self._hear,
            on_puback=lambda *_: None,
        )

    def _up(self, link):
        link.subscribe(
            [f"ntm/v1/+/+/+/+/{channel}" for channel in ("telemetry", "event", "meta", "status", "state")]
        )
        self._ready.set()

    def _hear(self, message):
        message.ack()
        try:
            body = checked(message.topic, message.payload)
        except (ValueError, AssertionError) as error:
            self.wrong.append((message.topic, message.payload, error))
            return
        path = message.topic.removeprefix("ntm/v1/42/18562/")
        self.heard.append((path, body, message.retain))
        if path.endswith(("/telemetry", "/event")):
            self.seen.add(body.seq)
            if self.confirms:
                mark = next(n for n in range(1, len(self.seen) + 2) if n not in self.seen) - 1
                self.custody(body.ep, mark)

    def custody(self, ep, seq, gw="gw-01"):
        self.say(encode(Custody(v=1, gw=gw, ep=ep, seq=seq)))

    def say(self, payload, *, retain=True):
        assert self.link.publish(CUSTODY, payload, retain=retain) is not None

    def up(self):
        until(lambda: self._ready.is_set() and self.link.up, what="the edge to hear")

    def of(self, channel, path=""):
        return [
            body for each, body, _ in self.heard if each.endswith("/" + channel) and each.startswith(path)
        ]

    def seqs(self):
        """Numbers of readings and events in the order in which they came."""
        return [b.seq for p, b, _ in self.heard if p.endswith(("/telemetry", "/event"))]

    def last(self, path):
        return next((body for each, body, _ in reversed(self.heard) if each == path), None)


@contextmanager
def edge_side(port, **more):
    made = EdgeSide(port, **more)
    made.link.start()
    try:
        made.up()
        yield made
    finally:
        made.link.stop()
    assert not made.wrong, made.wrong[:3]


class Sender(Desk):
    """A node without sensors: what `read` commits, its publisher sends."""

    def __init__(self, path, port, clock=None, *, custody="edge", keepalive_s=30, **login):
        clock = clock or VirtualClock()
        self._publisher = lambda: Publisher(
            self.spool,
            Identity("42", "18562", "gw-01", self.journal.ep),
            self.dating,
            Settings(host="127.0.0.1", port=port, client_id="node", keepalive_s=keepalive_s, **login),
            metas(CONFIG),
            custody=custody,
        )
        super().__init__(path, clock)

    def _open(self):
        super()._open()
        self.publisher = self._publisher()
        self.journal._told = self.publisher.show

    @property
    def waiting(self):
        return sum(lane.points for lane in self.publisher.outbox.waiting.values())

    def readings(self, count, name="bin-1", seen=GOOD):
        """Take some, a minute apart, in commits of one."""
        for _ in range(count):
            self.clock.sleep(60)
            self.read(name, seen)

    def event(self, kind="binFull"):
        """Commit an alarm."""
        body = Event(v=1, id=f"{kind}-1", type=kind, ts=UNDATED, gw="gw-01", ep=self.journal.ep, seq=0)
        self.journal._commit([Entry("waste/bin-1/event", body, self.clock.monotonic_ns(), 0.0)])
        return self.spool.last_id


@contextmanager
def sender(path, port, *args, **more):
    made = Sender(path, port, *args, **more)
    try:
        yield made
    finally:
        made.publisher.stop(0.2)
        made.spool.close()


__all__ = ["CONFIG", "CUSTODY", "OWN", "AssetConfig", "EdgeSide", "Sender", "edge_side", "sender"]
