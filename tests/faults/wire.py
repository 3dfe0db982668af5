"""Because a thin, lossy, broken line is where relays fail: a real wire between two network namespaces.

Two TAP devices, one here and one in a namespace of our own, joined by a thread that delays, loses, and lets
through only so many bits a second. Needs root; addresses are of our own namespaces only.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from types import TracebackType
from typing import Self

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
HERE, THERE = "10.77.31.1", "10.77.31.2"
QUEUE_S = 4.0  # the buffer of a cheap modem is large: beyond it packets are dropped


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _tap(name: str) -> int:
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return handle


class Wire:
    """The line; change `cut`, `loss`, `delay_s` and `rate_bps` while it runs (0 is unlimited)."""

    def __init__(self, seed: int = 1) -> None:
        """Name everything after this process, so that runs side by side do not meet."""
        self.namespace = f"cm{os.getpid()}"
        self.cut = False
        self.loss = 0.0
        self.delay_s = 0.0
        self.rate_bps = 0.0
        self.carried = [0, 0]  # bytes delivered: to us, to the namespace
        self._names = (f"cma{os.getpid()}", f"cmb{os.getpid()}")
        self._chance = random.Random(seed)
        self._stop_read, self._stop_write = os.pipe()
        self._handles: tuple[int, int] = (-1, -1)
        self._free_at = [0.0, 0.0]
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)

    def __enter__(self) -> Self:
        _ip("netns", "add", self.namespace)
        ours, theirs = self._names
        self._handles = (_tap(ours), _tap(theirs))
        _ip("link", "set", theirs, "netns", self.namespace)
        inside = ("-n", self.namespace)
        _ip("addr", "add", f"{HERE}/30", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "addr", "add", f"{THERE}/30", "dev", theirs)
        _ip(*inside, "link", "set", theirs, "up")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        for handle in (*self._handles, self._stop_read, self._stop_write):
            os.close(handle)
        _ip("netns", "del", self.namespace)

    def _run(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        order = 0
        while True:
            timeout = max(waiting[0][0] - time.monotonic(), 0) if waiting else None
            readable, _, _ = select.select([*self._handles, self._stop_read], [], [], timeout)
            if self._stop_read in readable:
                return
            for side, handle in enumerate(self._handles):
                if handle in readable:
                    frame = os.read(handle, 65536)
                    at = self._due(side, len(frame))
                    if at is not None:
                        order += 1
                        heapq.heappush(waiting, (at, order, 1 - side, frame))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, side, frame = heapq.heappop(waiting)
                if not self.cut:
                    self._deliver(side, frame)

    def _due(self, side: int, size: int) -> float | None:
        """When a frame read on a side reaches the other, None when it is lost on the way."""
        now = time.monotonic()
        if self.cut or self._chance.random() < self.loss:
            return None
        if not self.rate_bps:
            return now + self.delay_s
        begins = max(now, self._free_at[side])
        if begins - now > QUEUE_S:
            return None
        self._free_at[side] = begins + size * 8 / self.rate_bps
        return self._free_at[side] + self.delay_s

    def _deliver(self, side: int, frame: bytes) -> None:
        try:
            os.write(self._handles[side], frame)
            self.carried[side] += len(frame)
        except BlockingIOError:
            pass  # a full device drops, as a wire does
