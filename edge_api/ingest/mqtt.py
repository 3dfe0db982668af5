"""Takes the MQTT feed in: each message is checked, and acknowledged only after the commit that holds it."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from edge_api.arrivals import MessageArrival
from edge_api.config import Site
from edge_api.limits import Limiter, Limits
from edge_api.lineprotocol import encode_fields, series
from edge_api.point import Point, told
from gateway.feed import Event, FeedError, Meta, Reading, Topic, decode_event, decode_reading, to_ns
from gateway.feed.bodies import decode
from gateway.feed.link import Link, Message
from gateway.feed.link import Settings as LinkSettings
from gateway.spool import EVENTS, READINGS, Gap, Refused, span_of
from sensors.sample import Value

log = logging.getLogger(__name__)

FILTERS = [f"ntm/v1/+/+/+/+/{channel}" for channel in ("telemetry", "event", "meta", "status")]
_SERIES_KEPT = 65_536  # a province has 20,700 assets
_BURST_S = 10.0
_SAY_S = 60.0
_REFUSALS, _REFUSALS_AT_ONCE = 1.0, 2_000.0  # wrong messages kept for a person to look at, by commune
_NOT_FIELDS = {"v", "ts", "type", "first", "last"}
_IDENTITY = re.compile(
    rb'"gw"\s*:\s*"([a-z0-9-]{1,64})".*?"ep"\s*:\s*"([a-z0-9-]{1,64})".*?"seq"\s*:\s*(\d{1,15})'
)
_fields_of: dict[type, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]] = {}


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told what: arrivals, metas, statuses, and that the broker is there."""

    arrival: Callable[[MessageArrival], None]
    meta: Callable[[Topic, Meta], None]
    status: Callable[[Topic, str], None]
    up: Callable[[], None]


class MqttIngest:
    """A persistent MQTT subscription that acknowledges by hand."""

    def __init__(self, site: Site, settings: LinkSettings, ears: Ears, limits: Limits | None = None) -> None:
        self._site = site
        limits = limits or Limits()
        self._most_bytes = int(limits.mqtt_body)
        self._paces = Limiter(limits.mqtt_rate, limits.mqtt_rate * _BURST_S)
        self._refusals = Limiter(_REFUSALS, _REFUSALS_AT_ONCE)
        self._ears = ears
        self.received = 0
        self._throttled = self._flooded = -_SAY_S
        self.refused = 0
        self.link = Link(
            settings,
            on_up=self._up,
            on_down=lambda reason: log.info("broker gone: %s", reason),
            on_message=self._heard,
            on_puback=lambda _mid, error: log.error("the broker refuses: %s", error) if error else None,
        )

    def _up(self, link: Link) -> None:
        link.subscribe(FILTERS)
        self._ears.up()

    def _heard(self, message: Message) -> None:
        self.received += 1
        try:
            if len(message.payload) > self._most_bytes:
                raise FeedError(f"{len(message.payload)} bytes are more than a message has")  # noqa: TRY301
            topic = Topic.parse(message.topic)
            self._check_place(topic)
            if topic.channel == "meta":
                self._ears.meta(topic, decode(message.payload, Meta))
                message.ack()
            elif topic.channel == "status":
                self._ears.status(topic, message.payload.decode("utf-8", "replace")[:20])
                message.ack()
            else:
                self._take(topic, arrival(topic, message.payload, message.ack))
        except FeedError as error:
            self._refuse(message, str(error))
        except Exception as error:
            # paho's thread would end with it, and with that thread all hearing.
            log.exception("%s: unexpected", message.topic[:200])
            self._refuse(message, f"unexpected: {type(error).__name__}: {error}")

    def _take(self, topic: Topic, arrived: MessageArrival) -> None:
        """Hand a message on, unless its node sends too many: then custody stays where it is.

        The node keeps what is not in custody, and sends it again later.
        """
        if arrived.stream and self._paces.wait_s((topic.commune, arrived.stream[0])):
            self._throttled = self._say_once(
                self._throttled, f"{topic}: too many messages a second; left to it"
            )
            arrived.ack()
            return
        self._ears.arrival(arrived)

    def _say_once(self, said_at: float, sentence: str) -> float:
        now = time.monotonic()
        if now - said_at > _SAY_S:
            log.warning("%s", sentence)
            return now
        return said_at

    def _check_place(self, topic: Topic) -> None:
        site = self._site
        if site.commune and topic.commune != site.commune:
            raise FeedError(f"topic of commune {topic.commune}; this edge serves {site.commune}")
        if site.province and topic.province != site.province:
            raise FeedError(f"topic of province {topic.province}; this edge serves {site.province}")

    def _refuse(self, message: Message, reason: str) -> None:
        self.refused += 1
        if self._refusals.wait_s(message.topic[:20]):  # as far as the commune
            self._flooded = self._say_once(
                self._flooded, f"{message.topic[:200]}: too many wrong messages; counted, not kept"
            )
            message.ack()
            return
        log.warning("%s: %s; quarantined", message.topic[:200], reason)
        match = _IDENTITY.search(message.payload)
        span = span_of([(match[1].decode(), match[2].decode(), int(match[3]))]) if match else ""
        refused = Refused("mqtt", message.topic, reason, message.payload[: self._most_bytes], span)
        self._ears.arrival(MessageArrival(message.ack, refused=refused))


