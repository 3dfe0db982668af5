"""The parts of an edge, made from its configuration and joined to each other; nothing runs yet."""

import logging
import threading
import time
from concurrent.futures import Future
from hashlib import sha256
from typing import TYPE_CHECKING

from edge_api.alarms import AlarmBook
from edge_api.arrivals import BatchArrival, MessageArrival
from edge_api.config import EdgeConfig, Upstream, most_assets, thins
from edge_api.custody import Custodian
from edge_api.drain import Drains
from edge_api.gaps import gaps, outages
from edge_api.grants import Grants
from edge_api.history import History
from edge_api.ingest.mqtt import Ears, MqttIngest
from edge_api.intake import Arrival, Intake
from edge_api.lineprotocol import encode
from edge_api.lines import join_bodies, join_closer, join_lines
from edge_api.point import Point
from edge_api.relay import Relay
from edge_api.rollups.choice import Choice
from edge_api.rollups.roller import Roller
from edge_api.status import Wall
from edge_api.thinning import EdgeCodec
from edge_api.upstream import make_sink
from gateway.feed import Meta, Topic
from gateway.feed.link import RECEIVE_MAXIMUM
from gateway.feed.link import Settings as LinkSettings
from gateway.feed.tls import contexts
from gateway.spool import DAMAGE, EVENTS, Committer, Compactor, Gap, Outbox, Segment, Spool, Stream
from gateway.spool.quota import Limits, Quota
from gateway.spool.room import Room
from gateway.spool.thinning import Thinner
from sensors.errors import ConfigError
from sensors.secrets import read_secret

if TYPE_CHECKING:
    from edge_api.exchange import Signer
    from edge_api.province.office import Office

log = logging.getLogger(__name__)

_SETTLE_S = 0.05  # a node sends what one commit of its own holds within milliseconds
# Values in memory: an hour's of 300 assets, ten minutes' of a province's 20,700: pieces on disk stay large.
_VALUES_COMMUNE, _VALUES_ABOVE = 300_000, 750_000
STICK = "stick"  # the upstream of an edge that has no link: what leaves it is carried


