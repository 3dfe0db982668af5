"""The kinds of events: a bounded set, because each becomes a tag value in the database."""

from types import MappingProxyType
from typing import Any

KINDS = MappingProxyType(
    {
        "binFull": "a bin is full",
        "binOverflow": "a bin is so full that waste falls beside it",
        "fire": "a bin burns",
        "lidOpen": "a lid stands open",
        "moved": "a bin is not where it stood",
        "leak": "water leaves the network and no one draws it",
        "tankLow": "a tank is nearly empty",
        "tankHigh": "a tank runs over soon",
        "limit": "a value is outside its limits: `field`, `value`, `limit`",
        "lampFailed": "a lamp or a string of lamps does not burn",
        "dayBurner": "lamps burn by day",
        "doorOpen": "the door of a cabinet stands open",
        "sensorFault": "a sensor gives no good value: `field`, `reason`",
        "power": "the Pi's supply is too weak, or is gone",
        "disk": "the disk of the Pi is nearly full, or fails",
        "cardWorn": "the memory card of the Pi is nearly used up",
        "temperature": "the Pi is too hot",
        "clock": "the clock is not set, or has lost its source",
        "certificate": "a certificate runs out soon",
        "flapping": "an alarm came and went so often that it is held back: `field` names its kind",
        "gap": "readings `from` to `to` were given up, or none was taken between `after` and `before`;"
        " `reason` says why; it is never cleared",
    }
)
"""Each kind with what it says while it is raised."""

ONCE = frozenset({"gap"})
"""Kinds that tell a fact of the past and are never cleared."""


def kind_schema() -> dict[str, Any]:
    """Return what a JSON Schema says of an event's type beside its pattern."""
    return {"enum": sorted(KINDS)}
