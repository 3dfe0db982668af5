"""What can be said of one message alone: its topic, its flags, and whether its body keeps to the contract."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct

from gateway.feed.bodies import PAIRS, RAW, TIME, TYPES, Custody, Event, Meta, Reading, decode, decode_reading
from gateway.feed.channels import FACTS, STATUSES
from gateway.feed.commands import Ack, Command
from gateway.feed.errors import FeedError
from gateway.feed.kinds import KINDS, ONCE
from gateway.feed.kit.capture import Heard
from gateway.feed.times import to_ns
from gateway.feed.topics import Topic

Problem = tuple[str, str]  # a rule's id, and what was there

_TIME = re.compile(TIME)
_PAIRS = re.compile(PAIRS)
_RAW = re.compile(RAW)
_HEAD = frozenset({"type", "v", "ts", "gw", "ep", "seq", "q", "qr", "hist", "raw"})


@dataclass(slots=True)
class Message:
    """A message taken apart; `body` is None when it breaks the contract too much to be read."""

    heard: Heard
    topic: Topic
    keys: dict[str, Any] = field(default_factory=dict)
    body: Struct | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def asset(self) -> str:
        """The asset's own place: the topic without its channel."""
        return self.heard.topic.rpartition("/")[0]


def look(heard: Heard, *, as_published: bool = True) -> Message | Problem:
    """Take one message apart and judge it alone; a problem instead where the topic is none of the feed.

    Without `as_published` a retain flag that is not set says nothing: the broker takes it off live messages.
    """
    try:
        topic = Topic.parse(heard.topic)
    except FeedError as error:
        return "topic", str(error)
    facts = FACTS[topic.channel]
    message = Message(heard, topic)
    say = message.problems.append
    if topic.domain not in facts.domains:
        say(("channel-domain", f"{topic.channel} in domain {topic.domain}"))
    if heard.qos != facts.qos:
        say(("qos", f"QoS {heard.qos}"))
    if heard.retain != facts.retain and (heard.retain or as_published):
        say(("retain", "retained" if heard.retain else "not retained"))
    if not heard.payload and facts.retain:
        return message  # this is how a retained topic is taken back
    if topic.channel == "status":
        if heard.payload.decode("utf-8", "replace") not in STATUSES:
            say(("payload", f"the status is {heard.payload[:40]!r}"))
        return message
    _read(message)
    return message


