"""The rules of the conformance kit: an id that never changes its meaning, and what would be right."""

from dataclasses import dataclass
from types import MappingProxyType

from gateway.feed.kit.said import marked as _
from gateway.feed.kit.said import say
from sensors.text import translator


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. A `notice` is worth a look and breaks nothing: it does not change the exit code."""

    right: str
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that breaks the contract: where, which rule, what was there, and what would be right."""

    topic: str
    rule: str
    what: str

    @property
    def right(self) -> str:
        """Say what would be right."""
        return RULES[self.rule].right

    def say(self, lang: str) -> tuple[str, str]:
        """Return what was there and what would be right, in one of `sensors.text.LANGUAGES`."""
        return str(say(self.what, lang)), translator(lang)(self.right)

    @property
    def notice(self) -> bool:
        """Whether it is only worth a look."""
        return RULES[self.rule].notice


RULES = MappingProxyType(
    {
        # one message alone
        "topic": Rule(_("ntm/v1/{2 digits}/{5 digits}/{domain}/{asset of a-z, 0-9, -}/{channel}")),
        "channel-domain": Rule(_("cmd and ack belong to lighting, custody to gateway")),
        "qos": Rule(_("every message of the feed is published with QoS 1")),
        "retain": Rule(_("state, meta, status and custody are retained; all others never are")),
        "payload": Rule(_("a body is a UTF-8 JSON object; a status is plain online, offline or fault")),
        "flat": Rule(_("no nesting, null or NaN: what is not known is left out")),
        "schema": Rule(_("the body fits its JSON Schema")),
        "type-domain": Rule(_("a type is published in its own domain")),
        "ts": Rule(_("times are RFC 3339 in UTC with milliseconds and Z, between 2024 and 2100")),
        "future": Rule(_("ts is the time of observation, so it is not later than the message")),
        "hist": Rule(_("a reading that leaves later than staleAfter carries hist: true")),
        "quality": Rule(_("qr has field:reason pairs when q is not good, and is absent when it is")),
        "bad-value": Rule(_("a field whose value is bad is left out; its reason stays in qr")),
        "raw": Rule(_("raw has field=number pairs for fields of numbers of this type")),
        # the identity
        "seq-content": Rule(_("the same (gw, ep, seq) is the same reading or event, word by word")),
        "seq-hole": Rule(_("every number up to custody was published, or a gap event names it")),
        "seq-open": Rule(_("the missing numbers come later, or a gap event names them"), notice=True),
        # state, meta, status
        "state-back": Rule(_("a state only ever moves forward in ts")),
        "state-hist": Rule(_("backfill never writes a state")),
        "meta-missing": Rule(_("every asset has a retained meta")),
        "meta-id": Rule(_("the meta's id is the topic's asset")),
        "meta-type": Rule(_("an asset has one type, known and of the topic's domain: its meta names it")),
        "meta-gw": Rule(_("an asset's messages come from the node that its meta names")),
        "meta-units": Rule(_("units are those of the type")),
        "meta-times": Rule(_("interval is above 0, and staleAfter not below interval, both in seconds")),
        "meta-limits": Rule(_("limits are [low, high] of number fields of the type")),
        "status-missing": Rule(_("every asset and every node has a retained status")),
        "status-quality": Rule(_("an asset whose newest reading is bad has the status fault")),
        "stale": Rule(_("an asset that is online has a reading younger than its staleAfter")),
        "last-will": Rule(_("the status of a node that is silent is offline: its last will says so")),
        "offline-speaks": Rule(_("a node that sends live readings has the status online")),
        # events
        "event-kind": Rule(_("an event's type is one of the known kinds")),
        "event-fields": Rule(
            _("limit names field, value and limit; gap names reason, and from and to or after and before")
        ),
        "event-pair": Rule(_("an id is raised once and cleared at most once, with one type on one asset")),
        "event-order": Rule(_("an alarm is cleared after it was raised, in ts and in seq")),
        # custody
        "custody-gw": Rule(_("custody names the node in whose topic it stands")),
        "custody-back": Rule(_("custody only ever moves forward in one spool")),
        "custody-ahead": Rule(_("custody is not beyond what the node has numbered")),
        # commands
        "cmd-empty": Rule(_("set says powerState or illuminanceLevel; auto says neither")),
        "cmd-times": Rule(_("expires and until are later than the command's ts")),
        "cmd-asset": Rule(_("asset, if given, is the topic's")),
        "ack-reason": Rule(_("refused and failed give a reason, done gives none")),
        "ack-twice": Rule(_("a command is done or failed once; a repetition is refused as replayed")),
        "ack-missing": Rule(_("each command is answered within half a minute")),
        "ack-unknown": Rule(_("an answer names a command that was seen"), notice=True),
        # the whole
        "silence": Rule(_("a node that runs has at least its meta and status on the broker")),
        "broker": Rule(_("the broker keeps the connection until the check ends")),
    }
)
"""All rules by their id."""
