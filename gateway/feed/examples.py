"""One message of each kind, made by the code that makes all of them; documents and tests show these."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.feed.bodies import TYPES, Custody, Event, Meta
from gateway.feed.commands import Ack, Command

TS = "2026-11-23T05:40:00.000Z"
PLACE = "ntm/v1/42/18562"
_NODE = {"v": 1, "gw": "gw-01", "ep": "7f3a9c"}

_ASSETS: dict[str, tuple[str, dict[str, Any]]] = {
    "WasteContainer": ("bin-0007", {"fillingLevel": 0.73, "temperature": 31.4, "status": "ok"}),
    "WasteObserved": ("bridge-1", {"weight": 1240.0, "grossWeight": 5440.0, "tareWeight": 4200.0}),
    "WaterQualityObserved": (
        "works-1-quality",
        {"pH": 7.2, "turbidity": 0.6, "freeChlorine": 0.5, "temperature": 26.1, "raw": "pH=7.31"},
    ),
    "WaterDistributionNetwork": ("works-1", {"waterLevel": 2.85, "waterFlow": 4.54}),
    "WaterConsumptionObserved": ("meter-12", {"waterConsumption": 1590.25}),
    "Streetlight": ("lamp-031", {"powerState": "on", "status": "ok", "powerConsumption": 75.2}),
    "StreetlightControlCabinet": (
        "cabinet-2",
        {
            "energyConsumed": 2290.32,
            "totalActivePower": 1.44,
            "voltageR": 231.6,
            "intensityR": 6.55,
            "cosPhi": 0.95,
            "powerState": "on",
            "illuminance": 0.0,
            "doorOpen": False,
        },
    ),
    "Device": (
        "gw-01",
        {
            "cpuTemperature": 37.0,
            "diskFree": 84.4,
            "spoolDepth": 2,
            "spoolOldestAge": 6.0,
            "clockState": "synced",
        },
    ),
}


def asset_of(kind: str) -> str:
    """Return the asset's part of a topic, domain/asset, in the example of a reading's type."""
    return f"{TYPES[kind].domain}/{_ASSETS[kind][0]}"


def readings() -> dict[str, Struct]:
    """Return one good reading of each type, numbered from 184467 on, for telemetry or state."""
    found: dict[str, Struct] = {}
    for number, (kind, (_, fields)) in enumerate(_ASSETS.items(), 184_467):
        body = {**_NODE, "type": kind, "ts": TS, "seq": number, "q": "good", **fields}
        found[kind] = msgspec.convert(body, TYPES[kind])
    return found


def doubtful() -> Struct:
    """Return a reading that says why it has no value, and came late."""
    body = {**_NODE, "type": "WasteContainer", "ts": "2026-11-23T05:20:00.000Z", "seq": 184_475, "q": "bad"}
    more = {"status": "unknown", "qr": "fillingLevel:no-echo", "hist": True}
    return msgspec.convert({**body, **more}, TYPES["WasteContainer"])


def events() -> dict[str, Event]:
    """Return an alarm raised, the same one cleared, a gap in the numbers and one in time."""
    full = {"id": "bin-0007-full-12", "type": "binFull", "field": "fillingLevel", "limit": 0.9}
    return {
        "raised": msgspec.convert(
            {
                **_NODE,
                **full,
                "ts": "2026-11-23T05:41:00.000Z",
                "seq": 184_476,
                "severity": "warning",
                "value": 0.91,
            },
            Event,
        ),
        "cleared": msgspec.convert(
            {
                **_NODE,
                **full,
                "ts": "2026-11-23T09:12:00.000Z",
                "seq": 184_520,
                "severity": "warning",
                "state": "cleared",
                "value": 0.05,
            },
            Event,
        ),
        "gap": msgspec.convert(
            {
                **_NODE,
                "id": "gap-184000",
                "type": "gap",
                "ts": "2026-11-23T05:42:00.000Z",
                "seq": 184_477,
                "from": 184_000,
                "to": 184_010,
                "reason": "quota",
            },
            Event,
        ),
        "absence": msgspec.convert(
            {
                **_NODE,
                "id": "gap-7f3a9c-1795400160000",
                "type": "gap",
                "ts": "2026-11-23T05:42:05.000Z",
                "seq": 184_478,
                "severity": "warning",
                "after": "2026-11-23T02:16:00.000Z",
                "before": "2026-11-23T04:05:30.000Z",
                "reason": "power",
            },
            Event,
        ),
    }


def meta(kind: str) -> Meta:
    """Return the meta of a type's example asset; the node's own also says where its spool stands."""
    body: dict[str, Any] = {
        "v": 1,
        "type": kind,
        "id": _ASSETS[kind][0],
        "name": {"WasteContainer": "Chợ Thạch Hà, cổng đông"}.get(kind, _ASSETS[kind][0]),
        "gw": "gw-01",
        "interval": 300.0,
        "staleAfter": 900.0,
        "units": dict(TYPES[kind].units),
    }
    if kind == "WasteContainer":
        body |= {"location": {"lat": 18.34, "lon": 105.91}, "limits": {"fillingLevel": [0.0, 0.9]}}
    if kind == "Device":
        body |= {"interval": 60.0, "staleAfter": 180.0, "ep": "7f3a9c", "held": 184_460}
    return msgspec.convert(body, Meta)


def command() -> Command:
    """Return a command that puts the lamps of a cabinet out."""
    return Command(
        v=1,
        id="c-20261123-0001",
        powerState="off",
        expires="2026-11-23T05:45:00.000Z",
        ts=TS,
        by="operator-3",
    )


def ack() -> Ack:
    """Return the answer to that command."""
    return Ack(
        v=1,
        id="c-20261123-0001",
        ts="2026-11-23T05:40:01.210Z",
        gw="gw-01",
        outcome="done",
        powerState="off",
    )


def custody() -> Custody:
    """Return an edge's word on how far it has everything of the node."""
    return Custody(v=1, gw="gw-01", ep="7f3a9c", seq=184_470)


def by_name() -> dict[str, list[Struct]]:
    """Return the examples of each kind of body by the body's name."""
    return {
        **{kind: [body] for kind, body in readings().items()},
        "Event": list(events().values()),
        "Meta": [meta("WasteContainer"), meta("Device")],
        "Custody": [custody()],
        "Command": [command()],
        "Ack": [ack()],
    }
