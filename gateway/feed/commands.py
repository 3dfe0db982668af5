"""Bodies of `cmd` and `ack`: what a lamp cabinet is told, and what became of it. Lighting only."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.feed.bodies import Name, PowerState, Share, Time

CommandId = Annotated[
    str,
    msgspec.Meta(
        pattern="^[A-Za-z0-9._-]{1,64}$",
        description="Chosen by the sender, never used again: a repetition is refused.",
    ),
]
Outcome = Literal["done", "refused", "failed"]

REFUSALS = (
    "expired",
    "replayed",
    "retained",
    "not-permitted",
    "malformed",
    "wrong-asset",
    "unsupported",
    "clock",
)
"""Reasons of `refused`: nothing was switched. `clock`: the node's clock is not set, so no expiry counts."""
FAILURES = ("no-comm", "no-feedback", "fault")
"""Reasons of `failed`: it was tried, and the lamps are not known to have followed."""


class Command(Struct, kw_only=True, omit_defaults=True):
    """One command, on `cmd` of the lamp or cabinet, QoS 1, never retained.

    `set` holds what `powerState` or `illuminanceLevel` says until `until`, or, without it, until the local
    schedule switches next; `auto` gives the lamps back to the schedule at once. It is refused when it comes
    after `expires`, when its `id` was seen before, and when `asset` is given and is not that of the topic.
    """

    v: Literal[1]
    id: CommandId
    action: Literal["set", "auto"] = "set"
    powerState: PowerState | UnsetType = UNSET
    illuminanceLevel: Share = UNSET
    until: Time | UnsetType = UNSET
    expires: Time
    ts: Time | UnsetType = UNSET
    asset: Name | UnsetType = UNSET
    by: Annotated[str, msgspec.Meta(max_length=64)] | UnsetType = UNSET


class Ack(Struct, kw_only=True, omit_defaults=True):
    """The answer to each command, on `ack` of the same asset, QoS 1, never retained; `id` is the command's.

    `done`: the lamps follow, by their feedback where there is one. `refused`: nothing was switched.
    `failed`: it was tried. When not done, `reason` says why. `powerState` is what holds now.
    """

    v: Literal[1]
    id: CommandId
    ts: Time
    gw: Name
    outcome: Outcome
    reason: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z-]{0,39}$")] | UnsetType = UNSET
    powerState: PowerState | UnsetType = UNSET
    illuminanceLevel: Share = UNSET