def arrival(topic: Topic, payload: bytes, ack: Callable[[], None]) -> MessageArrival:
    """Turn a telemetry or event message into a line; raise FeedError when it breaks the feed."""
    body: Reading | Event
    kind = gap = None
    if topic.channel == "event":
        body = event = decode_event(payload)
        lane, measurement = EVENTS, "Alert"
        kind = event.type
        if event.type == "gap":
            gap = _gap(event)
    else:
        body = decode_reading(payload)
        if type(body).domain != topic.domain:
            raise FeedError(f"a {type(body).__name__} does not belong to domain {topic.domain}")
        lane, measurement = READINGS, type(body).__name__
    prefix, tags = _place(topic, measurement, kind)
    point = Point(measurement, tags, to_ns(body.ts), _fields(body))
    return MessageArrival(
        ack=ack,
        lane=lane,
        stream=(body.gw, body.ep),
        seq=body.seq,
        line=f"{prefix} {encode_fields(point.fields)} {point.ts_ns}",
        point=point,
        gap=gap,
    )


@lru_cache(maxsize=_SERIES_KEPT)
def _place(topic: Topic, measurement: str, kind: str | None) -> tuple[str, dict[str, str]]:
    """Return the prefix of a series' lines, and its tags, which its points share."""
    tags = {
        "asset": topic.asset,
        "commune": topic.commune,
        "domain": topic.domain,
        "province": topic.province,
    }
    if kind is not None:
        tags["kind"] = kind
    return series(measurement, tags), tags


def _gap(event: Event) -> Gap:
    if isinstance(event.after, str) and isinstance(event.before, str) and not isinstance(event.first, int):
        times = to_ns(event.after), to_ns(event.before)
        return Gap.of_time((event.gw, event.ep), str(event.reason or "unknown"), *times)
    if not isinstance(event.first, int) or not isinstance(event.last, int) or event.first > event.last:
        raise FeedError("a gap event says `from` and `to`, and from is not above to, or `after` and `before`")
    return Gap((event.gw, event.ep), event.first, event.last, str(event.reason or "unknown"))


def _fields(body: Reading | Event) -> dict[str, Value]:
    known = _fields_of.get(type(body))
    if known is None:
        names = tuple(n for n in body.__struct_fields__ if n not in _NOT_FIELDS)
        known = _fields_of[type(body)] = names, attrgetter(*names)
    # JSON writes 31.0 as 31: what is not the seq or a count is a float upstream, always.
    fields: dict[str, Value] = {
        name: value for name, value in zip(known[0], known[1](body), strict=True) if value is not UNSET
    }
    if isinstance(body, Event) and "value" in fields:
        fields |= told(fields.pop("value"))
    if isinstance(body, Event) and isinstance(body.first, int) and isinstance(body.last, int):
        fields |= {"from": body.first, "to": body.last}
    return fields
