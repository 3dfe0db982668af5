"""Because consumers use Node-RED: a real one from npm, installed once a machine, with the shipped flow."""

import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

from tests.parts.mosquitto import Mosquitto
from tests.parts.npm import installed
from tests.parts.process import Part

FLOW = Path(__file__).parents[2] / "docs" / "feed" / "node-red" / "flow.json"
_VERSION = "node-red@4"
_SETTINGS = """
process.env.COMMUNE_MQTT_HOST = '127.0.0.1';
process.env.COMMUNE_MQTT_PORT = '{broker}';
module.exports = {{ uiHost: '127.0.0.1', uiPort: {port}, httpAdminRoot: false }};
"""


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
        red = installed(_VERSION) / "node_modules" / "node-red" / "red.js"
        folder = str(self.folder)
        return [str(red), "-u", folder, "-s", str(settings), f"{folder}/flow.json"]

    def ready(self) -> bool:
        """Tell whether the flow answers."""
        try:
            urllib.request.urlopen(f"http://{self.address}/commune", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True
