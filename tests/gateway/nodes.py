"""Because what a node is shows in its process: `commune node run` here; the machine is its only sensor."""

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from tests.parts.process import Part

COMMUNE = [sys.executable, "-c", "from gateway.cli import main; main()"]
TABLES = """
[site]
province = "42"
commune = "18562"
gw = "gw-01"
[mqtt]
host = "127.0.0.1"
port = {port}
[clock]
require_sync = false
[spool]
path = "{spool}"
[[device]]
id = "pi"
driver = "pi-health"
config = {{ path = "/" }}
[[asset]]
id = "gw-01"
type = "Device"
every = "1s"
inputs = {{ diskFree = "pi.diskFree" }}
"""


class RealNode(Part):
    """`commune node run` on this machine: its only sensor is the machine itself."""

    program: ClassVar[str] = sys.executable

    def __init__(self, folder: Path, broker_port: int, spool: Path | None = None) -> None:
        super().__init__(folder)
        text = TABLES.format(port=broker_port, spool=spool or folder / "node.db")
        (folder / "node.toml").write_text(text)

    def arguments(self):
        return [*COMMUNE[1:], "node", "run", str(self.folder / "node.toml")]

    def ready(self):
        return "starts, spool" in self.log

    @property
    def rss_mb(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1000

    def ended(self, within_s):
        return self._process.wait(within_s)


def attempt(*arguments):
    done = subprocess.run(
        [*COMMUNE, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr
