"""A node for the bench to measure alone: real, on this machine, without a simulated world in its memory."""

from pathlib import Path

from bench.contenders import Commune
from gateway.feed.communes import communes
from tests.parts.process import Part

HOME = communes()[0]  # where a fleet of one commune is, too


class Node(Part):
    """`commune node run` with assets that each read the state of the machine it is on, for want of a Pi."""

    program = Commune.program

    def __init__(
        self, folder: Path, broker: int, *, assets: int, every: str, linger: str = "", gw: str = "gw-01"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self._gw = gw
        self._broker = broker
        self._assets = assets
        self._every = every
        self._linger = f'linger = "{linger}"\n' if linger else ""

    def arguments(self) -> list[str]:
        """Write its node.toml."""
        head = (
            f'[site]\nprovince = "{HOME.province}"\ncommune = "{HOME.code}"\ngw = "{self._gw}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self._broker}\n'
            f'[spool]\npath = "{self.folder}/node.db"\n{self._linger}'
            "[clock]\nrequire_sync = false\n"
        )
        parts = [head]
        for number in range(1, self._assets + 1):
            name = self._gw if number == 1 else f"{self._gw}-asset-{number:02}"
            parts.append(
                f'[[device]]\nid = "pi-{number}"\ndriver = "pi-health"\nconfig = {{ path = "/" }}\n'
                f'[[asset]]\nid = "{name}"\ntype = "Device"\nevery = "{self._every}"\n'
                f'inputs = {{ diskFree = "pi-{number}.diskFree" }}\n'
            )
        file = self.folder / "node.toml"
        file.write_text("".join(parts))
        return ["node", "run", str(file)]

    def ready(self) -> bool:
        """Its first reading tells."""
        return True
