"""Because who would spoil a session of the feed needs a good one: each kind of message, as it is heard."""

import json

from gateway.feed import encode, examples, to_ns
from gateway.feed.kit import Check, Heard

Session = list[Heard]
S = 1_000_000_000
NOON = to_ns(examples.TS)
NODE = f"{examples.PLACE}/gateway/gw-01"
BIN = f"{examples.PLACE}/waste/bin-0007"
CABINET = f"{examples.PLACE}/lighting/cabinet-2"
RETAINED = {"state", "meta", "status", "custody"}
CUSTODY_FIRST, LAST = 184_466, 184_479


def heard(topic: str, body: object, after_s: float) -> Heard:
    payload = body if isinstance(body, bytes) else encode(body)
    return Heard(topic, payload, 1, topic.rpartition("/")[2] in RETAINED, NOON + round(after_s * S))


def session() -> Session:
    """Return what a subscriber hears of a node that keeps to the contract: each kind of message."""
    found = [heard(f"{NODE}/custody", custody(CUSTODY_FIRST), 0)]
    for kind, body in examples.readings().items():
        place = f"{examples.PLACE}/{examples.asset_of(kind)}"
        found.append(heard(f"{place}/meta", examples.meta(kind), 0))
        found.append(heard(f"{place}/status", b"online", 0))
        found.append(heard(f"{place}/telemetry", body, 1))
        found.append(heard(f"{place}/state", body, 1))
    found.append(heard(f"{BIN}/telemetry", examples.doubtful(), 2))
    events = examples.events()
    cleared = json.loads(encode(events["cleared"])) | {"seq": LAST, "ts": "2026-11-23T05:42:10.000Z"}
    found.append(heard(f"{BIN}/event", events["raised"], 61))
    found.append(heard(f"{NODE}/event", events["gap"], 121))
    found.append(heard(f"{NODE}/event", events["absence"], 126))
    found.append(heard(f"{BIN}/event", json.dumps(cleared).encode(), 131))
    found.append(heard(f"{CABINET}/cmd", examples.command(), 140))
    found.append(heard(f"{CABINET}/ack", examples.ack(), 141))
    found.append(heard(f"{NODE}/custody", custody(LAST), 150))
    return found


def custody(seq: int) -> bytes:
    return json.dumps({"v": 1, "gw": "gw-01", "ep": "7f3a9c", "seq": seq}).encode()


def judge(messages: Session) -> set[str]:
    """Return the rules that a session breaks."""
    check = Check()
    for message in messages:
        check.take(message)
    return {finding.rule for finding in check.finish()}
