"""Because the broker is what breaks in the field: a real Mosquitto, to kill, freeze and start again."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.parts.process import Part


class Mosquitto(Part):
    """A Mosquitto on a port of its own; extra lines go to its configuration as they are."""

    program: ClassVar[str] = "mosquitto"

    def __init__(
        self, lines: Sequence[str] = (), *, persistence: bool = False, folder: Path | None = None
    ) -> None:
        """Configure the broker; with persistence its sessions and retained messages outlive a clean stop."""
        super().__init__(folder)
        self.lines = list(lines)
        self.persistence = persistence

    def arguments(self) -> list[str]:
        """Write mosquitto.conf and point the broker to it."""
        store = self.folder / "store"
        store.mkdir(exist_ok=True)
        config = [f"listener {self.port} 127.0.0.1", "log_dest stderr", "log_type all"]
        if os.getuid() == 0:
            # A change of user would clear "end with your parent", and forbid the folder.
            config.append("user root")
        if not any(line.split()[:1] == ["allow_anonymous"] for line in self.lines):
            config.append("allow_anonymous true")
        if self.persistence:
            config += ["persistence true", f"persistence_location {store}/"]
        (self.folder / "mosquitto.conf").write_text("\n".join([*config, *self.lines]) + "\n")
        return ["-c", str(self.folder / "mosquitto.conf")]

    def ready(self) -> bool:
        """Tell whether it takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
