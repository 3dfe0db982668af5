"""The work that all contenders get: readings of bins, water works and lamps, as messages and as ready lines.

Reading `n` of a load is the same at every run and in both forms, so that what arrives can be counted.
"""

import gzip
import random
from collections.abc import Iterator
from typing import Any

from edge_api.ingest.mqtt import arrival
from gateway.feed import TYPES, Topic, encode, from_ns

START_NS = 1_795_412_400_000_000_000
EPOCH = "7f3a9c"
PROVINCE = "42"
COMMUNES = tuple(str(18_000 + 7 * n) for n in range(69))
KINDS = ("WasteContainer", "WaterQualityObserved", "Streetlight")
_DOMAINS = ("waste", "water", "lighting")
_MS = 1_000_000


def message(n: int, *, assets: int = 300, communes: int = 1, run: int = 1) -> tuple[str, bytes]:
    """Return topic and body of reading `n`: assets take turns over the communes, `run` readings at a time."""
    turn, place = divmod(n, run)
    which = turn % (assets * communes)
    commune = COMMUNES[which % communes]
    kind = which // communes % 3
    asset = f"{_DOMAINS[kind][:3]}-{which // communes:06d}"
    chance = random.Random(n)  # the same reading at every run
    body = TYPES[KINDS[kind]](
        v=1,
        ts=from_ns(START_NS + n * _MS),
        gw=f"gw-{commune}",
        ep=EPOCH,
        seq=turn // communes * run + place + 1,  # each commune counts without a hole
        q="good",
        **_values(kind, n, chance),
    )
    return f"ntm/v1/{PROVINCE}/{commune}/{_DOMAINS[kind]}/{asset}/telemetry", encode(body)


def _values(kind: int, n: int, chance: random.Random) -> dict[str, Any]:
    if kind == 0:
        return {
            "fillingLevel": round(0.3 + n % 5_000 / 10_000 + chance.uniform(-0.01, 0.01), 2),
            "temperature": round(31 + chance.uniform(-0.5, 0.5), 1),
        }
    if kind == 1:
        return {
            "pH": round(7.1 + chance.uniform(-0.05, 0.05), 2),
            "turbidity": round(0.8 + chance.uniform(-0.1, 0.1), 2),
            "freeChlorine": round(0.5 + chance.uniform(-0.03, 0.03), 2),
            "temperature": round(27 + chance.uniform(-0.3, 0.3), 1),
        }
    return {
        "powerState": "on",
        "status": "ok",
        "powerConsumption": round(75 + chance.uniform(-1, 1), 1),
        "voltage": round(228 + chance.uniform(-2, 2), 1),
        "current": round(0.33 + chance.uniform(-0.01, 0.01), 3),
    }


def line(n: int, *, assets: int = 300, communes: int = 1, run: int = 1) -> str:
    """Return reading `n` as the line that an edge would send upward."""
    topic, body = message(n, assets=assets, communes=communes, run=run)
    return arrival(Topic.parse(topic), body, _nothing).line


def _nothing() -> None:
    """Acknowledge nobody."""


def bodies(count: int, each: int, *, assets: int, communes: int) -> Iterator[bytes]:
    """Yield gzip bodies of `each` lines of one commune, as a commune's relay sends them."""
    made: list[list[str]] = [[] for _ in range(communes)]
    for n in range(count):
        lines = made[n % communes]
        lines.append(line(n, assets=assets, communes=communes))
        if len(lines) == each:
            yield gzip.compress("\n".join([*lines, ""]).encode(), 1)
            lines.clear()
    for lines in made:
        if lines:
            yield gzip.compress("\n".join([*lines, ""]).encode(), 1)
