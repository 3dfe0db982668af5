"""Reads a TOML file into a Struct: an error names the file, the key and what would be right.

Environment variables override: COMMUNE_MQTT_HOST sets `host` in the table `mqtt`.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from sensors.errors import ConfigError

PREFIX = "COMMUNE_"
T = TypeVar("T", bound=msgspec.Struct)

_TIME_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_SIZE_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of every table of a configuration file: an unknown key is an error, not a silence."""


class Seconds(float):
    """A time span in seconds, written as 90, "90s", "5min", "2h" or "7d"."""


class Bytes(int):
    """A size in bytes, written as 1000, "512MB" or "2GiB"."""


def convert(value: object, kind: type[T], where: str = "") -> T:
    """Check a decoded table against its Struct; raise ConfigError that names the key."""
    try:
        return msgspec.convert(value, kind, dec_hook=_quantity)
    except msgspec.ValidationError as error:
        raise ConfigError(where + _explain(str(error), kind)) from None


def load(path: Path, kind: type[T], environ: Mapping[str, str] | None = None) -> T:
    """Read and check a configuration file; raise ConfigError that names file, key and what would be right."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    for variable, keys, text in _overrides(kind, os.environ if environ is None else environ):
        _override(table, keys, text, variable)
    return convert(table, kind, f"{path}: ")


def _quantity(kind: type, value: object) -> object:
    units: Mapping[str, float]
    if issubclass(kind, Seconds):
        units, example = _TIME_UNITS, '90, "90s", "5min" or "2h"'
    elif issubclass(kind, Bytes):
        units, example = _SIZE_UNITS, '1000, "512MB" or "2GiB"'
    elif issubclass(kind, Path) and isinstance(value, str):
        return kind(value)
    else:
        raise NotImplementedError(f"no settings type {kind}")  # a mistake of ours, not of the file
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return kind(value)
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (match[2] and match[2] not in units):
        raise ValueError(f"{value!r} is not understood; write {example}")
    return kind(float(match[1]) * units.get(match[2], 1))


def _explain(message: str, kind: type[msgspec.Struct]) -> str:
    text, _, path = message.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    unknown = re.search(r"unknown field `(.+?)`", text)
    if unknown:
        close = difflib.get_close_matches(unknown[1], list(_known_keys(kind)), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"{key + ': ' if key else ''}unknown key {unknown[1]!r}{hint}"
    return f"{key}: {text}" if key else text


def _known_keys(kind: type[msgspec.Struct]) -> Iterator[str]:
    seen: set[type] = set()
    todo: list[Any] = [kind]
    while todo:
        each = todo.pop()
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each not in seen:
            seen.add(each)
            for field in msgspec.structs.fields(each):
                yield field.encode_name
                todo.append(field.type)
        else:
            todo.extend(getattr(each, "__args__", ()))


def _overrides(
    kind: type[msgspec.Struct], environ: Mapping[str, str]
) -> Iterator[tuple[str, list[str], str]]:
    tables = {field.encode_name for field in msgspec.structs.fields(kind)}
    for variable, text in sorted(environ.items()):
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower()
            table, _, key = name.partition("_")
            if table in tables:
                yield variable, [table, key] if key else [table], text


def _override(table: dict[str, Any], keys: list[str], text: str, variable: str) -> None:
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{variable}: {key!r} is a list in the file and cannot be set from outside")
        table = cast("dict[str, Any]", inner)
    table[keys[-1]] = _literal(text)


def _literal(text: str) -> object:
    """Read a number, a truth or a list as TOML does; anything else is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
