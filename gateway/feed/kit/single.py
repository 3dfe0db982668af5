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
from gateway.feed.kit.said import Said
from gateway.feed.kit.said import marked as _
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
        say(
            (
                "channel-domain",
                Said(_("{channel} in domain {domain}"), channel=topic.channel, domain=topic.domain),
            )
        )
    if heard.qos != facts.qos:
        say(("qos", Said("QoS {qos}", qos=heard.qos)))
    if heard.retain != facts.retain and (heard.retain or as_published):
        say(("retain", Said(_("retained") if heard.retain else _("not retained"))))
    if not heard.payload and facts.retain:
        return message  # this is how a retained topic is taken back
    if topic.channel == "status":
        if heard.payload.decode("utf-8", "replace") not in STATUSES:
            say(("payload", Said(_("the status is {status}"), status=repr(heard.payload[:40]))))
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
        message.problems.append(("payload", Said(_("it is {kind}, not an object"), kind=type(keys).__name__)))
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
            what = _("{key} is null") if value is None else _("{key} is nested")
            yield "flat", Said(what, key=key)


def _is(key: str, value: object) -> Said:
    return Said(_("{key} is {value}"), key=key, value=repr(value))


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
            yield "ts", _is(key, text)
            continue
        try:
            to_ns(text)
        except FeedError as error:
            yield "ts", str(error)


def _reading(message: Message) -> Iterator[Problem]:
    body, keys = cast("Reading", message.body), message.keys
    kind = type(body)
    if kind.domain != message.topic.domain:
        yield (
            "type-domain",
            Said(_("a {kind} in domain {domain}"), kind=kind.__name__, domain=message.topic.domain),
        )
    qr = keys.get("qr")
    if (body.q == "good") != (qr is None):
        what = _("q is {q}, and qr is absent") if qr is None else _("q is {q}, and qr is {qr}")
        yield "quality", Said(what, q=body.q, qr=repr(qr))
    elif qr is not None and not _PAIRS.fullmatch(qr):
        yield "quality", _is("qr", qr)
    elif qr is not None and body.q == "bad":
        named = [pair.partition(":")[0] for pair in qr.split()]
        if all(name in keys for name in named):
            yield "bad-value", Said(_("q is bad, but {fields} has a value"), fields=", ".join(named))
    if message.topic.channel == "state" and body.hist is True:
        yield "state-hist", Said(_("hist is true"))
    raw = keys.get("raw")
    if raw is not None:
        names = [pair.partition("=")[0] for pair in raw.split()]
        wrong = [name for name in names if name not in kind.units]
        if not _RAW.fullmatch(raw) or wrong:
            yield "raw", _is("raw", raw)


def _event(message: Message) -> Iterator[Problem]:
    keys = message.keys
    kind, state = keys["type"], keys.get("state", "raised")
    if kind not in KINDS:
        yield "event-kind", _is("type", kind)
    if kind in ONCE and state == "cleared":
        yield "event-pair", Said(_("a {kind} is cleared"), kind=kind)
    low, high = _ends(keys)
    needs = {"limit": ("field", "value", "limit"), "gap": (low, high, "reason")}.get(kind, ())
    missing = [key for key in needs if key not in keys and not (key == "value" and state == "cleared")]
    if missing:
        yield "event-fields", Said(_("{keys} is missing"), keys=", ".join(missing))
    elif kind == "gap" and not keys[low] <= keys[high]:
        what = _("{low} {first} is above {high} {last}")
        yield "event-fields", Said(what, low=low, first=keys[low], high=high, last=keys[high])


def _ends(keys: dict[str, Any]) -> tuple[str, str]:
    """Return what a gap lies between: numbers, or times where no number was given."""
    of_time = keys.keys() & {"after", "before"} and not keys.keys() & {"from", "to"}
    return ("after", "before") if of_time else ("from", "to")


def _meta(message: Message) -> Iterator[Problem]:
    body = cast("Meta", message.body)
    kind = TYPES.get(body.type)
    if body.id != message.topic.asset:
        yield "meta-id", _is("id", body.id)
    if kind is None or kind.domain != message.topic.domain:
        what = _("type is {type} in domain {domain}")
        yield "meta-type", Said(what, type=repr(body.type), domain=message.topic.domain)
        return
    wrong = {key: unit for key, unit in body.units.items() if kind.units.get(key) != unit}
    missing = [key for key in kind.units if key not in body.units]
    if wrong or missing:
        yield "meta-units", Said(_("wrong: {wrong}, missing: {missing}"), wrong=wrong, missing=missing)
    if not 0 < body.interval <= body.staleAfter:
        what = _("interval is {interval}, staleAfter {stale}")
        yield "meta-times", Said(what, interval=f"{body.interval:g}", stale=f"{body.staleAfter:g}")
    for key, limit in body.limits.items():
        if key not in kind.units or len(limit) != 2 or not limit[0] < limit[1]:
            yield "meta-limits", Said(_("{key} is {value}"), key=key, value=limit)


def _custody(message: Message) -> Iterator[Problem]:
    if cast("Custody", message.body).gw != message.topic.asset:
        yield "custody-gw", _is("gw", message.keys["gw"])


def _command(message: Message) -> Iterator[Problem]:
    keys = message.keys
    says = [key for key in ("powerState", "illuminanceLevel") if key in keys]
    if (keys.get("action", "set") == "set") != bool(says):
        what = _("action is {action} with {says}")
        said = ", ".join(says) or Said(_("nothing"))
        yield "cmd-empty", Said(what, action=keys.get("action", "set"), says=said)
    for key in ("expires", "until"):
        if key in keys and "ts" in keys and not keys["ts"] < keys[key]:
            what = _("ts is {ts}, {key} {value}")
            yield "cmd-times", Said(what, ts=keys["ts"], key=key, value=keys[key])
    if keys.get("asset", message.topic.asset) != message.topic.asset:
        yield "cmd-asset", _is("asset", keys["asset"])


def _ack(message: Message) -> Iterator[Problem]:
    if (message.keys["outcome"] == "done") == ("reason" in message.keys):
        keys = message.keys
        what = _("outcome {outcome}, reason {reason}")
        yield "ack-reason", Said(what, outcome=keys["outcome"], reason=keys.get("reason", "-"))


_RULES_OF: dict[type[Struct], Callable[[Message], Iterator[Problem]]] = {
    Event: _event,
    Meta: _meta,
    Custody: _custody,
    Command: _command,
    Ack: _ack,
    **dict.fromkeys(TYPES.values(), _reading),
}
