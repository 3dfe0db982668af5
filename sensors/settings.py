"""Reads a TOML file into a Struct: an error names the file, the key and what would be right.

Environment variables override: COMMUNE_MQTT_HOST sets `host` in the table `mqtt`.
"""

import contextlib
import difflib
import math
import os
import re
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec

from sensors.errors import ConfigError
from sensors.text import said, why

PREFIX = "COMMUNE_"
T = TypeVar("T", bound=msgspec.Struct)

_TIME_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_SIZE_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)")
_EXPECTED = re.compile(r"Expected `(\w+)(?: \| null)?`(?: ([<>]=? \S+)|, got `(\w+)`)")
_LIKE = re.compile(r"Expected `str(?: \| null)?` matching regex '(.*)'")
_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)")


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of every table of a configuration file: an unknown key is an error, not a silence."""


class Seconds(float):
    """A time span in seconds, written as 90, "90s", "5min", "2h" or "7d"."""


class Bytes(int):
    """A size in bytes, written as 1000, "512MB" or "2GiB"."""


def convert(value: object, kind: type[T], where: str = "") -> T:
    """Check a decoded table against its Struct; raise ConfigError with one line a problem.

    Each line begins with `where`, for instance "node.toml: ", and names the key.
    """
    try:
        return msgspec.convert(value, kind, dec_hook=_quantity)
    except msgspec.ValidationError:
        raise ConfigError("\n".join(_problems(value, kind, where))) from None


def load(path: Path, kind: type[T], environ: Mapping[str, str] | None = None) -> T:
    """Read and check a configuration file; raise ConfigError that names file, key and what would be right."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # an editor of Windows puts a mark first
    except OSError as error:
        raise ConfigError(f"{path}: " + said("cannot be read: {why}", why=why(error))) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {not_toml(error)}") from None
    for variable, text in sorted((os.environ if environ is None else environ).items()):
        if variable.startswith(PREFIX):
            _override(table, kind, variable.removeprefix(PREFIX).lower(), text, variable)
    return convert(table, kind, f"{path}: ")