def _read(message: Message) -> None:
    try:
        keys = msgspec.json.decode(message.heard.payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message.problems.append(("payload", str(error)))
        return
    if not isinstance(keys, dict):
        message.problems.append(("payload", f"it is {type(keys).__name__}, not an object"))
        return
    message.keys = keys
    message.problems += _flat(keys, nested=message.topic.channel == "meta")
    try:
        message.body = _decode(message)
    except FeedError as error:
        message.problems.append(("schema", str(error)))
        return
    message.problems += _times(message.body)
    message.problems += _RULES_OF[type(message.body)](message)


def _flat(keys: dict[str, Any], *, nested: bool) -> Iterator[Problem]:
    for key, value in keys.items():
        if value is None or (isinstance(value, dict | list) and not nested):
            yield "flat", f"{key} is {'null' if value is None else 'nested'}"


def _decode(message: Message) -> Struct:
    if message.topic.channel in ("telemetry", "state"):
        return decode_reading(message.heard.payload)
    return decode(message.heard.payload, FACTS[message.topic.channel].bodies[0])


def _times(body: Struct) -> Iterator[Problem]:
    for key in ("ts", "expires", "until", "after", "before"):
        text = getattr(body, key, UNSET)
        if text is UNSET:
            continue
        if not _TIME.fullmatch(text):
            yield "ts", f"{key} is {text!r}"
            continue
        try:
            to_ns(text)
        except FeedError as error:
            yield "ts", str(error)


def _reading(message: Message) -> Iterator[Problem]:
    body, keys = cast("Reading", message.body), message.keys
    kind = type(body)
    if kind.domain != message.topic.domain:
        yield "type-domain", f"a {kind.__name__} in domain {message.topic.domain}"
    qr = keys.get("qr")
    if (body.q == "good") != (qr is None):
        yield "quality", f"q is {body.q}, and qr is {'absent' if qr is None else repr(qr)}"
    elif qr is not None and not _PAIRS.fullmatch(qr):
        yield "quality", f"qr is {qr!r}"
    elif qr is not None and body.q == "bad":
        named = [pair.partition(":")[0] for pair in qr.split()]
        if all(name in keys for name in named):
            yield "bad-value", f"q is bad, but {', '.join(named)} has a value"
    if message.topic.channel == "state" and body.hist is True:
        yield "state-hist", "hist is true"
    raw = keys.get("raw")
    if raw is not None:
        names = [pair.partition("=")[0] for pair in raw.split()]
        wrong = [name for name in names if name not in kind.units]
        if not _RAW.fullmatch(raw) or wrong:
            yield "raw", f"raw is {raw!r}"


def _event(message: Message) -> Iterator[Problem]:
    keys = message.keys
    kind, state = keys["type"], keys.get("state", "raised")
    if kind not in KINDS:
        yield "event-kind", f"type is {kind!r}"
    if kind in ONCE and state == "cleared":
        yield "event-pair", f"a {kind} is cleared"
    low, high = _ends(keys)
    needs = {"limit": ("field", "value", "limit"), "gap": (low, high, "reason")}.get(kind, ())
    missing = [key for key in needs if key not in keys and not (key == "value" and state == "cleared")]
    if missing:
        yield "event-fields", f"{', '.join(missing)} is missing"
    elif kind == "gap" and not keys[low] <= keys[high]:
        yield "event-fields", f"{low} {keys[low]} is above {high} {keys[high]}"


def _ends(keys: dict[str, Any]) -> tuple[str, str]:
    """Return what a gap lies between: numbers, or times where no number was given."""
    of_time = keys.keys() & {"after", "before"} and not keys.keys() & {"from", "to"}
    return ("after", "before") if of_time else ("from", "to")


def _meta(message: Message) -> Iterator[Problem]:
    body = cast("Meta", message.body)
    kind = TYPES.get(body.type)
    if body.id != message.topic.asset:
        yield "meta-id", f"id is {body.id!r}"
    if kind is None or kind.domain != message.topic.domain:
        yield "meta-type", f"type is {body.type!r} in domain {message.topic.domain}"
        return
    wrong = {key: unit for key, unit in body.units.items() if kind.units.get(key) != unit}
    missing = [key for key in kind.units if key not in body.units]
    if wrong or missing:
        yield "meta-units", f"wrong: {wrong}, missing: {missing}"
    if not 0 < body.interval <= body.staleAfter:
        yield "meta-times", f"interval is {body.interval:g}, staleAfter {body.staleAfter:g}"
    for key, limit in body.limits.items():
        if key not in kind.units or len(limit) != 2 or not limit[0] < limit[1]:
            yield "meta-limits", f"{key} is {limit}"


def _custody(message: Message) -> Iterator[Problem]:
    if cast("Custody", message.body).gw != message.topic.asset:
        yield "custody-gw", f"gw is {message.keys['gw']!r}"


def _command(message: Message) -> Iterator[Problem]:
    keys = message.keys
    says = [key for key in ("powerState", "illuminanceLevel") if key in keys]
    if (keys.get("action", "set") == "set") != bool(says):
        yield "cmd-empty", f"action is {keys.get('action', 'set')} with {says or 'nothing'}"
    for key in ("expires", "until"):
        if key in keys and "ts" in keys and not keys["ts"] < keys[key]:
            yield "cmd-times", f"ts is {keys['ts']}, {key} {keys[key]}"
    if keys.get("asset", message.topic.asset) != message.topic.asset:
        yield "cmd-asset", f"asset is {keys['asset']!r}"


def _ack(message: Message) -> Iterator[Problem]:
    if (message.keys["outcome"] == "done") == ("reason" in message.keys):
        yield "ack-reason", f"outcome {message.keys['outcome']}, reason {message.keys.get('reason')}"


_RULES_OF: dict[type[Struct], Callable[[Message], Iterator[Problem]]] = {
    Event: _event,
    Meta: _meta,
    Custody: _custody,
    Command: _command,
    Ack: _ack,
    **dict.fromkeys(TYPES.values(), _reading),
}
