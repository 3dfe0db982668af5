"""Because a session of the feed is spoiled in few ways: a key, a flag, a message too many or too few."""

import json
from collections.abc import Callable
from dataclasses import replace

from gateway.feed import encode, examples, from_ns
from gateway.feed.kit import Heard
from tests.gateway.feed_session import NOON, S, Session, heard


def at(channel: str, kind: str = "", nth: int = 0) -> Callable[[Session], int]:
    """Find the nth message of a channel (and of a type of reading or a kind of event)."""

    def find(messages: Session) -> int:
        wanted = f'"type":"{kind}"'.encode() if kind else b""
        places = [
            number
            for number, it in enumerate(messages)
            if it.topic.endswith("/" + channel) and wanted in it.payload.replace(b": ", b":")
        ]
        return places[nth]

    return find


def keys(channel: str, kind: str = "", nth: int = 0, **changes: object) -> Callable[[Session], Session]:
    """Change keys of one message's body; None takes a key out. Of readings, state and telemetry alike."""

    def spoil(messages: Session) -> Session:
        chosen = [at(channel, kind, nth)(messages)]
        if channel == "reading":
            chosen = [at("telemetry", kind)(messages), at("state", kind)(messages)]
        found = list(messages)
        for number in chosen:
            body = json.loads(found[number].payload)
            for key, value in changes.items():
                name = key.removesuffix("_")
                if value is None:
                    body.pop(name)
                else:
                    body[name] = value
            found[number] = replace(found[number], payload=json.dumps(body).encode())
        return found

    return spoil


def both(kind: str, **changes: object) -> Callable[[Session], Session]:
    """Change keys of a reading wherever it stands, as telemetry and as state."""
    return lambda messages: keys("state", kind, **changes)(keys("telemetry", kind, **changes)(messages))


def flags(channel: str, kind: str = "", **changes: object) -> Callable[[Session], Session]:
    """Change the message itself: topic, payload, qos or retain."""

    def spoil(messages: Session) -> Session:
        found = list(messages)
        number = at(channel, kind)(messages)
        found[number] = replace(found[number], **changes)
        return found

    return spoil


def without(*topics: str) -> Callable[[Session], Session]:
    return lambda messages: [it for it in messages if it.topic not in topics]


def then(*more: Heard) -> Callable[[Session], Session]:
    return lambda messages: [*messages, *more]


def again(channel: str, kind: str = "", **changes: object) -> Callable[[Session], Session]:
    """Say a message once more with other keys, and only there."""

    def spoil(messages: Session) -> Session:
        first = messages[at(channel, kind)(messages)]
        body = json.loads(first.payload) | {key.removesuffix("_"): value for key, value in changes.items()}
        return [*messages, replace(first, payload=json.dumps(body).encode(), at_ns=NOON + 151 * S)]

    return spoil


def reading(kind: str, seq: int, after_s: float, **more: object) -> Heard:
    """A live reading of a type's example asset."""
    body = json.loads(encode(examples.readings()[kind])) | {
        "seq": seq,
        "ts": from_ns(NOON + round(after_s * S)),
    }
    topic = f"{examples.PLACE}/{examples.asset_of(kind)}/telemetry"
    return heard(topic, json.dumps(body | more).encode(), after_s + 1)
