"""An edge in memory: takes batches into a real History, and can be told to refuse."""

import gzip
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from edge_api.alarms import AlarmBook
from edge_api.api.view import (
    Certificate,
    Counters,
    EdgeInfo,
    Gap,
    Lane,
    Lanes,
    NodeCounts,
    QuarantinedLine,
    RelayStatus,
    UpstreamStatus,
    WriteBatch,
)
from edge_api.history import History
from edge_api.tokens import Scope, Token

if TYPE_CHECKING:
    from edge_api.province.office import Office

NOW_NS = 1_795_412_400_000_000_000  # 2026-11-23T05:00:00Z... in whole seconds
WRITER = {"Authorization": "Token w"}
READER = {"Authorization": "Token r"}


def _token(secret: str, scopes: list[Scope], commune: str = "") -> Token:
    return Token(name=secret, sha256=sha256(secret.encode()).hexdigest(), scopes=scopes, commune=commune)


class FakeEdge:
    def __init__(self, path: Path) -> None:
        self.history = History(path / "history.db")
        self.kept: list[object] = []
        self.alarms = AlarmBook(path / "alarms.db", self.kept.append, lambda: 0, lambda: NOW_NS)
        self.history.listen(self.alarms.take)
        self.office: Office | None = None
        self.batches: list[WriteBatch] = []
        self.refusal: Exception | None = None
        self.raises_at_once = False
        self.open_reading = True
        self.problem: str | None = None
        self.backlog_wait_s = 0.0
        self.relay = RelayStatus(
            [
                UpstreamStatus(
                    name="province",
                    state="retrying",
                    lanes=Lanes(Lane(1, 100), Lane(20, 2000), Lane(12345, 67890)),
                    oldest_age_s=7200,
                    autonomy_hours=168.5,
                    last_success="2026-11-23T04:00:00.000Z",
                    last_error="<b>timed out</b>",
                    delivered=7,
                    quarantined=1,
                )
            ]
        )
        self.tokens = [_token("w", ["ingest"]), _token("r", ["read"])]
        self.level = "commune"
        self.name = "Xã Cẩm Bình"

    def count_for_a_programme(self, path: Path) -> None:
        """Have a table [province]."""
        from edge_api.province.config import Province  # noqa: PLC0415
        from edge_api.province.office import open_office  # noqa: PLC0415

        config = Province(path=path / "province.db", population={"18562": 9500})
        self.office = open_office(config, self.history, self.alarms, lambda: NOW_NS, dict)

    def lines(self) -> list[str]:
        return [line for b in self.batches for line in gzip.decompress(b.body_gzip).decode().splitlines()]

    def grant_s(self, size: int, *, backlog: bool) -> float:
        """Ask backlogs to wait as long as the test says."""
        return self.backlog_wait_s if backlog else 0.0

    def submit(self, batch: WriteBatch) -> "Future[None]":
        future: Future[None] = Future()
        if self.refusal is not None:
            if self.raises_at_once:
                raise self.refusal
            future.set_exception(self.refusal)
            return future
        self.batches.append(batch)
        self.history.add(batch.points)
        future.set_result(None)
        return future

    def relay_status(self) -> RelayStatus:
        return self.relay

    def gaps(self) -> list[Gap]:
        return [
            Gap(gw="gw-01", ep="7f3a9c", first=3, last=9, since="2026-11-23T05:00:00.000Z", reason="quota")
        ]

    def quarantine(self) -> list[QuarantinedLine]:
        return [
            QuarantinedLine(
                id=1,
                upstream="province",
                line="m a=1 1",
                reason="field type conflict",
                since="2026-11-23T05:00:00Z",
            )
        ]

    def counters(self) -> Counters:
        node = NodeCounts(
            gw="gw-01", ep="7f3a9c", taken=1234567, committed=1234566, delivered=1200000, missing=1
        )
        return Counters(
            nodes=[node], received=10, committed=9, commits=3, spool_points=12366, spool_bytes=69990
        )

    def token_ok(self, token: str, scope: Scope, *, local: bool = False) -> bool:
        found = self.holder(token)
        return (found is not None and scope in found.scopes) or (scope == "read" and self.open_reading)

    def holder(self, token: str) -> Token | None:
        return next((each for each in self.tokens if each.sha256 == sha256(token.encode()).hexdigest()), None)

    def certificates(self) -> list[Certificate]:
        return [Certificate(what="[mqtt] cert_file", expires="2026-12-01T00:00:00Z", days_left=7.5)]

    def info(self) -> EdgeInfo:
        return EdgeInfo(
            level=self.level,
            province="42",
            commune="18562" if self.level == "commune" else "",
            name=self.name,
            version="0.1.0",
            problem=self.problem,
        )

    def now_ns(self) -> int:
        return NOW_NS
