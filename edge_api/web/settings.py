"""The tables of edge.toml that concern the page: who may log in, and the desk of the node beside it."""

from pathlib import Path

from sensors.settings import Seconds, Settings


class Page(Settings, frozen=True):
    """Table [page]: the file of passwords, that of who did what, and how long a login lasts."""

    accounts: Path = Path("/var/lib/commune/accounts")
    actions: Path = Path("/var/lib/commune/actions.log")
    session: Seconds = Seconds(12 * 3600)


class DeskSocket(Settings, frozen=True):
    """Table [desk]: the socket of the node on this machine, for the page's installation assistant."""

    socket: Path
