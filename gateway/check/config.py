"""The settings of a node's desk."""

from pathlib import Path

from sensors.settings import Settings


class Desk(Settings, frozen=True):
    """Table [desk]: the unix socket at which a running node shows its devices to people; off when absent."""

    socket: Path | None = None
