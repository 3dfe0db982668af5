"""What the HTTP side may ask of an edge: the seam between the routers and the wiring."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from msgspec import Struct

from edge_api.alarms import AlarmBook
from edge_api.history import History
from edge_api.point import Point
from edge_api.tokens import Scope, Token

if TYPE_CHECKING:
    from edge_api.province.office import Office

LANE_HEADER = "X-Commune-Lane"
"""Says in a request the lane of its least urgent reading: events, live or backlog. Databases ignore it."""


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """A body checked to its last line. `body_gzip` is line protocol in ns and ends with a newline."""

    body_gzip: bytes
    points: Sequence[Point]


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """The edge does not take this batch now; the sender keeps custody and asks again in `retry_after_s`."""

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class SpoolFull(Refused):
    """The quota is used up; it answers 429."""


class Paced(Refused):
    """Too much of the children's backlogs comes at once: 429. Live readings may come at any time."""


class CannotCommit(Refused):
    """The disk does not take the batch now; it answers 503."""


class Lane(Struct, frozen=True):
    """What waits in one lane."""

    points: int = 0
    bytes: int = 0


class Lanes(Struct, frozen=True):
    """What waits for one upstream, in the order in which it goes."""

    events: Lane = Lane()
    live: Lane = Lane()
    backlog: Lane = Lane()


class Drain(Struct, frozen=True, kw_only=True):
    """A backlog that goes: what waits now and what waited at its worst, and how fast it shrinks."""

    most: int
    waiting: int
    points_per_s: float | None = None
    seconds_left: float | None = None


class UpstreamStatus(Struct, frozen=True, kw_only=True):
    """How the relay to one upstream stands. Ages are seconds, times RFC 3339 UTC.

    `last_error` is as it came, `last_trouble` its kind: a word of `edge_api.upstream.trouble`.
    `passed_over`: readings in no roll-up, too old or too far ahead, since the start; None without roll-ups.
    """

    name: str
    state: str
    lanes: Lanes = Lanes()
    oldest_age_s: float | None = None
    autonomy_hours: float | None = None
    last_success: str | None = None
    last_error: str | None = None
    last_trouble: str | None = None
    last_error_at: str | None = None
    delivered: int = 0
    quarantined: int = 0
    passed_over: int | None = None
    drain: Drain | None = None


class RelayStatus(Struct, frozen=True):
    """How all upstreams stand."""

    upstreams: list[UpstreamStatus] = []


class Gap(Struct, frozen=True, kw_only=True, rename={"first": "from", "last": "to"}):
    """Readings `from` to `to` of a node's spool that are known and not here, known so since `since`.

    A stretch of time lies somewhere between `after` and `before`; its numbers, or their end, are null.
    """

    gw: str
    ep: str
    first: int | None
    last: int | None
    since: str
    reason: str
    after: str | None = None
    before: str | None = None


class QuarantinedLine(Struct, frozen=True, kw_only=True):
    """A line that an upstream refused for good, with its reason."""

    id: int
    upstream: str
    line: str
    reason: str
    since: str


class NodeCounts(Struct, frozen=True, kw_only=True):
    """Readings and events of one node's spool: how many it took, how many are committed here and gone on.

    `committed` is `delivered`, what waits, and `quarantined`. `delivered` is None while too much waits to
    tell whose it is, and where there is no upstream.
    """

    gw: str
    ep: str
    taken: int
    committed: int
    delivered: int | None
    quarantined: int = 0
    missing: int = 0


class Counters(Struct, frozen=True, kw_only=True):
    """Totals since the start, and what the disk holds; `thinned` is since the spool began."""

    nodes: list[NodeCounts] = []
    received: int = 0
    committed: int = 0
    duplicates: int = 0
    refused: int = 0
    commits: int = 0
    spool_points: int = 0
    spool_bytes: int = 0
    disk_free_bytes: int = 0
    spool_used_bytes: int = 0
    spool_limit_bytes: int = 0
    thinned: int = 0


class Imported(Struct):
    """What an import did; `problem` says where the file stopped being right, `receipt` is hex."""

    blocks: int = 0
    points: int = 0
    released: int = 0
    receipt: str = ""
    problem: str | None = None


class EdgeInfo(Struct, frozen=True, kw_only=True):
    """Who this edge is. `problem` is None while it can take custody, else a sentence."""

    level: str
    province: str
    commune: str
    name: str
    version: str
    problem: str | None = None


class Certificate(Struct, frozen=True, kw_only=True, rename={"days_left": "daysLeft"}):
    """A certificate or revocation list of the configuration, by table and key, and when it ends."""

    what: str
    expires: str | None = None
    days_left: float | None = None
    problem: str | None = None


class EdgeView(Protocol):
    """An edge as the routers see it. Every method may be called from any thread and answers at once."""

    @property
    def history(self) -> History:
        """Return recent readings and latest values."""

    @property
    def alarms(self) -> AlarmBook:
        """Return open and past alarms."""

    @property
    def office(self) -> "Office | None":
        """Return what counts for the programme; None at an edge that does not."""

    def submit(self, batch: WriteBatch) -> Future[None]:
        """Take a batch; the future is done when it is on disk, or fails with SpoolFull or CannotCommit.

        Either may be raised at once instead.
        """

    def grant_s(self, size: int, *, backlog: bool) -> float:
        """Return 0 when a body of `size` bytes is welcome now, else the seconds to wait."""

    def relay_status(self) -> RelayStatus:
        """Return how the upstreams stand."""

    def gaps(self) -> Sequence[Gap]:
        """Return what is known to be missing."""

    def quarantine(self) -> Sequence[QuarantinedLine]:
        """Return the lines that an upstream refused for good."""

    def replay(self, number: int, fixed: bytes | None) -> None:
        """Send a quarantined body again, mended if `fixed` is given; raise KeyError or ValueError."""

    def drop(self, number: int) -> None:
        """Give a quarantined body up for good; raise KeyError when there is none of that number."""

    def export(self, upstream: str | None) -> Iterator[bytes]:
        """Yield what waits for an upstream as signed blocks; raise ValueError when that cannot be."""

    def take_in(self, file: BinaryIO) -> Imported:
        """Commit an export, or let go of what a receipt confirms."""

    def counters(self) -> Counters:
        """Return the totals."""

    def token_ok(self, token: str, scope: Scope, *, local: bool = False) -> bool:
        """Return whether a token (may be empty) opens a scope; compares in constant time.

        `local`: the request comes from a program on this machine, which may do all while there are no tokens.
        """

    def holder(self, token: str) -> Token | None:
        """Return whose token it is; None when it is nobody's."""

    def certificates(self) -> Sequence[Certificate]:
        """Return when each certificate and revocation list ends that this edge depends on."""

    def info(self) -> EdgeInfo:
        """Return who this edge is."""

    def now_ns(self) -> int:
        """Return the time for ages on the page and for lines without a time, ns since 1970."""
