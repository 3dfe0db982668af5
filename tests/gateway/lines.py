"""Because the tests of the link need one that tells what it was told, and none that outlives its test."""

import threading
import time
from contextlib import contextmanager

from gateway.feed.link import Link, Settings
from tests.parts.wait import until


class Line:
    """A link and what it told."""

    def __init__(self, port, **settings):
        self.ups, self.downs, self.acks, self.heard = [], [], [], []
        self.fail = None
        self.link = Link(
            Settings(**{"host": "127.0.0.1", "port": port, "client_id": "n1", "keepalive_s": 30} | settings),
            on_up=self._up,
            on_down=self.downs.append,
            on_message=self._hear,
            on_puback=lambda number, error: self.acks.append((number, error)),
        )

    def _up(self, link):
        link.subscribe(["to/n1"])
        self.ups.append(time.monotonic())  # last: who waits for it finds the packet numbers always alike

    def _hear(self, message):
        self.heard.append(message.payload)
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        message.ack()

    def came_up(self, times=1, within_s=15):
        until(lambda: len(self.ups) >= times and self.link.up, within_s=within_s, what="the link to be up")

    def confirmed(self, number, within_s=10):
        until(lambda: (number, None) in self.acks, within_s=within_s, what="the PUBACK")


@contextmanager
def line(port, **settings):
    made = Line(port, **settings)
    made.link.start()
    try:
        yield made
    finally:
        made.link.stop()
        name = made.link.settings.client_id
        until(lambda: not threads_of(name), within_s=12, what="no thread of the link to be left")


def threads_of(client_id):
    names = (f"mqtt {client_id}", f"paho-mqtt-client-{client_id}")
    return [thread for thread in threading.enumerate() if thread.name in names]


def hurry(monkeypatch):
    """Make the link's pauses short."""
    for name, value in (("ANSWER", 0.3), ("PAUSE_FIRST", 0.05), ("PAUSE_MOST", 0.4), ("GOODBYE", 0.2)):
        monkeypatch.setattr(f"gateway.feed.link._{name}_S", value)
