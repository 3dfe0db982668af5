"""One point as InfluxDB knows it: measurement, tag set, time and fields; what ingest hands on."""

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from sensors.sample import Value


class Point(Struct, frozen=True, gc=False):
    """A reading or an alert. `tags` are province, commune, domain, asset (and kind); `ts_ns` is UTC."""

    measurement: str
    tags: dict[str, str]
    ts_ns: int
    fields: dict[str, Value]


def identity(point: Point) -> tuple[str, str, int] | None:
    """Return (gw, ep, seq) of a point that a node of ours has numbered, else None."""
    seq = point.fields.get("seq")
    stream = stream_of(point)
    if stream is None or type(seq) is not int or seq < 0:
        return None
    return (*stream, seq)


def stream_of(point: Point) -> tuple[str, str] | None:
    """Return (gw, ep) that a point names, None when it does not name both."""
    gw, ep = point.fields.get("gw"), point.fields.get("ep")
    if isinstance(gw, str) and isinstance(ep, str) and _plain(gw) and _plain(ep):
        return gw, ep
    return None


def told(value: Value) -> dict[str, Value]:
    """Return the field of an `Alert` that says its value: a database's field has one type for all kinds."""
    if isinstance(value, bool):
        return {"valueText": "true" if value else "false"}
    return {"valueText": value} if isinstance(value, str) else {"value": float(value)}


def value_told(fields: Mapping[str, Value]) -> Value | None:
    """Return the value that an `Alert` speaks of, as its event said it; None without one."""
    text = fields.get("valueText")
    if text in {"true", "false"}:
        return text == "true"
    return fields.get("value", text)


@lru_cache(maxsize=4096)
def _plain(name: str) -> bool:
    return name.replace("-", "").isalnum()