def not_toml(error: ValueError) -> str:
    """Say where a file stops being TOML, and what its reader, which speaks English only, says of it."""
    match = _PLACE.fullmatch(str(error))
    if match is None:
        return said("not TOML: {error}", error=error)
    error_text, line, column = match.groups()
    return said("not TOML: line {line}, column {column}: {error}", line=line, column=column, error=error_text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest known word, or nothing when none is near."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return said("; did you mean {word!r}?", word=close[0]) if close else ""


def _quantity(kind: type, value: object) -> object:
    units: Mapping[str, float]
    if issubclass(kind, Seconds):
        units, example = _TIME_UNITS, said('90, "90s", "5min" or "2h"')
    elif issubclass(kind, Bytes):
        units, example = _SIZE_UNITS, said('1000, "512MB" or "2GiB"')
    elif issubclass(kind, Path):
        if isinstance(value, str) and value:
            return kind(value)
        raise ValueError(said('{value!r} is not a path; write "/var/lib/commune"', value=value))
    else:
        raise NotImplementedError(f"no settings type {kind}")  # a mistake of ours, not of the file
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return kind(value)
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (match[2] and match[2] not in units):
        raise ValueError(said("{value!r} is not understood; write {example}", value=value, example=example))
    return kind(float(match[1]) * units.get(match[2], 1))


def _problems(value: object, kind: Any, where: str, key: str = "") -> list[str]:
    """Find every problem of the value at `key`; each line says where it is and what would be right."""
    struct, item = _struct(kind), _item(kind)
    found: list[str] = []
    if struct is not None and isinstance(value, dict):
        found = list(_table_problems(value, struct, f"{where}[{key}] " if key else where))
    elif item is not None and isinstance(value, list):
        for number, each in enumerate(value, 1):
            name = each.get("id", number) if isinstance(each, dict) else number
            found += _problems(each, item, f"{where}{key} {name}: ")
    elif get_origin(kind) is dict and isinstance(value, dict):
        for name, each in value.items():
            found += _problems(each, get_args(kind)[1], f"{where}[{key}] ", name)
    if not found:
        try:
            msgspec.convert(value, kind, dec_hook=_quantity)
        except msgspec.ValidationError as error:
            found = [(f"{where}{key}: " if key else where) + _explain(str(error), kind, value)]
    return found


def _table_problems(table: dict[str, Any], struct: type[msgspec.Struct], where: str) -> Iterator[str]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if struct.__struct_config__.forbid_unknown_fields:
        for key in table:
            if key not in fields:
                yield where + said("unknown key {key!r}{hint}", key=key, hint=did_you_mean(key, fields))
    for key, field in fields.items():
        if key in table:
            yield from _problems(table[key], field.type, where, key)
        elif field.required:
            yield where + said("the key {key!r} is missing", key=key)


def _explain(message: str, kind: object, value: object) -> str:
    text, _, path = message.partition(" - at `")
    choices = [repr(choice) for choice in _choices(kind)]
    if choices:
        return said("{value!r} is none of {known}", value=value, known=", ".join(choices))
    if (match := _EXPECTED.fullmatch(text)) is not None:
        wanted, bound, got = (each and _word(each) for each in match.groups())
        text = (
            said("Expected {wanted} {bound}", wanted=wanted, bound=bound)
            if bound
            else said("Expected {wanted}, got {got}", wanted=wanted, got=got)
        )
    elif (match := _LIKE.fullmatch(text)) is not None:
        text = said("{value!r} is not written as {pattern}", value=value, pattern=match[1])
    text = re.sub(r"`(\w+)( \| null)?`", lambda match: _word(match[1]), text)
    inner = path.removesuffix("`").removeprefix("$").lstrip(".")
    return f"{inner}: {text}" if inner else text


def _word(kind: str) -> str:
    words = {
        "str": said("text in quotes"),
        "int": said("a whole number"),
        "float": said("a number"),
        "bool": said("true or false"),
        "array": said("a list in [ ]"),
        "object": said("a table"),
        "null": said("nothing"),
    }
    return words.get(kind, kind)


def _parts(kind: Any) -> tuple[Any, ...]:
    """Take a type apart: the members of a union, without Annotated."""
    if get_origin(kind) is Annotated:
        return _parts(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(part for member in get_args(kind) for part in _parts(member))
    return (kind,)


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    for part in _parts(kind):
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            return part
    return None


def _item(kind: Any) -> type[msgspec.Struct] | None:
    """Return the Struct of which the type is a list or tuple."""
    for part in _parts(kind):
        if get_origin(part) in (list, tuple):
            return _struct(get_args(part)[0])
    return None


def _choices(kind: Any) -> tuple[Any, ...]:
    for part in _parts(kind):
        if get_origin(part) is Literal:
            return get_args(part)
    return ()


def _override(
    table: dict[str, Any], struct: type[msgspec.Struct], name: str, text: str, variable: str, inside: str = ""
) -> None:
    """Set the key that `name` means, such as mqtt_host; a name of no table belongs to another program."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    if name in fields:
        table[name] = _literal(text, fields[name], variable)
        return
    for key in (key for key in fields if name.startswith(f"{key}_")):
        inner = _struct(fields[key])
        nested = table.setdefault(key, {}) if inner else None
        if inner is None or not isinstance(nested, dict):
            raise ConfigError(
                said(
                    "{variable}: {key!r} is not a table, so no key in it can be set from outside",
                    variable=variable,
                    key=key,
                )
            )
        _override(cast("dict[str, Any]", nested), inner, name.removeprefix(f"{key}_"), text, variable, key)
        return
    if inside:
        raise ConfigError(
            said(
                "{variable}: unknown key {name!r} of [{inside}]{hint}",
                variable=variable,
                name=name,
                inside=inside,
                hint=did_you_mean(name, fields),
            )
        )


def _literal(text: str, kind: Any, variable: str) -> object:
    """Read a variable as its key wants it: a text as it stands, a number, truth or list as TOML has it."""
    candidates: list[object] = [text]
    with contextlib.suppress(tomllib.TOMLDecodeError):  # then it can only be a text
        candidates.append(tomllib.loads(f"value = {text}")["value"])
    for candidate in candidates:
        found = _problems(candidate, kind, f"{variable}: ")
        if not found:
            return candidate
    raise ConfigError("\n".join(found))
