"""Because every reading crosses the feed twice: our bodies beside the standard library's json.

The fair rival of a checked decode is json.loads plus the checks that the contract asks for; json.loads alone
is shown too, as what one would save by believing every sender.
"""

import json
import random
from typing import Any

from bench.timing import ROUNDS, Timing, measure
from gateway.feed import TYPES, Reading, decode_reading, encode, from_ns

READINGS = 20_000
START_NS = 1_795_412_400_000_000_000
QUALITIES = ("good", "uncertain", "bad")


def make_readings(count: int = READINGS) -> list[Reading]:
    """Return readings of the three domains, mixed as a commune sends them; the same at every run."""
    chance = random.Random(42)
    made = []
    for seq in range(count):
        every: dict[str, Any] = {
            "v": 1,
            "ts": from_ns(START_NS + seq * 250_000_000),
            "gw": "gw-01",
            "ep": "7f3a9c",
            "seq": 184_467 + seq,
            "q": "good",
        }
        kind, own = _one_of(seq % 4, chance)
        made.append(TYPES[kind](**every, **own))
    return made


def _one_of(which: int, chance: random.Random) -> tuple[str, dict[str, Any]]:
    if which == 0:
        return "WasteContainer", {
            "fillingLevel": round(chance.random(), 2),
            "temperature": round(chance.uniform(20, 45), 1),
        }
    if which == 1:
        return "WaterQualityObserved", {
            "pH": round(chance.uniform(6, 8), 2),
            "turbidity": round(chance.uniform(0, 5), 2),
            "freeChlorine": round(chance.uniform(0.2, 1), 2),
            "temperature": round(chance.uniform(20, 32), 1),
        }
    return "Streetlight", {
        "powerState": "on",
        "status": "ok",
        "powerConsumption": round(chance.uniform(70, 80), 1),
        "voltage": round(chance.uniform(215, 235), 1),
        "current": round(chance.uniform(0.3, 0.4), 3),
    }


def decode_with_json(data: bytes) -> dict[str, Any]:
    """Decode and check by hand what the contract asks for, as a careful consumer would write it."""
    body: dict[str, Any] = json.loads(data)
    kind = TYPES[body["type"]]
    if body["v"] != 1 or body["q"] not in QUALITIES:
        raise ValueError(body)
    if not (isinstance(body["ts"], str) and isinstance(body["seq"], int) and 0 <= body["seq"] <= 2**53):
        raise ValueError(body)
    for name in kind.units:
        if name in body and not isinstance(body[name], float | int):
            raise ValueError(body)
    return body


def run() -> tuple[int, list[Timing], list[Timing]]:
    """Return the bytes of an average body, the timings of encoding, and those of decoding."""
    readings = make_readings()
    bodies = [encode(reading) for reading in readings]
    as_dicts = [json.loads(body) for body in bodies]
    if [json.loads(encode(decode_reading(body))) for body in bodies] != as_dicts:
        raise AssertionError("the two encodings do not say the same")
    encoding = measure(
        {
            "gateway.feed.encode": lambda: [encode(reading) for reading in readings],
            "json.dumps": lambda: [json.dumps(d, separators=(",", ":")).encode() for d in as_dicts],
        },
        READINGS,
    )
    decoding = measure(
        {
            "gateway.feed.decode_reading (checked)": lambda: [decode_reading(body) for body in bodies],
            "json.loads + the same checks": lambda: [decode_with_json(body) for body in bodies],
            "json.loads, nothing checked": lambda: [json.loads(body) for body in bodies],
        },
        READINGS,
    )
    return sum(map(len, bodies)) // READINGS, encoding, decoding


def show() -> None:
    """Print both; the ratio is to the first, which is ours."""
    size, encoding, decoding = run()
    for title, timings in (
        (f"write a body ({size} bytes on average)", encoding),
        ("read a body", decoding),
    ):
        print(f"{title}: processor time, median of {ROUNDS} rounds taken in turn")
        for timing in timings:
            ratio = timing.median_us / timings[0].median_us
            print(f"  {timing.name:40} {timing.median_us:8.2f} us {ratio:6.2f} {timing.spread:6.2f}")
