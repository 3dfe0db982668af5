"""The edge put together: ingest, writer, spool, relays, history; the same at every level."""

import hmac
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO

from edge_api import status
from edge_api.api import view
from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.config import EdgeConfig, read_secret, thins
from edge_api.custody import Custodian
from edge_api.grants import Grants
from edge_api.history import History
from edge_api.ingest.mqtt import Ears, MqttIngest
from edge_api.intake import Arrival, Intake, is_event, refusal_of
from edge_api.lines import join_bodies
from edge_api.relay import Relay
from edge_api.replay import replay
from edge_api.thinning import EdgeCodec
from edge_api.upstream import make_sink
from gateway.feed import Meta, Topic
from gateway.feed.link import RECEIVE_MAXIMUM
from gateway.feed.link import Settings as LinkSettings
from gateway.spool import Committer, Compactor, Gap, Outbox, Spool, Stream, reclaim
from gateway.spool.quota import Limits, Quota
from gateway.spool.room import Room
from gateway.spool.thinning import Thinner
from sensors.errors import ConfigError

if TYPE_CHECKING:
    from edge_api.exchange import Signer

log = logging.getLogger(__name__)

_RECLAIM_S = 10.0
STICK = "stick"  # the upstream of an edge that has no link: what leaves it is carried
_MOST_WAITING = (
    50_000  # points of HTTP bodies on their way to the disk, some 50 MB; past it children keep them
)


