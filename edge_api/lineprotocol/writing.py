"""Writes points as line protocol: whatever the parser returned can be written, and reads back the same."""

from collections.abc import Mapping
from functools import lru_cache
from math import isfinite

from edge_api.point import Point
from sensors.sample import Value

_SERIES_KEPT = 65_536  # prefixes remembered: a province has 20,700 assets, and one too many in turn loses all


class Unsigned(int):
    """An integer that came with a `u`; it goes out with one, since a field's type is fixed upstream."""

    __slots__ = ()


def encode(point: Point) -> str:
    """Write one line, in ns and without its newline; raise ValueError when the protocol cannot say it."""
    return f"{series(point.measurement, point.tags)} {encode_fields(point.fields)} {point.ts_ns}"


def series(measurement: str, tags: Mapping[str, str]) -> str:
    """Write the escaped prefix of a line; tags sorted, as InfluxDB likes them best."""
    return _prefix(measurement, tuple(tags.items()))


@lru_cache(maxsize=_SERIES_KEPT)
def _prefix(measurement: str, tags: tuple[tuple[str, str], ...]) -> str:
    if measurement[:1] in {"#", "\t", "\0", "\r"}:
        raise ValueError(f"a measurement cannot begin as {measurement!r} does")
    parts = [_checked(measurement).replace(",", "\\,").replace(" ", "\\ ")]
    parts += [f"{_name(key)}={_name(value)}" for key, value in sorted(tags)]
    return ",".join(parts)


def encode_fields(fields: Mapping[str, Value]) -> str:
    """Write the fields of a line: 1.0 is a float, 1i an integer, true a boolean, "1" a text."""
    if not fields:
        raise ValueError("a point has at least one field")
    if next(iter(fields))[:1] == "\r":
        raise ValueError("the fields of a line cannot begin with a carriage return")
    return ",".join([f"{_field_key(key)}={_encode_value(value)}" for key, value in fields.items()])


def _checked(name: str) -> str:
    if not name or "\n" in name or name[-1] == "\\":
        raise ValueError(f"line protocol has no way to write the name {name!r}")
    return name


def _name(name: str) -> str:
    return _checked(name).replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


_field_key = lru_cache(maxsize=1024)(_name)


def _encode_value(value: Value) -> str:
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"line protocol has no way to write the number {value}")
        return repr(value)
    if isinstance(value, str):
        if "\\" in value or '"' in value:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}u" if isinstance(value, Unsigned) else f"{value}i"
