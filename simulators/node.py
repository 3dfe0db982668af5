"""A node on simulated hardware as a process of its own, as it would run on a Pi."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway import config
from gateway.node import run
from simulators.clock import PacedClock
from simulators.commune import build
from simulators.io import SimIO


@contextmanager
def practice(keep: Path) -> Iterator[tuple[config.NodeConfig, SimIO]]:
    """Give a simulated commune in real time with its configuration; what is kept is kept in the folder."""
    clock = PacedClock(datetime.now(UTC), speed=1.0, boot_id=uuid.uuid4().hex)
    commune = build(1, clock, bins=2)
    head = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'
    try:
        with tempfile.TemporaryDirectory(prefix="sim-node-") as folder:
            whole = Path(folder) / "node.toml"
            spool = f'[spool]\npath = "{keep.resolve() / "node.db"}"\n'
            whole.write_text(head + spool + commune.config_toml(), encoding="utf-8")
            yield config.load(whole), commune.io
    finally:
        clock.close()
        commune.close()


def run_node(file: Path, *, seed: int, bins: int, speed: float) -> None:
    """Run the node of `file` with the devices and assets of a simulated commune, until SIGTERM.

    The simulated Pi's clock starts at the present and is set: each start is a boot of its own.
    """
    clock = PacedClock(datetime.now(UTC), speed=speed, boot_id=uuid.uuid4().hex)
    commune = build(seed, clock, bins=bins)
    try:
        with tempfile.TemporaryDirectory(prefix="sim-node-") as folder:
            whole = Path(folder) / "node.toml"
            every = f"{max(int(speed), 1)}s"
            tables = commune.config_toml(every=every, stale_after=f"{max(int(speed), 1) * 3}s")
            whole.write_text(file.read_text(encoding="utf-8") + "\n" + tables, encoding="utf-8")
            run(config.load(whole), commune.io, speed)
    finally:
        clock.close()
        commune.close()
