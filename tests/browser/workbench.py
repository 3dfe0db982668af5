"""A simulated workbench behind a desk: what the installation assistant is shown, faults on demand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.config import Spool
from gateway.desk import Desk
from gateway.runner import Runner
from simulators.bench import Bench


@contextmanager
def workbench(folder: Path) -> Iterator[tuple[Bench, Path]]:
    """Lend a bench with one of each device, and the socket of its desk."""
    bench = Bench()
    socket = folder / "desk"
    configured = msgspec.structs.replace(bench.config(), spool=Spool(path=folder / "node.db"))
    runner = Runner(configured, bench.io, lambda _reading: None)
    runner.start(schedule=False)
    desk = Desk(socket, configured, runner, bench.clock, lambda: bench.machine)
    desk.start()
    try:
        yield bench, socket
    finally:
        desk.stop()
        runner.stop()
        bench.close()
