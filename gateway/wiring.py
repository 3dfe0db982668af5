"""Finds the lines and ports that a driver's settings claim, by the marks on their types."""

from collections.abc import Iterator

import msgspec
from msgspec import inspect

SHARED = "SPI bus"


def shared_lines(settings: msgspec.Struct) -> tuple[str, ...]:
    """Return the lines that a driver uses together with others of its kind: those of the SPI bus."""
    lines: tuple[str, ...] = getattr(settings, "shared_lines", ())
    return lines


def marked(settings: msgspec.Struct, mark: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each field whose type is marked: `mark` is "line" or "port"."""
    info = inspect.type_info(type(settings))
    if isinstance(info, inspect.StructType):
        for each in info.fields:
            yield from _marked_value(each.type, getattr(settings, each.name), mark, each.encode_name)


def _marked_value(info: inspect.Type, value: object, mark: str, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(info, inspect.Metadata):
        if (info.extra or {}).get(mark) and isinstance(value, str):
            yield key, value
        else:
            yield from _marked_value(info.type, value, mark, key)
    elif isinstance(info, inspect.UnionType):
        for member in info.types:
            yield from _marked_value(member, value, mark, key)
    elif isinstance(info, inspect.ListType | inspect.VarTupleType) and isinstance(value, list | tuple):
        for each in value:
            yield from _marked_value(info.item_type, each, mark, key)
    elif isinstance(info, inspect.StructType) and isinstance(value, msgspec.Struct):
        for each_key, each in marked(value, mark):
            yield f"{key}.{each_key}", each
