"""An hour of a whole commune on one machine: the memory of its node and of its edge must stay as it was."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contenders import Broker, Commune, Contender, Places
from bench.meter import Use, use
from bench.nodes import HOME, Node
from bench.rig import Database, Figures
from tests.parts.process import Part
from tests.parts.wait import until

_BINS = 4
_NODE_EVERY_S = 6  # ten or so assets: some hundred readings a minute
_FLEET_ASSETS = 100  # with the nodes' own, what 300 assets a minute come to
_NODE_ASSETS = 100  # of a node that reads files of this machine, each once a minute
_LOOK_S = 5.0
_SAY_S = 60.0
_DAY_S = 86_400


class CommuneEdge(Commune):
    """An edge of a commune with its defaults."""

    def arguments(self) -> list[str]:
        """Write the configuration of a province's edge, then say that this is a commune's."""
        arguments = super().arguments()
        file = self.folder / "edge.toml"
        site = f'level = "commune"\ncommune = "{HOME.code}"\n'
        kept = [row for row in file.read_text().splitlines() if not row.startswith("linger")]
        file.write_text("\n".join(kept).replace('level = "province"', site))
        return arguments


class SimNode(Part):
    """A node on simulated hardware, in real time: one process, the simulated devices with it."""

    program = Commune.program

    def __init__(self, folder: Path, broker: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self._broker = broker

    def arguments(self) -> list[str]:
        """Write the tables of its node.toml that the simulation does not bring along."""
        file = self.folder / "node.toml"
        file.write_text(
            f'[site]\nprovince = "{HOME.province}"\ncommune = "{HOME.code}"\ngw = "gw-01"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self._broker}\n'
            f'[spool]\npath = "{self.folder}/node.db"\n'
        )
        return ["sim", "node", str(file), f"--bins={_BINS}", f"--every={_NODE_EVERY_S}s"]

    def ready(self) -> bool:
        """Its first reading tells."""
        return True


def soak(kind: type[Contender], *, minutes: float) -> Figures:
    """Let a commune go on for so long; the first tenth is warming up. `kind` says only whose row it is."""
    del kind
    with Broker() as broker, Database() as database, TemporaryDirectory(prefix="commune-soak-") as name:
        folder = Path(name)
        edge = CommuneEdge(Places(folder / "edge", broker.port, database.port))
        node = Node(folder / "node", broker.port, assets=_NODE_ASSETS, every="1min", gw="gw-02")
        with edge, SimNode(folder / "sim", broker.port) as sim, node:
            until(lambda: database.metric("vm_rows_inserted_total") > 0, within_s=60, what="a reading")
            fleet = subprocess.Popen(
                [
                    Commune.program, "sim", "fleet", "--communes=1", f"--assets={_FLEET_ASSETS}",
                    f"--broker=127.0.0.1:{broker.port}", f"--for={minutes * 60}", "--json",
                ],
                stdout=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            seen = _watched({"edge": edge, "node": node, "sim": sim}, minutes)
            facts, _ = fleet.communicate()
            print(f"    fleet: {facts}", file=sys.stderr, flush=True)
    figures: Figures = {"minutes": minutes}
    for whose in ("edge", "node", "sim"):
        warm = [each[whose] for each in seen[len(seen) // 10 :]]
        sizes = [each.rss_mb for each in warm]
        span_s = (len(warm) - 1) * _LOOK_S
        figures |= {
            f"{whose}_first_mb": sizes[0],
            f"{whose}_last_mb": sizes[-1],
            f"{whose}_low_mb": min(sizes),
            f"{whose}_high_mb": max(sizes),
            f"{whose}_cpu_percent": (warm[-1].cpu_s - warm[0].cpu_s) / span_s * 100,
            f"{whose}_gb_a_day": (warm[-1].written - warm[0].written) / span_s * _DAY_S / 1e9,
        }
    return figures


def _watched(parts: dict[str, Part], minutes: float) -> list[dict[str, Use]]:
    """Look at all of them every few seconds, and say every minute what was seen."""
    began, said = time.monotonic(), 0.0
    seen: list[dict[str, Use]] = []
    while (past := time.monotonic() - began) < minutes * 60:
        time.sleep(_LOOK_S)
        seen.append({name: use(part.pid) for name, part in parts.items()})
        if past - said >= _SAY_S:
            said = past
            sizes = ", ".join(
                f"{name} {it.rss_mb:.1f} MB {it.cpu_s:.2f} s {it.written} B" for name, it in seen[-1].items()
            )
            print(f"    {past / 60:.0f} min: {sizes}", file=sys.stderr, flush=True)
    return seen
