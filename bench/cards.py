"""What a card is written in a day: by an edge, and by a node and an edge on one machine."""

import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contenders import Broker, Contender, Places
from bench.meter import use
from bench.nodes import Node
from bench.rig import Database, Figures, Helper, round_of, used
from bench.soak import CommuneEdge
from tests.parts.wait import until

_DAY_S = 86_400
_WARM_S = 30.0


def card(kind: type[Contender], *, count: int, assets: int) -> Figures:
    """So many assets, each once a minute: what is handed to the disk, and what that would be in a day."""
    with round_of(kind, feed=True) as (rig, contender, _):
        assert rig.broker is not None
        helper = Helper("writer", port=rig.broker.port, count=count, assets=assets, rate=assets / 60)
        helper.ready()
        before, began = used(contender), time.monotonic()
        helper.go()
        helper.facts()
        seconds = time.monotonic() - began
        written = used(contender).written - before.written
        rig.arrived(count)
        return {
            "minutes": seconds / 60,
            "gb_a_day": written / seconds * _DAY_S / 1e9,
            "written_bytes": written / count,
            "lost": count - rig.stored(),
        }


def both(_kind: type[Contender], *, minutes: float, assets: int) -> Figures:
    """A node that reads so many assets once a minute, and the edge that takes them, on one card."""
    with ExitStack() as stack:
        broker, database = stack.enter_context(Broker()), stack.enter_context(Database())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="commune-card-")))
        edge = stack.enter_context(CommuneEdge(Places(folder / "edge", broker.port, database.port)))
        node = stack.enter_context(Node(folder / "node", broker.port, assets=assets, every="1min"))
        until(lambda: database.metric("vm_rows_inserted_total") > 0, within_s=60, what="a reading")
        time.sleep(_WARM_S)
        before, began = (use(edge.pid), use(node.pid)), time.monotonic()
        time.sleep(minutes * 60)
        seconds, after = time.monotonic() - began, (use(edge.pid), use(node.pid))
        days = seconds / _DAY_S * 1e9
        figures: Figures = {"minutes": seconds / 60}
        for whose, was, now in zip(("edge", "node"), before, after, strict=True):
            figures |= {
                f"{whose}_gb_a_day": (now.written - was.written) / days,
                f"{whose}_high_mb": now.peak_mb,
                f"{whose}_cpu_percent": (now.cpu_s - was.cpu_s) / seconds * 100,
            }
        figures["gb_a_day"] = figures["edge_gb_a_day"] + figures["node_gb_a_day"]
        return figures


def idle_node(_kind: type[Contender], *, seconds: float) -> Figures:
    """A node that has nothing to read for an hour."""
    with Broker() as broker, TemporaryDirectory(prefix="commune-idle-") as name:
        with Node(Path(name), broker.port, assets=1, every="1h") as node:
            time.sleep(_WARM_S)
            before = use(node.pid)
            time.sleep(seconds)
            after = use(node.pid)
        return {
            "idle_cpu_percent": (after.cpu_s - before.cpu_s) / seconds * 100,
            "rss_mb": after.rss_mb,
            "written_bytes": float(after.written - before.written),
        }
