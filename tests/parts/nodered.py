"""Because consumers use Node-RED: a real one from npm, installed once a machine, with the shipped flow."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

from tests.parts.mosquitto import Mosquitto
from tests.parts.process import Part, find_program

FLOW = Path(__file__).parents[2] / "docs" / "feed" / "node-red" / "flow.json"
_VERSION = "node-red@4"
_INSTALL_S = 500
_SETTINGS = """
process.env.COMMUNE_MQTT_HOST = '127.0.0.1';
process.env.COMMUNE_MQTT_PORT = '{broker}';
module.exports = {{ uiHost: '127.0.0.1', uiPort: {port}, httpAdminRoot: false }};
"""


def installed() -> Path:
    """Return the folder in which Node-RED is installed; npm does it the first time, in a minute."""
    folder = Path(tempfile.gettempdir()) / f"commune-test-node-red-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            command = [find_program("npm"), "install", "--no-audit", "--no-fund", "--omit=optional", _VERSION]
            subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_S, capture_output=True)
            (folder / "ready").touch()
    return folder


class NodeRed(Part):
    """A Node-RED with one flow, which listens to a broker."""

    program: ClassVar[str] = "node"

    def __init__(self, flow: Path, broker: Mosquitto) -> None:
        """Give it the flow and the broker's place, as its user would."""
        super().__init__()
        self.flow = flow
        self.broker = broker

    def arguments(self) -> list[str]:
        """Copy the flow, since Node-RED writes into its folder, and point to it."""
        shutil.copy(self.flow, self.folder / "flow.json")
        settings = self.folder / "settings.js"
        settings.write_text(_SETTINGS.format(port=self.port, broker=self.broker.port))
        red = installed() / "node_modules" / "node-red" / "red.js"
        folder = str(self.folder)
        return [str(red), "-u", folder, "-s", str(settings), f"{folder}/flow.json"]

    def ready(self) -> bool:
        """Tell whether the flow answers."""
        try:
            urllib.request.urlopen(f"http://{self.address}/commune", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True
