"""Because subscribers must not lose what a dead machine acknowledged: three brokers, one killed at work."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from queue import Empty, SimpleQueue
from typing import ClassVar

import pytest

from gateway.feed.link import Link, Message, Settings
from tests.edge_api.edge_rig import reading
from tests.parts.process import Part
from tests.parts.rabbitmq import CLUSTER_S, ROLE, Epmd, RabbitMQ
from tests.parts.wait import until

HOSTS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
FEED = "ntm/v1/42/+/+/+/telemetry"
TOPIC = "ntm/v1/42/18562/waste/bin-0001/telemetry"
IN_FLIGHT = 200
BEFORE, AFTER = 3_000, 6_000


class Balancer(Part):
    """HAProxy before the brokers: each connection to the first that answers, so that one carries all."""

    program: ClassVar[str] = "haproxy"

    def __init__(self, brokers: list[RabbitMQ]) -> None:
        super().__init__()
        self._brokers = brokers

    def arguments(self) -> list[str]:
        servers = "".join(
            f"    server broker-{number} {each.address} check inter 500ms fall 2 rise 2"
            f" on-marked-down shutdown-sessions\n"
            for number, each in enumerate(self._brokers)
        )
        (self.folder / "haproxy.cfg").write_text(
            "defaults\n    mode tcp\n    timeout connect 2s\n    timeout client 120s\n"
            "    timeout server 120s\n    retries 3\n    option redispatch 1\n"
            f"listen brokers\n    bind 127.0.0.1:{self.port}\n    balance first\n{servers}"
        )
        return ["-db", "-f", str(self.folder / "haproxy.cfg")]

    def ready(self) -> bool:
        return self.running


class Sender:
    """A node's link: QoS 1, a window in flight, sent again on a new connection; notes the answers."""

    def __init__(self, port: int) -> None:
        self.acknowledged: dict[int, float] = {}
        self.last = 0
        self._wanted = 0
        self._flying: dict[int, int] = {}
        self._answers: SimpleQueue[int | None] = SimpleQueue()
        self._stop = threading.Event()
        settings = Settings(host="127.0.0.1", port=port, client_id="node-gw-01", keepalive_s=10)
        self.link = Link(
            settings,
            on_up=lambda _: self._answers.put(None),
            on_down=lambda _: None,
            on_message=lambda _: None,
            on_puback=lambda mid, error: self._answers.put(mid) if error is None else None,
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.link.start()

    def send(self, count: int) -> None:
        self._wanted += count

    def done(self) -> bool:
        return len(self.acknowledged) == self._wanted

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.link.stop()

    def _run(self) -> None:
        # the link calls from its own thread and must not wait for one that publishes
        while not self._stop.is_set():
            try:
                mid = self._answers.get(timeout=0.05)
            except Empty:
                mid = 0
            if mid is None:
                waiting = sorted(self._flying.values())
                self._flying.clear()
                for number in waiting:
                    self._say(number)
            elif mid in self._flying:
                self.acknowledged.setdefault(self._flying.pop(mid), time.monotonic())
            while len(self._flying) < IN_FLIGHT and self.last < self._wanted and self.link.up:
                self.last += 1
                self._say(self.last)

    def _say(self, number: int) -> None:
        mid = self.link.publish(TOPIC, json.dumps(reading(number)).encode())
        # without a connection the number waits under a key that no answer has
        self._flying[-number if mid is None else mid] = number


class Consumer:
    """A subscriber with a durable session, as an edge has one: acknowledges what it has taken."""

    def __init__(self, port: int, name: str) -> None:
        self.heard: Counter[int] = Counter()
        self.times: list[float] = []
        settings = Settings(host="127.0.0.1", port=port, client_id=name, keepalive_s=10, persistent=True)
        self.link = Link(
            settings,
            on_up=lambda link: link.subscribe([FEED]),
            on_down=lambda _: None,
            on_message=self._take,
            on_puback=lambda *_: None,
        )
        self.link.start()

    def _take(self, message: Message) -> None:
        self.heard[json.loads(message.payload)["seq"]] += 1
        self.times.append(time.monotonic())
        message.ack()


@contextlib.contextmanager
def cluster() -> Iterator[list[RabbitMQ]]:
    """Three nodes with the role's own settings for the plugin and for partitions."""
    settings = (ROLE / "files" / "feed.conf").read_text(encoding="utf-8")
    with contextlib.ExitStack() as stack:
        epmd = stack.enter_context(Epmd(HOSTS))
        nodes = [stack.enter_context(RabbitMQ(host, HOSTS, epmd, settings)) for host in HOSTS]
        for node in nodes:
            until(node.answers, within_s=CLUSTER_S, what=f"{node.host} to join: {node.log[-500:]}")
        yield nodes


def longest_pause(times: list[float]) -> float:
    ordered = sorted(times)
    return max((b - a for a, b in pairwise(ordered)), default=0.0)


@pytest.mark.lab
@pytest.mark.timeout(900)
def test_one_of_three_brokers_is_killed_and_no_acknowledged_message_is_lost() -> None:
    with cluster() as nodes, Balancer(nodes) as balancer, contextlib.ExitStack() as stack:
        consumer = Consumer(balancer.port, "edge-province-42")
        stack.callback(consumer.link.stop)
        until(lambda: consumer.link.up, within_s=60)
        sender = Sender(balancer.port)
        stack.callback(sender.close)
        until(lambda: sender.link.up, within_s=60)
        sender.send(50)  # what comes before the subscription is anybody's
        until(sender.done, within_s=60)
        until(lambda: consumer.heard, within_s=60, what="the subscription to be made")
        first = sender.last + 1
        sender.send(BEFORE + AFTER)
        until(lambda: len(sender.acknowledged) > BEFORE, within_s=120)
        nodes[0].kill()
        killed = time.monotonic()
        second = Consumer(balancer.port, "second-consumer")
        stack.callback(second.link.stop)
        until(sender.done, within_s=180, what="everything to be acknowledged")
        sender.send(100)
        until(lambda: second.heard, within_s=60)
        since = sender.last + 1
        sender.send(1_000)
        until(sender.done, within_s=120)
        want = set(range(first, sender.last + 1))
        until(lambda: want <= consumer.heard.keys(), within_s=120, what="the first consumer to have it all")
        until(lambda: set(range(since, sender.last + 1)) <= second.heard.keys(), within_s=120)
        acknowledged = set(sender.acknowledged)
        before = len([at for at in sender.acknowledged.values() if at <= killed])
        nodes[0].start()
        until(nodes[0].answers, within_s=CLUSTER_S, what="the dead one to come back")
        print(
            json.dumps(
                {
                    "acknowledged": len(acknowledged),
                    "acknowledged_before_the_kill": before,
                    "lost": len(acknowledged - consumer.heard.keys() - set(range(1, first))),
                    "heard_twice": sum(count > 1 for count in consumer.heard.values()),
                    "publishing_interrupted_s": round(longest_pause(list(sender.acknowledged.values())), 2),
                    "hearing_interrupted_s": round(longest_pause(consumer.times), 2),
                }
            )
        )
        assert acknowledged >= want
        assert before >= BEFORE
        assert want <= consumer.heard.keys()
