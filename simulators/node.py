"""A node on simulated hardware as a process of its own, as it would run on a Pi."""

import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

from gateway import config_check
from gateway.node import run
from simulators.clock import PacedClock
from simulators.commune import build


def run_node(file: Path, *, seed: int, bins: int, speed: float, every_s: float = 1.0) -> None:
    """Run the node of `file` with the devices and assets of a simulated commune, until SIGTERM.

    The simulated Pi's clock starts at the present and is set: each start is a boot of its own. Each asset is
    read every `every_s` of real time, and of its own clock never more than once a second.
    """
    clock = PacedClock(datetime.now(UTC), speed=speed, boot_id=uuid.uuid4().hex)
    commune = build(seed, clock, bins=bins)
    try:
        with tempfile.TemporaryDirectory(prefix="sim-node-") as folder:
            whole = Path(folder) / "node.toml"
            every = max(int(speed * every_s), 1)
            tables = commune.config_toml(every=f"{every}s", stale_after=f"{every * 3}s")
            whole.write_text(file.read_text(encoding="utf-8") + "\n" + tables, encoding="utf-8")
            run(config_check.load(whole), commune.io, speed)
    finally:
        clock.close()
        commune.close()
