"""A node on simulated hardware as a process of its own, as it would run on a Pi."""

import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

from gateway import config
from gateway.node import run
from simulators.clock import PacedClock
from simulators.commune import build


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
