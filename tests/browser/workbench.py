"""A simulated workbench behind a desk: what the installation assistant is shown, faults on demand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.config import Spool
from gateway.desk import Desk
from gateway.runner import Runner
from simulators.bench import Bench

NAMES = {"quality-01": "Nước sạch đầu mạng"}  # people name assets; what is kept goes by their ids


@contextmanager
def workbench(folder: Path) -> Iterator[tuple[Bench, Path]]:
    """Lend a bench with one of each device, and the socket of its desk."""
    bench = Bench()
    socket = folder / "desk"
    config = bench.config()
    assets = [msgspec.structs.replace(each, name=NAMES.get(each.id, "")) for each in config.assets]
    configured = msgspec.structs.replace(config, assets=assets, spool=Spool(path=folder / "node.db"))
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
