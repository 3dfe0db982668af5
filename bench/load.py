"""The work that all contenders get: readings of bins, water works and lamps, as messages and as ready lines.

Reading `n` of a load is the same at every run and in both forms, so that what arrives can be counted.
"""

import gzip
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.feed import TYPES, encode, from_ns

START_NS = 1_795_412_400_000_000_000
EPOCH = "7f3a9c"
PROVINCE = "42"
COMMUNES = tuple(str(18_000 + 7 * n) for n in range(69))
KINDS = ("WasteContainer", "WaterQualityObserved", "Streetlight")
_DOMAINS = ("waste", "water", "lighting")
_MS = 1_000_000


def message(n: int, *, assets: int = 300, communes: int = 1, run: int = 1) -> tuple[str, bytes]:
    """Return topic and body of reading `n`: assets take turns over the communes, `run` readings at a time."""
    it = _which(n, assets, communes, run)
    body = TYPES[KINDS[it.kind]](
        v=1,
        ts=from_ns(START_NS + n * _MS),
        gw=f"gw-{it.commune}",
        ep=EPOCH,
        seq=it.seq,
        q="good",
        **_values(it.kind, n, random.Random(n)),
    )
    return f"ntm/v1/{PROVINCE}/{it.commune}/{_DOMAINS[it.kind]}/{it.asset}/telemetry", encode(body)


class _Which(NamedTuple):
    """Whose reading it is."""

    commune: str
    kind: int
    asset: str
    seq: int


def _which(n: int, assets: int, communes: int, run: int) -> _Which:
    turn, place = divmod(n, run)
    which = turn % (assets * communes)
    number = which // communes
    kind = number % 3
    seq = turn // communes * run + place + 1  # each commune counts without a hole
    return _Which(COMMUNES[which % communes], kind, f"{_DOMAINS[kind][:3]}-{number:06d}", seq)


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
    """Return reading `n` as the line that an edge would send upward, of which millions are needed soon."""
    it = _which(n, assets, communes, run)
    fields = ",".join(
        f"{name}={value}" if isinstance(value, float) else f'{name}="{value}"'
        for name, value in _values(it.kind, n, random.Random(n)).items()
    )
    tags = f"asset={it.asset},commune={it.commune},domain={_DOMAINS[it.kind]},province={PROVINCE}"
    own = f'gw="gw-{it.commune}",ep="{EPOCH}",seq={it.seq}i,q="good"'
    return f"{KINDS[it.kind]},{tags} {fields},{own} {START_NS + n * _MS}"


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
