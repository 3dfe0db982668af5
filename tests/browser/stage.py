# ruff: noqa: E501 tables and line protocol read better on one line
"""A real edge with a lived-in commune behind it, its page served and a password set: for browsers."""

import gzip
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge_api.api.view import WriteBatch
from edge_api.config import EdgeConfig, Site, Upstream
from edge_api.edge import Edge
from edge_api.lineprotocol import parse
from edge_api.province.config import Province
from edge_api.province.days import day_of
from edge_api.server import HttpServer
from edge_api.web.accounts import set_password
from edge_api.web.settings import DeskSocket, Page
from sensors.settings import Bytes, Seconds
from tests.browser import neighbours, village
from tests.edge_api.edge_rig import edge_config
from tests.parts.wait import until

PASSWORD = "chín mươi chín"
ABOVE = Site(level="province", province=village.PROVINCE, name="Tỉnh Hà Tĩnh")
SITE = Site(level="commune", province=village.PROVINCE, commune=village.COMMUNE, name="Xã Thạch Hà")


@dataclass
class Stage:
    """A running edge and the address of its page."""

    edge: Edge
    url: str
    upstreams: list[Upstream] = field(default_factory=list)

    def publish(self, lines: Iterable[str]) -> None:
        """Commit some lines as an intake does; returns when they are on disk."""
        body = ("\n".join(lines) + "\n").encode()
        if body.strip():
            self.edge.submit(WriteBatch(gzip.compress(body), parse(body))).result(30)

    def live_through(self, hours: float = 24.0) -> None:
        """Let a day pass, with two alarms at its end and one that is over."""
        now_ns = time.time_ns()
        for domain, meta in village.metas():
            self.edge.history.meta(village.PROVINCE, village.COMMUNE, domain, meta)
            self.edge.history.status(village.PROVINCE, village.COMMUNE, domain, meta.id, "online")
        self.publish(village.lines(now_ns, hours))
        alarm = village.alarm
        self.publish([
            alarm(now_ns, "binFull", "bin-0001", "waste", minutes=42, field="fillingLevel", value=0.93, limit=0.9),
            alarm(now_ns, "leak", "network-01", "water", minutes=190, severity="critical", field="waterFlow",
                  value=6.4, limit=4.5),
            alarm(now_ns, "limitBroken", "quality-01", "water", minutes=400, field="turbidity", value=2.31, limit=2.0),
            alarm(now_ns, "limitBroken", "quality-01", "water", minutes=340, state="cleared", field="turbidity"),
        ])  # fmt: skip

    def hear_of_neighbours(self) -> None:
        """Let some communes have reported for two days, and count what came."""
        now_ns = time.time_ns()
        for commune, domain, meta in neighbours.metas():
            self.edge.history.meta(village.PROVINCE, commune, domain, meta)
        self.publish(neighbours.lines(now_ns))
        office = self.edge.office
        assert office is not None

        def counted() -> bool:
            office.keeper.work(all_of_it=True)
            yesterday = day_of(now_ns) - 1
            told = office.completeness(None, range(yesterday, yesterday + 1))
            return len(told) == len(neighbours.NEIGHBOURS) and not office.keeper.waiting

        until(counted, what="the days of all communes to be counted")


@contextmanager
def stage(
    folder: Path, *, site: Site = SITE, upstreams: Iterable[Upstream] = (), desk: Path | None = None, port: int = 0,
    **more: object,
) -> Iterator[Stage]:  # fmt: skip
    """Start an edge; its admin's password is PASSWORD."""
    folder.mkdir(parents=True, exist_ok=True)
    page = Page(accounts=folder / "accounts", actions=folder / "actions.log", session=Seconds(3600))
    set_password(page.accounts, "admin", "admin", PASSWORD)
    config: EdgeConfig = edge_config(folder, site=site, upstreams=list(upstreams), **more)  # type: ignore[arg-type]
    if site.level == "province":
        config = msgspec.structs.replace(config, programme=Province(path=folder / "province.db"))
    edge = Edge(config)
    server = HttpServer("127.0.0.1", port)
    edge.start()
    server.start(edge, None, page, DeskSocket(desk) if desk else None)
    try:
        yield Stage(edge, f"http://127.0.0.1:{server.port}", list(upstreams))
    finally:
        server.stop()
        edge.stop(1.0)


def upstream(url: str, name: str = "province", backlog_rate: int = 0, max_bytes: int = 512_000) -> Upstream:
    """An [[upstream]] table."""
    return Upstream(
        name=name, url=url, timeout=Seconds(5), backlog_rate=Bytes(backlog_rate), max_bytes=Bytes(max_bytes)
    )
