"""What somebody who tries the demo gets: a password of this run alone, a desk, a refused line, an alarm."""

import gzip
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from edge_api.api.view import WriteBatch
from edge_api.edge import Edge
from edge_api.lineprotocol import parse
from edge_api.web.accounts import set_password
from gateway.device import Device
from gateway.node import Node
from gateway.runner import Runner
from gateway.spool.segment import Refused
from sensors.sample import Metric
from simulators.wiring import PORT

__all__ = ["NAME", "Visitor"]

NAME = "admin"
_NS_A_MS = 1_000_000
_PATIENCE_S = 30.0  # until an alarm is on the disk
_REASON = "to practise on: field turbidity is text here, and was a number in all readings before"

T = TypeVar("T")


class Visitor:
    """One person at the demo's pages, who may do there whatever a technician may."""

    def __init__(self, folder: Path) -> None:
        """Make the password, which nobody has had before and nobody will have again."""
        self.password = "-".join(secrets.token_hex(2) for _ in range(3))
        self.desk = folder / "desk"
        self._accounts = folder / "accounts"
        set_password(self._accounts, NAME, "admin", self.password)

    def tables(self, level: str) -> str:
        """Return what edge.toml of a level needs, so that the visitor may log in at its page."""
        actions = self._accounts.with_name(f"{level}-actions.log")
        page = f'[page]\naccounts = "{self._accounts}"\nactions = "{actions}"\n'
        if level == "commune":
            return page + f'[desk]\nsocket = "{self.desk}"\n'
        return page + f'[province]\npath = "{self._accounts.with_name("province.db")}"\nevery = "30s"\n'

    @contextmanager
    def at_desk(self, node: Node, turn: threading.Lock) -> Iterator[None]:
        """Serve a node's desk; whoever else touches its devices holds `turn` meanwhile."""
        from gateway.check.reasoning import Machine  # noqa: PLC0415 - only where somebody looks on
        from gateway.desk import Desk  # noqa: PLC0415

        machine = Machine(ports=(PORT,))
        desk = Desk(self.desk, node.config, _Turns(node.runner, turn), node.io.clock, lambda: machine)
        desk.start()
        try:
            yield
        finally:
            desk.stop()

    def refuse_one(self, edge: Edge) -> None:
        """Put a line into quarantine that says itself what it is for; no reading of the demo."""
        ts_ns = edge.now_ns() // _NS_A_MS * _NS_A_MS
        site = edge.info()
        line = (
            f"WaterQualityObserved,asset=practice-01,commune={site.commune},domain=water,"
            f'province={site.province} turbidity="0.84",q="good",gw="practice",ep="practice",seq=1i {ts_ns}'
        )
        edge.spool.quarantine([Refused("province", "", _REASON, line.encode())], ts_ns)

    def raise_one(self, edge: Edge) -> None:
        """Raise an alarm to be acknowledged: in the demo's first hours nothing else may go wrong."""
        ts_ns = edge.now_ns() // _NS_A_MS * _NS_A_MS
        site = edge.info()
        line = (
            f"Alert,asset=bin-0001,commune={site.commune},domain=waste,kind=lidOpen,province={site.province} "
            f'severity="warning",state="raised",id="practice",gw="practice" {ts_ns}\n'
        ).encode()
        edge.submit(WriteBatch(gzip.compress(line), parse(line))).result(_PATIENCE_S)


class _Turns:
    """The runner of a node that somebody else steps: one of both at a time."""

    def __init__(self, runner: Runner, turn: threading.Lock) -> None:
        self._runner = runner
        self._turn = turn

    def visit(self, device: str, action: Callable[[Device], T], limit_s: float) -> T:
        with self._turn:
            return self._runner.visit(device, action, limit_s)

    def kinds(self, device: str) -> Sequence[Metric]:
        return self._runner.kinds(device)
