"""Takes the MQTT feed in: each message is checked, and acknowledged only after the commit that holds it."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import cast

from msgspec import UNSET, inspect, json, to_builtins

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
_json = json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told what: arrivals, metas, statuses, and that the broker is there."""

    arrivals: Callable[[list[MessageArrival]], None]
    meta: Callable[[Topic, Meta], None]
    status: Callable[[Topic, str], None]
    up: Callable[[], None]


class MqttIngest:
    """A persistent MQTT subscription that acknowledges by hand."""

    def __init__(self, site: Site, settings: LinkSettings, ears: Ears, limits: Limits | None = None) -> None:
        self._site = site
        limits = limits or Limits()
        self._most_bytes = int(limits.mqtt_body)
        self._paced_at_all = limits.mqtt_rate > 0
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
            on_messages=self._heard,
            on_puback=lambda _mid, error: log.error("the broker refuses: %s", error) if error else None,
        )

    def _up(self, link: Link) -> None:
        link.subscribe(FILTERS)
        self._ears.up()

    def _heard(self, messages: list[Message]) -> None:
        self.received += len(messages)
        arrivals = [found for message in messages if (found := self._take(message)) is not None]
        if arrivals:
            self._ears.arrivals(arrivals)

    def _take(self, message: Message) -> MessageArrival | None:
        """Return what a message brings for the disk; None when it brings nothing, or is left to its node."""
        try:
            if len(message.payload) > self._most_bytes:
                raise FeedError(f"{len(message.payload)} bytes are more than a message has")  # noqa: TRY301
            topic = Topic.parse(message.topic)
            self._check_place(topic)
            if topic.channel == "meta":
                self._ears.meta(topic, decode(message.payload, Meta))
            elif topic.channel == "status":
                self._ears.status(topic, message.payload.decode("utf-8", "replace")[:20])
            else:
                return self._paced(topic, arrival(topic, message.payload, message.ack))
        except FeedError as error:
            return self._refuse(message, str(error))
        except Exception as error:
            # paho's thread would end with it, and with that thread all hearing.
            log.exception("%s: unexpected", message.topic[:200])
            return self._refuse(message, f"unexpected: {type(error).__name__}: {error}")
        message.ack()
        return None

    def _paced(self, topic: Topic, arrived: MessageArrival) -> MessageArrival | None:
        """Hand a message on, unless its node sends too many: then custody stays where it is.

        The node keeps what is not in custody, and sends it again later.
        """
        if self._paced_at_all and arrived.stream and self._paces.wait_s((topic.commune, arrived.stream[0])):
            self._throttled = self._say_once(
                self._throttled, f"{topic}: too many messages a second; left to it"
            )
            arrived.ack()
            return None
        return arrived

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

    def _refuse(self, message: Message, reason: str) -> MessageArrival | None:
        self.refused += 1
        if self._refusals.wait_s(message.topic[:20]):  # as far as the commune
            self._flooded = self._say_once(
                self._flooded, f"{message.topic[:200]}: too many wrong messages; counted, not kept"
            )
            message.ack()
            return None
        log.warning("%s: %s; quarantined", message.topic[:200], reason)
        match = _IDENTITY.search(message.payload)
        span = span_of([(match[1].decode(), match[2].decode(), int(match[3]))]) if match else ""
        refused = Refused("mqtt", message.topic, reason, message.payload[: self._most_bytes], span)
        return MessageArrival(message.ack, refused=refused)


def arrival(topic: Topic, payload: bytes, ack: Callable[[], None]) -> MessageArrival:
    """Turn a telemetry or event message into a line; raise FeedError when it breaks the feed."""
    if topic.channel == "event":
        return _event(topic, decode_event(payload), ack)
    body = decode_reading(payload)
    kind = type(body)
    if kind.domain != topic.domain:
        raise FeedError(f"a {kind.__name__} does not belong to domain {topic.domain}")
    ts_ns = to_ns(body.ts)
    prefix, tags = _place(topic, kind.__name__, None)
    # JSON writes 31.0 as 31: what is not the seq or a count is a float upstream, always.
    fields = to_builtins(body)
    del fields["type"], fields["v"], fields["ts"]
    return MessageArrival(
        ack=ack,
        lane=READINGS,
        stream=(body.gw, body.ep),
        seq=body.seq,
        line=f"{prefix} {_written(kind, fields)} {ts_ns}",
        point=Point(kind.__name__, tags, ts_ns, fields),
    )


def _written(kind: type[Reading], fields: dict[str, Value]) -> str:
    """Write a reading's fields as `encode_fields` does, in a third of its time: JSON is nearly the same text.

    Not where a free text holds what must be escaped, or has at its edge what JSON has between its parts.
    """
    text = _json(fields).decode()
    if ("raw" in fields or "qr" in fields) and any(odd in text for odd in ("\\", '":":', ',",', ',"}')):
        return encode_fields(fields)
    for name in _whole_numbers(kind):
        if name in fields:
            whole = f'"{name}":{fields[name]}'
            text = text.replace(whole, whole + "i", 1)
    return text[2:-1].replace('":', "=").replace(',"', ",")


@cache
def _whole_numbers(kind: type[Reading]) -> tuple[str, ...]:
    """Return the names of a type's fields that are whole numbers; `v` is not written."""
    found = []
    for each in cast("inspect.StructType", inspect.type_info(kind)).fields:
        types = each.type.types if isinstance(each.type, inspect.UnionType) else (each.type,)
        if any(isinstance(it, inspect.IntType) for it in types):
            found.append(each.name)
    return tuple(found)


def _event(topic: Topic, event: Event, ack: Callable[[], None]) -> MessageArrival:
    prefix, tags = _place(topic, "Alert", event.type)
    point = Point("Alert", tags, to_ns(event.ts), _fields(event))
    return MessageArrival(
        ack=ack,
        lane=EVENTS,
        stream=(event.gw, event.ep),
        seq=event.seq,
        line=f"{prefix} {encode_fields(point.fields)} {point.ts_ns}",
        point=point,
        gap=_gap(event) if event.type == "gap" else None,
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


def _fields(event: Event) -> dict[str, Value]:
    names = (name for name in event.__struct_fields__ if name not in _NOT_FIELDS)
    fields: dict[str, Value] = {name: value for name in names if (value := getattr(event, name)) is not UNSET}
    if "value" in fields:
        fields |= told(fields.pop("value"))
    if isinstance(event.first, int) and isinstance(event.last, int):
        fields |= {"from": event.first, "to": event.last}
    return fields
