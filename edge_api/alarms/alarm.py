"""One alarm, put together from its events in whatever order and however often they come."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from edge_api.point import Point, value_told
from sensors.sample import Value

NOT_ALARMS = frozenset({"gap"})
"""Kinds that are a fact and no alarm: gaps have a list of their own."""
PER_FIELD = frozenset({"limit", "flapping"})
"""Kinds of which one asset may have several at a time, one a field."""
ACKNOWLEDGED = "acknowledged"

_MOST_TEXT = 500  # of what a stranger may send in one field


class Alarm(Struct, frozen=True, kw_only=True):
    """One alarm. Times are UTC ns; `raised_ns` is None while only later words on it have come.

    `ended` is why it is over: "cleared" by its node, "superseded" by a later alarm of the same kind, or by
    the node's reason.
    """

    key: str
    id: str
    province: str = ""
    commune: str = ""
    domain: str = ""
    asset: str = ""
    kind: str = ""
    severity: str = "info"
    field: str = ""
    value: Value | None = None
    limit: Value | None = None
    reason: str = ""
    gw: str = ""
    raised_ns: int | None = None
    cleared_ns: int | None = None
    ended: str = ""
    acked_ns: int | None = None
    acked_by: str = ""
    note: str = ""

    @property
    def open(self) -> bool:
        """Whether it was raised and is not over."""
        return self.raised_ns is not None and self.cleared_ns is None

    @property
    def slot(self) -> str:
        """Return what only one open alarm can hold: the asset, the kind, and for some kinds the field."""
        more = self.field if self.kind in PER_FIELD else ""
        return f"{self.province}/{self.commune}/{self.domain}/{self.asset}/{self.kind}/{more}"

    @property
    def last_ns(self) -> int:
        """Return when it was last heard of."""
        return max(each or 0 for each in (self.raised_ns, self.cleared_ns, self.acked_ns))


def is_alarm(point: Point) -> bool:
    """Whether a point is a word on an alarm; an event without an id cannot be told from another."""
    return (
        point.measurement == "Alert"
        and bool(point.tags.get("asset"))
        and point.tags.get("kind", "") not in NOT_ALARMS
        and isinstance(point.fields.get("id"), str)
    )


def alarm_key(tags: Mapping[str, str], event_id: str) -> str:
    """Return the name of an alarm that is the same at every level: of its place and its event's id."""
    place = "\0".join(tags.get(tag, "") for tag in ("province", "commune", "domain", "asset"))
    return blake2b(f"{place}\0{event_id}".encode(), digest_size=8).hexdigest()


def told(old: Alarm | None, point: Point) -> Alarm:
    """Return an alarm after one more word on it; the same words in another order make the same alarm."""
    tags, fields, ts_ns = point.tags, point.fields, point.ts_ns
    event_id = _text(fields.get("id"))
    if old is None:
        old = Alarm(
            key=alarm_key(tags, event_id),
            id=event_id,
            province=_text(tags.get("province")),
            commune=_text(tags.get("commune")),
            domain=_text(tags.get("domain")),
            asset=_text(tags.get("asset")),
            kind=_text(tags.get("kind")),
        )
    change = msgspec.structs.replace
    state = fields.get("state", "raised")
    if state == ACKNOWLEDGED:
        if old.acked_ns is not None and old.acked_ns <= ts_ns:
            return old
        return change(old, acked_ns=ts_ns, acked_by=_text(fields.get("by")), note=_text(fields.get("note")))
    if state == "cleared":
        old = old if old.field else change(old, field=_text(fields.get("field")))
        return change(old, cleared_ns=ts_ns, ended=_text(fields.get("reason")) or "cleared")
    if old.raised_ns is not None and old.raised_ns <= ts_ns:
        return old
    return change(
        old,
        raised_ns=ts_ns,
        severity=_text(fields.get("severity", "info")),
        field=_text(fields.get("field")),
        value=_value(value_told(fields)),
        limit=_value(fields.get("limit")),
        reason=_text(fields.get("reason")),
        gw=_text(fields.get("gw")),
    )


def _text(value: Value | None) -> str:
    return "" if value is None else str(value)[:_MOST_TEXT]


def _value(value: Value | None) -> Value | None:
    return value[:_MOST_TEXT] if isinstance(value, str) else value
