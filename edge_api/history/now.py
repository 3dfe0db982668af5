"""What is known of an asset at this moment: names, status, the newest value of each field, its alarms."""

from collections.abc import Mapping, Sequence
from sys import intern

import msgspec
from msgspec import Struct

from edge_api.alarms.alarm import ACKNOWLEDGED, PER_FIELD
from edge_api.point import Point, value_told
from gateway.feed import Meta
from sensors.sample import Value

# Fields that say where a reading came from and how good it is, not what the asset is like.
NOT_VALUES = frozenset({"gw", "ep", "seq", "hist", "q", "qr", "raw"})
DOUBTS = frozenset({"q", "qr"})
"""Kept in history all the same, where a reading is not good: a chart shows which values are doubtful."""

MOST_FIELDS = 64  # an asset of the feed has ten; a stranger's must not fill the memory
_MOST_ALERTS = 32


class FieldNow(Struct, frozen=True, gc=False):
    """The newest value of one field, and its time in ns since 1970."""

    value: Value
    ts_ns: int


class Alert(Struct, frozen=True, kw_only=True):
    """The newest word on one kind of alarm: raised or cleared."""

    kind: str
    state: str
    severity: str
    ts_ns: int
    field: str | None = None
    value: Value | None = None
    limit: Value | None = None


class AssetNow(Struct, kw_only=True):
    """One asset. `ts_ns` is 0 while no reading has come; `reasons` maps a field to why it is doubtful."""

    key: str
    province: str
    commune: str
    domain: str
    id: str
    type: str = ""
    name: str = ""
    lat: float | None = None
    lon: float | None = None
    gw: str | None = None
    interval_s: float | None = None
    stale_after_s: float | None = None
    units: dict[str, str] = {}
    limits: dict[str, list[float]] = {}
    status: str | None = None
    ts_ns: int = 0
    quality: str = "good"
    reasons: dict[str, str] = {}
    fields: dict[str, FieldNow] = {}
    alerts: dict[str, Alert] = {}

    def see(self, point: Point, values: Sequence[tuple[str, Value]]) -> None:
        """Take in a reading with its values; an older one only fills fields that have no newer value."""
        fields, ts_ns, now = point.fields, point.ts_ns, self.fields
        if ts_ns >= self.ts_ns:
            self.ts_ns = ts_ns
            self.type = point.measurement
            self.quality = str(fields.get("q", "good"))
            reasons = fields.get("qr")
            self.reasons = _reasons(reasons) if reasons else {}
            gw = fields.get("gw")
            if isinstance(gw, str):
                self.gw = gw
            for key, value in values:
                if key in now or len(now) < MOST_FIELDS:
                    now[key] = FieldNow(value, ts_ns)
            return
        for key, value in values:
            old = now.get(key)
            if len(now) < MOST_FIELDS if old is None else ts_ns >= old.ts_ns:
                now[key] = FieldNow(value, ts_ns)

    def alarm(self, point: Point) -> None:
        """Take in a point of the measurement Alert."""
        kind = point.tags.get("kind", "")
        if point.fields.get("state") == ACKNOWLEDGED:
            return  # that it was seen does not end it
        slot = f"{kind} {point.fields.get('field', '')}" if kind in PER_FIELD else kind
        old = self.alerts.get(slot)
        if (old is None and len(self.alerts) < _MOST_ALERTS) or (old and point.ts_ns >= old.ts_ns):
            fields = point.fields
            field = fields.get("field")
            self.alerts[slot] = Alert(
                kind=kind,
                state=str(fields.get("state", "raised")),
                severity=str(fields.get("severity", "info")),
                ts_ns=point.ts_ns,
                field=None if field is None else str(field),
                value=value_told(fields),
                limit=fields.get("limit"),
            )

    def describe(self, meta: Meta) -> None:
        """Take in what the asset's node says it is."""
        self.name = meta.name
        self.type = self.type or meta.type
        self.gw = meta.gw
        self.interval_s, self.stale_after_s = meta.interval, meta.staleAfter
        self.units = dict(meta.units)
        self.limits = dict(meta.limits)
        if not isinstance(meta.location, msgspec.UnsetType):
            self.lat, self.lon = meta.location.lat, meta.location.lon

    def copy(self) -> "AssetNow":
        """Return a copy that later readings do not change."""
        copy = msgspec.structs.replace(self)
        copy.fields = dict(self.fields)
        copy.alerts = dict(self.alerts)
        return copy


def asset_key(tags: Mapping[str, str]) -> str | None:
    """Return province/commune/domain/asset, or None for a point that belongs to no asset."""
    asset = tags.get("asset")
    if not asset:
        return None
    get = tags.get
    return f"{get('province', '')}/{get('commune', '')}/{get('domain', '')}/{asset}"


def place_of(key: str) -> str:
    """Return province/commune of an asset's key."""
    return "/".join(key.split("/", 2)[:2])


def tags_of(key: str) -> dict[str, str]:
    """Return the tags of an asset's key."""
    province, commune, domain, asset = key.split("/", 3)
    tags = {"province": intern(province), "commune": intern(commune), "domain": intern(domain)}
    return tags | {"asset": asset}


def tags_text(key: str) -> bytes:
    """Return the tags of an asset's key as our own edges write them, with the comma before them."""
    province, commune, domain, asset = key.split("/", 3)
    return f",asset={asset},commune={commune},domain={domain},province={province}".encode()


def _reasons(text: Value) -> dict[str, str]:
    pairs = (word.partition(":") for word in str(text).split())
    return {field: reason for field, _, reason in pairs}
