"""Between commune and province the line is cut, thin, slow, lossy, half open, flapping: nothing is lost."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from gateway.spool import RangeSet
from tests.faults.backlog import START_NS, STREAM, fill
from tests.faults.rig import EdgeProgram
from tests.faults.wire import HERE, Wire
from tests.parts.wait import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

BACKLOG = 20_000

# Runs inside the namespace: a reading every 0.2 s into the commune's own edge, until it is told to stop.
FEEDER = """
import sys, threading, urllib.request
port, first, start_ns = map(int, sys.argv[1:])
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
number = first - 1
while not stop.is_set():
    number += 1
    tags = "asset=gw-01,commune=18562,domain=gateway,province=42"
    line = f'Device,{tags} gw="gw-01",ep="aa",seq={number}i,q="good" {start_ns + number * 1000000}'
    url = f"http://127.0.0.1:{port}/api/v2/write?precision=ns"
    urllib.request.urlopen(urllib.request.Request(url, line.encode()), timeout=30).close()
    stop.wait(0.2)
print(number)
"""


class InsideEdge(EdgeProgram):
    """An edge in the wire's namespace."""

    def __init__(self, folder: Path, site: str, namespace: str, extra: str) -> None:
        """Run `ip netns exec` in front of it."""
        super().__init__(folder, site, extra=extra)
        self.namespace = namespace
        self.program = "ip"

    def arguments(self) -> list[str]:
        """Enter the namespace first."""
        return ["netns", "exec", self.namespace, sys.executable, *super().arguments()]

    def ready(self) -> bool:
        """Ask from inside: the line may be down."""
        ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{self.port}/ping', timeout=2)"
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-c", ask]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Line:
    """A commune behind a wire, with a backlog and live readings, and its province on this side."""

    def __init__(self, wire: Wire, folder: Path, host: str = HERE) -> None:
        """Start both edges and the feeder."""
        self.wire = wire
        site = 'province = "42"\nlevel = '
        self.province = EdgeProgram(folder / "province", site + '"province"', host="0.0.0.0")
        fill(folder / "commune" / "edge.db", BACKLOG)
        upstream = (
            f'[[upstream]]\nname = "next"\nurl = "http://{host}:{self.province.port}"\ntimeout = "5s"\n'
        )
        commune = site + '"commune"\ncommune = "18562"'
        self.commune = InsideEdge(folder / "commune", commune, wire.namespace, upstream)

    def __enter__(self) -> Self:
        self.province.start()
        self.commune.start()
        command = ["ip", "netns", "exec", self.wire.namespace, sys.executable, "-c", FEEDER]
        command += [str(self.commune.port), str(BACKLOG + 1), str(START_NS)]
        self.feeder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.feeder.kill()
        self.feeder.wait()
        self.commune.close()
        self.province.close()

    def arrived(self) -> RangeSet:
        """What the province has committed."""
        return self.province.seen(STREAM)

    def finish(self, within_s: float) -> int:
        """Stop the feeder, wait for the last reading, and return how many were taken."""
        printed, _ = self.feeder.communicate("", timeout=60)
        last = int(printed)
        whole = RangeSet([(1, last)])
        until(lambda: self.arrived() == whole, within_s=within_s, what=f"all {last} readings at the province")
        return last


def cable_cut(line: Line) -> None:
    line.wire.cut = True
    wait(8)
    line.wire.cut = False


def thirty_percent_loss(line: Line) -> None:
    line.wire.loss = 0.3
    wait(30)
    line.wire.loss = 0.0


def six_hundred_ms_delay(line: Line) -> None:
    line.wire.delay_s = 0.6
    wait(20)


def half_open(line: Line) -> None:
    """The far end keeps the connection and says nothing, as after a power cut at the province."""
    line.province.freeze()
    wait(12)
    line.province.thaw()


def flapping(line: Line) -> None:
    """The line goes or comes back every 5 s, for 10 minutes."""
    for _ in range(120):
        line.wire.cut = not line.wire.cut
        wait(5)
    line.wire.cut = False


def wait(seconds: float) -> None:
    """Let a fault last: its length is the test."""
    threading.Event().wait(seconds)


@pytest.mark.parametrize("fault", [cable_cut, thirty_percent_loss, six_hundred_ms_delay, half_open, flapping])
def test_no_fault_of_the_line_loses_a_reading(fault: Callable[[Line], None], tmp_path: Path) -> None:
    with Wire() as wire:
        wire.rate_bps = 256_000
        with Line(wire, tmp_path) as line:
            until(lambda: len(line.arrived()) > 0, within_s=30, what="the first reading")
            fault(line)
            last = line.finish(180)
            seen = line.arrived()
    print(f"{fault.__name__}: taken {last}, arrived {len(seen)}, missing {last - len(seen)}")
    assert seen == RangeSet([(1, last)])


def test_a_name_that_does_not_resolve_is_tried_until_it_does(tmp_path: Path) -> None:
    with Wire() as wire:
        hosts = Path("/etc/netns") / wire.namespace / "hosts"
        hosts.parent.mkdir(parents=True)
        hosts.write_text("127.0.0.1 localhost\n")
        try:
            with Line(wire, tmp_path, host="province.test") as line:
                wait(8)
                assert not line.arrived()
                hosts.write_text(f"127.0.0.1 localhost\n{HERE} province.test\n")
                last = line.finish(120)
                assert line.arrived() == RangeSet([(1, last)])
        finally:
            hosts.unlink()
            hosts.parent.rmdir()


def test_a_thin_line_is_used_to_four_fifths_and_new_readings_do_not_wait_behind_the_backlog(
    tmp_path: Path,
) -> None:
    with Wire() as wire:
        wire.rate_bps = 64_000
        wire.delay_s = 0.1
        with Line(wire, tmp_path) as line:
            until(lambda: len(line.arrived()) > 0, within_s=30, what="the first reading")
            began, carried = time.monotonic(), wire.carried[0]
            until(
                lambda: BACKLOG + 10 in line.arrived(),
                within_s=30,
                what="a new reading, ahead of the backlog",
            )
            newest_s = time.monotonic() - began
            assert len(line.arrived()) < BACKLOG
            until(lambda: BACKLOG // 2 in line.arrived(), within_s=300, what="half the backlog")
            share = (wire.carried[0] - carried) * 8 / (time.monotonic() - began) / wire.rate_bps
            wire.rate_bps = 0
            last = line.finish(120)
    print(
        f"64 kbit/s: line used to {share:.0%}, newest visible after {newest_s:.1f} s, taken {last}, missing 0"
    )
    assert share >= 0.8