class Parts:
    """What an edge is made of; `wall` is for people's eyes only, nothing orders by it."""

    def __init__(self, config: EdgeConfig, wall_ns: Wall = time.time_ns) -> None:
        self.config = config
        self._wall_ns = wall_ns
        self.spool = Spool(config.spool.path, keep_s=float(config.spool.keep))
        self.history = History(
            config.history.path,
            float(config.history.keep) / 86_400,
            most_bytes=int(config.history.max_bytes),
            most_assets=most_assets(config),
            memory_values=_VALUES_COMMUNE if config.site.level == "commune" else _VALUES_ABOVE,
            wall_ns=wall_ns,
        )
        self.alarms = AlarmBook(
            config.history.path.with_name(f"{config.history.path.stem}-alarms.db"),
            self._keep_point,
            lambda: self.history.read,
            wall_ns,
        )
        self.office = self._open_office(config)
        self.custodian = Custodian(self.spool, self._publish, self._note_gaps)
        self.room = Room(Quota(self.spool, Limits(int(config.spool.max_bytes), int(config.spool.min_free))))
        self.intake = Intake(self.spool, self.history, self.custodian.touched, wall_ns, self.room)
        self.committer: Committer[Arrival] = Committer(
            self.intake.commit,
            self.intake.refuse,
            linger_s=float(config.spool.linger),
            settle_s=_SETTLE_S,
            full=RECEIVE_MAXIMUM // 10,
            urgent=_urgent,
        )
        self.relays = [
            self._relay_to(each, self.spool) for each in config.upstreams if each.what == "readings"
        ]
        self.rollers = [self._roller_for(each) for each in config.upstreams if each.what == "rollups"]
        self._signer = _signer(config)
        self._outboxes: list[Outbox] = [
            *(relay.outbox for relay in self.relays),
            *(roller.outbox for roller in self.rollers),
        ]
        if not self._outboxes and self._signer:
            self._outboxes = [Outbox(self.spool, STICK)]  # no link at all: receipts let go
        codec = EdgeCodec(wall_ns, self.custodian.home)
        self.spool.tell = codec.tell
        self._grants = Grants(float(config.http.backlog_rate))
        if thins(config):
            self.room.thinner = Thinner(
                self.spool,
                self._outboxes,
                codec,
                wall_ns,
                newest_bytes=int(config.spool.max_bytes) // 4,
            )
        self.mqtt = self._make_ingest()
        join = join_closer if config.site.level == "commune" else join_bodies
        self._compactor = Compactor(self.spool, self._outboxes, join)
        self._drains = Drains()
        self._taking = threading.Lock()
        self._points_waiting = 0
        self._catch_up()

    def _catch_up(self) -> None:
        """Read again what was committed and not noted elsewhere when the edge went down.

        Once all is joined: what is found damaged in the spool is then said upward.
        """
        self.history.catch_up(self.spool)
        self.alarms.catch_up(self.spool)
        self.history.listen(self.alarms.take, alerts=True)  # now only: the book keeps a mark of its own

    def _relay_to(self, upstream: Upstream, spool: Spool) -> Relay:
        return Relay(
            spool,
            upstream.name,
            make_sink(upstream),
            max_bytes=int(upstream.max_bytes),
            backlog_rate=float(upstream.backlog_rate),
            wall_ns=self._wall_ns,
        )

    def _roller_for(self, upstream: Upstream) -> Roller:
        return Roller(
            self.spool,
            upstream.name,
            Choice(upstream.rules),
            lambda spool: self._relay_to(upstream, spool),
            self.config.rollups,
            self._wall_ns,
        )

    def _open_office(self, config: EdgeConfig) -> "Office | None":
        if config.programme is None:
            return None
        from edge_api.province.office import open_office  # noqa: PLC0415 - few edges count for a programme

        return open_office(
            config.programme, self.history, self.alarms, self._wall_ns, lambda: outages(gaps(self.spool))
        )

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
            tls=contexts(mqtt),
        )
        return MqttIngest(
            site,
            settings,
            Ears(self._arrived, self._meta, self._status, self.custodian.say_all),
            self.config.limits,
        )

    def _arrived(self, messages: list[MessageArrival]) -> None:
        try:
            self.committer.put(*messages)
        except RuntimeError as error:
            log.info("%s: %d messages stay with the broker", error, len(messages))

    def _show_others(self) -> Future[None]:
        """Have the writer show, in its turn, what others than it have put into the spool."""
        done: Future[None] = Future()
        self.committer.put(BatchArrival(b"", [], done))
        return done

    def _publish(self, topic: str, payload: bytes) -> bool:
        return self.mqtt is not None and self.mqtt.link.publish(topic, payload, retain=True) is not None

    def _note_gaps(self, gaps: list[Gap]) -> None:
        with self.spool.lock:
            damaged = [gap for gap in gaps if gap.reason == DAMAGE]
            told = self.spool.tell(damaged) if damaged else []
            self.spool.append(told, gaps=gaps, wall_ns=self._wall_ns())

    def _tell_lost(self) -> None:
        """Say upward, once, what went with a damaged file: levels above cannot know why it does not come."""
        with self.spool.lock:
            gone = [(stream, ranges) for stream, ranges in self.spool.lost.items() if ranges]
            mark = sha256(repr(gone).encode()).hexdigest()[:16]
            if gone and self.spool.note("damage told") != mark:
                gaps = [Gap(stream, *each, DAMAGE) for stream, ranges in gone for each in ranges]
                self.spool.append(self.spool.tell(gaps), notes={"damage told": mark})

    def _keep_point(self, point: Point) -> None:
        """Put a point of the edge's own on its way upward."""
        body = join_lines([encode(point).encode()])
        self.spool.append([Segment(EVENTS, 1, "", body, point.ts_ns, point.ts_ns)], wall_ns=self._wall_ns())

    def _meta(self, topic: Topic, meta: Meta) -> None:
        self.history.meta(topic.province, topic.commune, topic.domain, meta)
        if topic.domain == "gateway" and isinstance(meta.ep, str):
            stream: Stream = (meta.gw, meta.ep)
            self.custodian.know(stream, topic.province, topic.commune)
            if isinstance(meta.held, int):
                self.custodian.holds(stream, meta.held)

    def _status(self, topic: Topic, word: str) -> None:
        self.history.status(topic.province, topic.commune, topic.domain, topic.asset, word)


def _urgent(arrival: Arrival) -> bool:
    """Alarms do not wait for company, and a sender over HTTP waits for its answer."""
    return isinstance(arrival, BatchArrival) or arrival.lane == EVENTS


def _signer(config: EdgeConfig) -> "Signer | None":
    if config.exchange.key_file is None:
        return None
    from edge_api.exchange import ExchangeError, Signer  # noqa: PLC0415 - few edges sign

    try:
        return Signer.load(config.exchange.key_file)
    except ExchangeError as error:
        raise ConfigError(f"[exchange] key_file: {error}") from None
