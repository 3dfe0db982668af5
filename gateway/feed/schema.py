"""The contract for machines: JSON Schemas and the AsyncAPI document, made from the types that encode."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from gateway.feed import examples
from gateway.feed.bodies import TYPES, Custody, Event, Meta
from gateway.feed.channels import FACTS, STATUSES, Channel
from gateway.feed.commands import Ack, Command
from gateway.feed.topics import DOMAINS, ROOT

VERSION = "1.1.1"
"""Of the contract: the second number rises with what is added, the third with what is put more clearly."""

Schema = dict[str, Any]
BODIES: tuple[type[msgspec.Struct], ...] = (*TYPES.values(), Event, Meta, Custody, Command, Ack)
_NESTED = {"Meta", "Location"}
_FLAT = {"type": ["string", "number", "boolean"]}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_GAP = {
    "if": {"properties": {"type": {"const": "gap"}}},
    "then": {
        "required": ["reason"],
        "anyOf": [{"required": ["from", "to"]}, {"required": ["after", "before"]}],
    },
}
"""What is missing has numbers, or is a stretch of time in which none was given."""
_PARAMETERS = {
    "province": ("Official code of the province, 2 digits; Hà Tĩnh is 42.", "42", None),
    "commune": ("Official code of the commune, 5 digits.", "18562", None),
    "domain": ("What kind of asset it is.", "waste", list(DOMAINS)),
    "asset": ("The asset, made of a-z, 0-9 and '-'; unique in its commune.", "bin-0007", None),
}


def schemas() -> dict[str, Schema]:
    """Return a JSON Schema (2020-12) that stands alone for each kind of body, by its name; and Status."""
    found = {}
    for kind in BODIES:
        whole = msgspec.json.schema(kind)
        parts = {name: _tidy(name, part) for name, part in whole.get("$defs", {}).items()}
        top = parts.pop(kind.__name__)
        head = {"$schema": _DIALECT, "$id": f"urn:ntm:v1:{kind.__name__}"}
        found[kind.__name__] = {**head, **top, **({"$defs": parts} if parts else {})}
    status = {"$schema": _DIALECT, "$id": "urn:ntm:v1:Status", "title": "Status"}
    found["Status"] = {**status, **_status()}
    return found


def asyncapi() -> Schema:
    """Return the AsyncAPI 3 document of the feed, seen from a commune: what it sends and what it takes."""
    _, parts = msgspec.json.schema_components(BODIES, ref_template="#/components/schemas/{name}")
    components = {name: _tidy(name, part) for name, part in parts.items()}
    shown = examples.by_name()
    messages = {
        name: {
            "name": name,
            "title": name,
            "contentType": "application/json",
            "summary": components[name]["description"].partition("\n")[0],
            "payload": {"$ref": f"#/components/schemas/{name}"},
            "examples": [{"payload": msgspec.to_builtins(body)} for body in bodies],
        }
        for name, bodies in shown.items()
    }
    messages["Status"] = {
        "name": "Status",
        "title": "Status",
        "contentType": "text/plain",
        "summary": "Whether the asset speaks.",
        "payload": {"$ref": "#/components/schemas/Status"},
        "examples": [{"payload": STATUSES[0]}],
    }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:ntm:v1",
        "info": {
            "title": "The feed ntm/v1 of a commune",
            "version": VERSION,
            "description": "What the sensors, the alarms and the lamps of a rural commune say over MQTT. "
            "Keys that you do not know are to be ignored. A breaking change is ntm/v2, published beside v1.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "commune": {
                "host": "localhost:1883",
                "protocol": "mqtt",
                "protocolVersion": "5.0",
                "description": "The broker of the commune; the province's is bridged to it. 3.1.1 will do.",
            }
        },
        "channels": {name: _channel(name, facts) for name, facts in FACTS.items()},
        "operations": {_verb(name, facts): _operation(name, facts) for name, facts in FACTS.items()},
        "components": {
            "schemas": {**components, "Status": {"title": "Status", **_status()}},
            "messages": messages,
            "parameters": {name: _parameter(*facts) for name, facts in _PARAMETERS.items()},
        },
    }


def files() -> dict[str, str]:
    """Return the contract's files by their path below docs/feed, as text that ends with a newline."""
    found = {"asyncapi.json": asyncapi()}
    found |= {f"schemas/{name}.json": schema for name, schema in schemas().items()}
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in found.items()}


def write(folder: Path) -> list[Path]:
    """Write the contract's files below the folder, and return them; raise OSError when that fails."""
    written = []
    for path, text in files().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return written


def _tidy(name: str, part: Schema) -> Schema:
    """Put a Struct's schema in order: one text, the type first, the unit beside its field, no nesting."""
    part = {**part, "description": re.sub(r"\s+", " ", part.get("description", name)).strip()}
    units = TYPES[name].units if name in TYPES else {}
    part["properties"] = {
        key: {**value, "x-unit": units[key]} if key in units else value
        for key, value in part["properties"].items()
    }
    if name not in _NESTED:
        part["additionalProperties"] = _FLAT
    if name == "Event":
        part |= _GAP
    return part


def _status() -> Schema:
    return {"description": FACTS["status"].says, "type": "string", "enum": list(STATUSES)}


def _names(facts: Channel) -> list[str]:
    return [kind.__name__ for kind in facts.bodies] or ["Status"]


def _channel(name: str, facts: Channel) -> Schema:
    return {
        "address": f"{ROOT}/{{province}}/{{commune}}/{{domain}}/{{asset}}/{name}",
        "title": name,
        "description": facts.says,
        "parameters": {each: {"$ref": f"#/components/parameters/{each}"} for each in _PARAMETERS},
        "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in _names(facts)},
    }


def _verb(name: str, facts: Channel) -> str:
    return f"{_action(facts)}{name.capitalize()}"


def _action(facts: Channel) -> str:
    return "receive" if facts.sender == "operator" else "send"


def _operation(name: str, facts: Channel) -> Schema:
    return {
        "action": _action(facts),
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": facts.says,
        "description": f"Sent by the {facts.sender}; domain {', '.join(facts.domains)}; "
        f"{'retained' if facts.retain else 'never retained'}.",
        "messages": [{"$ref": f"#/channels/{name}/messages/{each}"} for each in _names(facts)],
        "bindings": {"mqtt": {"qos": facts.qos, "retain": facts.retain, "bindingVersion": "0.2.0"}},
    }


def _parameter(description: str, example: str, enum: list[str] | None) -> Schema:
    return {"description": description, "examples": [example], **({"enum": enum} if enum else {})}
