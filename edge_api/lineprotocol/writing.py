"""Writes points as line protocol: whatever the parser returned can be written, and reads back the same."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from edge_api.point import Point
from sensors.sample import Value

_SERIES_KEPT = 65_536  # prefixes remembered: a province has 20,700 assets, and one too many in turn loses all


_json = msgspec.json.Encoder().encode


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
    parts = []
    for key, value in fields.items():
        kind = type(value)
        if kind is str and '"' not in value and "\\" not in value:  # type: ignore[operator]
            parts.append(f'{_start(key)}"{value}"')
        elif kind is float:
            # The shortest text that reads back the same, as repr makes, in a quarter of the time.
            text = _json(value)
            if text == b"null":
                raise ValueError(f"line protocol has no way to write the number {value}")
            parts.append(_start(key) + text.decode())
        else:
            parts.append(_start(key) + _encode_value(value))  # type: ignore[arg-type]  # no float is left
    return ",".join(parts)


def _checked(name: str) -> str:
    if not name or "\n" in name or name[-1] == "\\":
        raise ValueError(f"line protocol has no way to write the name {name!r}")
    return name


def _name(name: str) -> str:
    return _checked(name).replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


@lru_cache(maxsize=1024)
def _start(key: str) -> str:
    return _name(key) + "="


def _encode_value(value: bool | int | str) -> str:
    if isinstance(value, str):
        value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}u" if isinstance(value, Unsigned) else f"{value}i"
