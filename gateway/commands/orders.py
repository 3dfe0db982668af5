"""Whether a command may be carried out: read, checked, and refused with the feed's reason. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from gateway.commands.config import Action
from gateway.feed import Command, FeedError, to_ns
from gateway.feed.bodies import decode

LONGEST_NS = 86_400 * 1_000_000_000
"""A command must expire within a day: until then its id is remembered."""
MOST_IDS = 200
"""Commands remembered at a time; more in a day are no lamp's business."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Order:
    """What a command wants: lamps on or off, until a time or the schedule's next change; None is `auto`."""

    id: str
    by: str
    on: bool | None
    expires_ns: int
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is switched: a reason of the feed, and words. Without an id there is nobody to answer."""

    id: str | None
    reason: str
    words: str = ""
    by: str = ""


def judge(
    payload: bytes,
    asset: str,
    actions: Collection[Action],
    known: Mapping[str, int],
    now_ns: int | None,
    *,
    retained: bool,
) -> Order | Refusal:
    """Take a command apart. `now_ns` is None while the clock is not synchronised; `known` has expiries."""
    try:
        it = decode(payload, Command)
        by = it.by if isinstance(it.by, str) else ""
        expires_ns = to_ns(it.expires)
        until_ns = to_ns(it.until) if isinstance(it.until, str) else None
    except FeedError as error:
        return Refusal(_id_in(payload), "malformed", str(error)[:300])
    now, dimmed = now_ns or 0, isinstance(it.illuminanceLevel, float | int) or it.powerState == "low"
    checks = (
        (retained, "retained", "a command must not be retained"),
        (isinstance(it.asset, str) and it.asset != asset, "wrong-asset", f"it is for {it.asset}"),
        (dimmed, "unsupported", "these lamps are on or off, not dimmed"),
        (it.action == "set" and not isinstance(it.powerState, str), "malformed", "set without powerState"),
        (_action(it) not in actions, "not-permitted", f"{_action(it)} is not permitted here"),
        (now_ns is None, "clock", "the clock is not set, so no expiry counts"),
        (expires_ns <= now, "expired", f"at {it.expires}"),
        (expires_ns - now > LONGEST_NS, "malformed", "it must expire within a day"),
        (until_ns is not None and until_ns <= now, "malformed", "until is past"),
        (it.id in known, "replayed", "an id is used once"),
        (len(known) >= MOST_IDS, "not-permitted", f"more than {MOST_IDS} commands in a day"),
    )
    for hinders, reason, words in checks:
        if hinders:
            return Refusal(it.id, reason, words, by)
    on = None if it.action == "auto" else it.powerState == "on"
    return Order(it.id, by, on, expires_ns, until_ns)


def _action(it: Command) -> Action:
    if it.action == "auto":
        return "auto"
    return "on" if it.powerState == "on" else "off"


def _id_in(payload: bytes) -> str | None:
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    name = found.get("id") if isinstance(found, dict) else None
    return name if isinstance(name, str) and _ID.fullmatch(name) else None
