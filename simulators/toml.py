"""Writes the little TOML that a simulated commune needs: tables, arrays of tables, numbers, texts, truths."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Table = dict[str, Any]


def document(table: Mapping[str, Any]) -> str:
    """Return a table as a TOML document; a list of tables becomes [[name]]."""
    return "\n".join(_lines(table, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if isinstance(value, (Mapping, list))}
    for key, value in table.items():
        if key not in inner:
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in inner.items():
        name = ".".join((*path, key))
        for each in value if isinstance(value, list) else [value]:
            yield ""
            yield f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
            yield from _lines(each, (*path, key))