class Edge:
    """One edge; `wall` and the view's `now_ns` are for people's eyes only, nothing orders by them."""

    def __init__(self, config: EdgeConfig, wall_ns: "status.Wall" = time.time_ns) -> None:
        self.config = config
        self._wall_ns = wall_ns
        self.spool = Spool(config.spool.path, keep_s=float(config.spool.keep))
        self.history = History(config.history.path, float(config.history.keep) / 86_400)
        self.custodian = Custodian(self.spool, self._publish, self._note_gaps)
        self.room = Room(Quota(self.spool, Limits(int(config.spool.max_bytes), int(config.spool.min_free))))
        self.intake = Intake(self.spool, self.history, self.custodian.touched, wall_ns, self.room)
        self.committer: Committer[Arrival] = Committer(
            self.intake.commit,
            self.intake.refuse,
            linger_s=float(config.spool.linger),
            full=RECEIVE_MAXIMUM // 10,
        )
        self.relays = [
            Relay(
                self.spool,
                each.name,
                make_sink(each),
                max_bytes=int(each.max_bytes),
                backlog_rate=float(each.backlog_rate),
                wall_ns=wall_ns,
            )
            for each in config.upstreams
        ]
        self._signer = _signer(config)
        self._outboxes: list[Outbox] = [relay.outbox for relay in self.relays]
        if not self._outboxes and self._signer:
            self._outboxes = [Outbox(self.spool, STICK)]  # no link at all: receipts let go
        self._grants = Grants(float(config.http.backlog_rate))
        if thins(config):
            self.room.thinner = Thinner(
                self.spool,
                [relay.outbox for relay in self.relays],
                EdgeCodec(wall_ns),
                wall_ns,
                newest_bytes=int(config.spool.max_bytes) // 4,
            )
        self.mqtt = self._make_ingest()
        self._compactor = Compactor(self.spool, self._outboxes, join_bodies)
        self._taking = threading.Lock()
        self._points_waiting = 0
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep_house, name="keeper", daemon=True)

    def _make_ingest(self) -> MqttIngest | None:
        mqtt, site = self.config.mqtt, self.config.site
        if mqtt is None:
            return None
        password = read_secret(mqtt.password_file, "[mqtt] password_file") if mqtt.password_file else None
        settings = LinkSettings(
            host=mqtt.host,
            port=mqtt.port,
            client_id=f"edge-{site.level}-{site.commune or site.province or 'all'}",
            username=mqtt.username,
            password=password,
            keepalive_s=int(mqtt.keepalive),
            persistent=True,
        )
        return MqttIngest(
            site, settings, Ears(self._arrived, self._meta, self._status, self.custodian.say_all)
        )

    def start(self) -> None:
        """Start everything but the HTTP server, which the caller runs."""
        self.committer.start()
        self.custodian.start()
        for relay in self.relays:
            relay.start()
        if self.mqtt:
            self.mqtt.link.start()
        self._keeper.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop taking, commit what was taken, relay what can be relayed in `timeout_s`, close the files."""
        deadline = time.monotonic() + timeout_s
        self._stop.set()
        if self.mqtt:
            self.mqtt.link.stop()
        if not self.committer.stop(timeout_s):
            log.error(
                "stopped while the disk takes nothing: %s; senders keep custody", self.committer.failing
            )
        for relay in self.relays:
            relay.stop(max(deadline - time.monotonic(), 0.0))
        self.custodian.stop()
        if self._keeper.is_alive():
            self._keeper.join(timeout_s)
        try:
            reclaim(self.spool, self._outboxes)
        except sqlite3.Error as error:
            log.error("progress cannot be written down, some readings will be sent again: %s", error)  # noqa: TRY400
        self.history.close()
        self.spool.close()

    def _keep_house(self) -> None:
        while not self._stop.wait(_RECLAIM_S):
            for chore in (self._reclaim, self._resume, self._compactor.compact, self._flush):
                try:
                    chore()
                except Exception as error:
                    log.exception("housekeeping failed; trying again")
                    self.room.quota.gave_out(error)

    def _reclaim(self) -> None:
        reclaim(self.spool, self._outboxes)

    def _resume(self) -> None:
        """Look whether there is room again, and take in what waited for it."""
        self.room.quota.look()
        for message in self.intake.resumable():
            self._arrived(message)

    def _flush(self) -> None:
        if self.history.due:
            self.history.flush()

    def _arrived(self, message: MessageArrival) -> None:
        try:
            self.committer.put(message)
        except RuntimeError as error:
            log.info("%s: a message stays with the broker", error)

    def _publish(self, topic: str, payload: bytes) -> bool:
        return self.mqtt is not None and self.mqtt.link.publish(topic, payload, retain=True) is not None

    def _note_gaps(self, gaps: list[Gap]) -> None:
        self.spool.append((), gaps=gaps, wall_ns=self._wall_ns())

    def _meta(self, topic: Topic, meta: Meta) -> None:
        self.history.meta(topic.province, topic.commune, topic.domain, meta)
        if topic.domain == "gateway" and isinstance(meta.ep, str):
            stream: Stream = (meta.gw, meta.ep)
            self.custodian.know(stream, topic.province, topic.commune)
            if isinstance(meta.held, int):
                self.custodian.holds(stream, meta.held)

    def _status(self, topic: Topic, word: str) -> None:
        self.history.status(topic.province, topic.commune, topic.domain, topic.asset, word)

    # What the HTTP side may ask (edge_api.api.view.EdgeView).

    def submit(self, batch: view.WriteBatch) -> "Future[None]":
        """Take a batch for the writer; raise SpoolFull or CannotCommit when there is no room for it."""
        full = self.room.refusal(event=is_event(batch.points))
        if full is not None:
            raise refusal_of(full)
        size = len(batch.points)
        with self._taking:
            if self._points_waiting and self._points_waiting + size > _MOST_WAITING:
                raise view.CannotCommit("too much waits for the disk", 5.0)
            self._points_waiting += size
        done: Future[None] = Future()
        done.add_done_callback(lambda _: self._taken(size))
        try:
            self.committer.put(BatchArrival(batch.body_gzip, batch.points, done))
        except RuntimeError as error:
            done.cancel()
            raise view.CannotCommit(str(error), 5.0) from error
        return done

    def _taken(self, points: int) -> None:
        with self._taking:
            self._points_waiting -= points

    def grant_s(self, size: int, *, backlog: bool) -> float:
        """Return 0 when a body is welcome now, else the seconds to wait."""
        return self._grants.ask(size, backlog=backlog)

    def relay_status(self) -> view.RelayStatus:
        """Return how the upstreams stand."""
        return status.of_relays(self.relays, self._wall_ns(), self.room.quota.autonomy_hours())

    def gaps(self) -> Sequence[view.Gap]:
        """Return what is known to be missing."""
        return status.gaps(self.spool)

    def quarantine(self) -> Sequence[view.QuarantinedLine]:
        """Return what no one would take."""
        return status.quarantine(self.spool)

    def replay(self, number: int, fixed: bytes | None) -> None:
        """Send a quarantined body again, mended if `fixed` is given."""
        replay(self.spool, number, fixed, self._wall_ns())

    def drop(self, number: int) -> None:
        """Give a quarantined body up for good."""
        if not self.spool.drop_refused([number]):
            raise KeyError(number)

    def export(self, upstream: str | None) -> Iterator[bytes]:
        """Yield what waits for an upstream as signed blocks."""
        from edge_api import carry  # noqa: PLC0415 - cryptography costs 10 MB, and few edges carry

        if self._signer is None:
            raise ValueError("[exchange] key_file: without a key nothing is signed; see `commune edge key`")
        for outbox in self._outboxes:
            if upstream in (None, outbox.upstream):
                return carry.export(outbox, self._signer, carry.place_of(self.config.site, self.spool))
        raise ValueError(f"there is no upstream {upstream!r}")

    def take_in(self, file: BinaryIO) -> view.Imported:
        """Commit an export, or let go of what a receipt confirms."""
        from edge_api import carry  # noqa: PLC0415

        place = carry.place_of(self.config.site, self.spool)
        trusted = [each.public_key for each in self.config.trusted]
        return carry.take_in(file, trusted, self.submit, self._outboxes, place, self._signer)

    def counters(self) -> view.Counters:
        """Return totals, and per node how many were taken, committed and delivered."""
        free = shutil.disk_usage(self.config.spool.path.parent).free
        return status.counters(self.spool, self.relays, self.intake.counts, free, self.room)

    def token_ok(self, token: str, scope: view.Scope) -> bool:
        """Whether a token opens a scope; without configured tokens the edge is open."""
        if scope == "read" and self.config.http.open_reading:
            return True
        digest = sha256(token.encode()).hexdigest()
        fitting = [
            hmac.compare_digest(digest, each.sha256) and scope in each.scopes for each in self.config.tokens
        ]
        return any(fitting) or not self.config.tokens

    def info(self) -> view.EdgeInfo:
        """Return who this edge is."""
        site = self.config.site
        return view.EdgeInfo(
            level=site.level,
            province=site.province,
            commune=site.commune,
            name=site.name or site.commune or site.province or site.level,
            version=version("commune"),
            problem=self.committer.failing or self.room.problem,
        )

    def now_ns(self) -> int:
        """Return the time for ages on the page."""
        return self._wall_ns()


def _signer(config: EdgeConfig) -> "Signer | None":
    if config.exchange.key_file is None:
        return None
    from edge_api.exchange import ExchangeError, Signer  # noqa: PLC0415 - few edges sign

    try:
        return Signer.load(config.exchange.key_file)
    except ExchangeError as error:
        raise ConfigError(f"[exchange] key_file: {error}") from None
