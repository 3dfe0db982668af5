"""Bodies of the reading API's answers: names as in the feed, times in RFC 3339 UTC."""

from msgspec import Struct

from edge_api.api.times import rfc3339
from edge_api.history import AssetNow
from sensors.sample import Value


class Position(Struct, frozen=True):
    """Degrees, WGS 84."""

    lat: float
    lon: float


class FieldBody(Struct, frozen=True):
    """The newest value of a field; `unit` is a UN/CEFACT code."""

    value: Value
    ts: str
    unit: str | None = None


class AlertBody(Struct, frozen=True, kw_only=True):
    """The newest word on one kind of alarm."""

    kind: str
    state: str
    severity: str
    ts: str
    field: str | None = None
    value: Value | None = None
    limit: Value | None = None


class Asset(Struct, frozen=True, kw_only=True, rename="camel"):
    """An asset as it is now; `ts` is null while no reading has come, `staleAfter` is seconds."""

    key: str
    province: str
    commune: str
    domain: str
    id: str
    type: str
    name: str
    location: Position | None
    gw: str | None
    stale_after: float | None
    status: str | None
    ts: str | None
    quality: str
    reasons: dict[str, str]
    fields: dict[str, FieldBody]
    alerts: list[AlertBody]


class Reading(Struct, frozen=True):
    """One value, or one bucket of `count` values; `ts` is its beginning."""

    ts: str
    value: Value
    count: int


def asset_body(now: AssetNow) -> Asset:
    """Say what is known of an asset as the API does."""
    return Asset(
        key=now.key,
        province=now.province,
        commune=now.commune,
        domain=now.domain,
        id=now.id,
        type=now.type,
        name=now.name,
        location=None if now.lat is None or now.lon is None else Position(now.lat, now.lon),
        gw=now.gw,
        stale_after=now.stale_after_s,
        status=now.status,
        ts=rfc3339(now.ts_ns) if now.ts_ns else None,
        quality=now.quality,
        reasons=now.reasons,
        fields={
            key: FieldBody(field.value, rfc3339(field.ts_ns), now.units.get(key))
            for key, field in now.fields.items()
        },
        alerts=[
            AlertBody(
                kind=alert.kind,
                state=alert.state,
                severity=alert.severity,
                ts=rfc3339(alert.ts_ns),
                field=alert.field,
                value=alert.value,
                limit=alert.limit,
            )
            for alert in now.alerts.values()
        ],
    )
