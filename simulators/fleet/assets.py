"""What the assets of a fleet's commune say: cheap functions of time, plausible enough to look at."""

import math
from dataclasses import dataclass

import msgspec

from gateway.feed import TYPES, Meta, from_ns
from gateway.feed.bodies import Location
from sensors.sample import Observation, Quality, Value
from simulators.worlds.sun import DAY_S, LATITUDE, LONGITUDE, UTC_OFFSET_S

DOUBTFUL_EVERY = 97  # one reading in so many finds a lid open: consumers must meet uncertain ones
_KINDS = (
    ("bin", "WasteContainer", "Thùng rác", 0.8),
    ("cabinet", "StreetlightControlCabinet", "Tủ điện chiếu sáng", 0.14),
    ("quality", "WaterQualityObserved", "Chất lượng nước", 0.03),
    ("network", "WaterDistributionNetwork", "Mạng cấp nước", 0.02),
    ("meter", "WaterConsumptionObserved", "Đồng hồ tổng", 0.01),
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset: its name and type, and `phase` (0..1), which sets it apart from others of its type."""

    name: str
    type: str
    label: str
    phase: float

    @property
    def path(self) -> str:
        """Return domain/asset, as in topics."""
        return f"{TYPES[self.type].domain}/{self.name}"

    def meta(self, gw: str, every_s: float) -> Meta:
        """Return what the asset is, for its retained message."""
        where = Location(round(LATITUDE + 0.05 * self.phase, 5), round(LONGITUDE + 0.05 * self.phase, 5))
        units = dict(TYPES[self.type].units)
        return Meta(
            v=1,
            type=self.type,
            id=self.name,
            name=self.label,
            gw=gw,
            interval=every_s,
            staleAfter=3 * every_s,
            location=where,
            units=units,
        )

    def observe(self, unix_s: float, *, doubtful: bool) -> Observation:
        """Return what it says at a moment; when doubtful, a bin's lid is open."""
        fields = _FIELDS[self.type]((unix_s + UTC_OFFSET_S) / DAY_S, self.phase)
        if doubtful and "fillingLevel" in fields:
            return Observation(fields, Quality.UNCERTAIN, {"fillingLevel": "lid-open"})
        return Observation(fields)


def marks(seen: Observation) -> dict[str, Value]:
    """Return `q` and `qr` as bodies and points carry them."""
    found: dict[str, Value] = {"q": seen.quality.word}
    if seen.reasons:
        found["qr"] = " ".join(f"{field}:{reason}" for field, reason in sorted(seen.reasons.items()))
    return found


def body(asset: Asset, ts_ns: int, identity: tuple[str, str, int], seen: Observation) -> bytes:
    """Write the telemetry body of a reading; identity is gw, ep and seq."""
    gw, ep, seq = identity
    head: dict[str, Value] = {
        "v": 1,
        "type": asset.type,
        "ts": from_ns(ts_ns),
        "gw": gw,
        "ep": ep,
        "seq": seq,
    }
    return msgspec.json.encode({**head, **marks(seen), **seen.fields})


def commune_assets(gw: str, count: int) -> list[Asset]:
    """Return `count` assets of one commune: the node itself first, then mostly bins."""
    shares = [round(share * count) for *_, share in _KINDS]
    shares[0] = count - 1 - sum(shares[1:])
    found = [Asset(gw, "Device", f"Trạm đo {gw}", 0.0)]
    for number, (prefix, type_name, label, _) in zip(shares, _KINDS, strict=True):
        found += [
            Asset(f"{prefix}-{each:04}", type_name, f"{label} {each:04}", (each * 0.618) % 1)
            for each in range(1, number + 1)
        ]
    return found[:count]


def _bin(days: float, phase: float) -> dict[str, Value]:
    level = (days / 2 + phase) % 1 * (0.6 + 0.5 * phase)  # emptied every other day, some too late
    return {"fillingLevel": round(min(level, 1.0), 3), "status": "ok"}


def _cabinet(days: float, phase: float) -> dict[str, Value]:
    hour = days % 1 * 24
    lit = not 5.6 <= hour < 18.2
    volts = 230 + 3 * math.sin(days * 40 + phase * 6)
    watts = (1200 + 300 * phase) if lit else 0.0
    return {
        "voltageR": round(volts, 1),
        "intensityR": round(watts / volts / 0.95, 3),
        "totalActivePower": round(watts / 1000, 4),
        "energyConsumed": round(1000 * phase + days * 11.4 * (1.2 + 0.3 * phase), 3),
        "powerState": "on" if lit else "off",
        "doorOpen": False,
    }


def _quality(days: float, phase: float) -> dict[str, Value]:
    wave = math.sin(days * 6.28 + phase * 6.28)
    return {
        "pH": round(7.2 + 0.1 * wave, 2),
        "turbidity": round(0.6 + 0.2 * wave, 2),
        "freeChlorine": round(0.5 - 0.1 * wave, 3),
        "temperature": round(26 + wave, 1),
    }


def _network(days: float, phase: float) -> dict[str, Value]:
    flow = 8 + 5 * math.sin(days * 12.57 + phase)
    return {
        "waterFlow": round(flow, 2),
        "waterPressure": round(270 - 2 * flow, 1),
        "waterLevel": round(2.8 + 0.8 * math.sin(days * 9 + phase), 2),
    }


def _meter(days: float, phase: float) -> dict[str, Value]:
    return {"waterConsumption": round(1e4 * phase + days * 240, 2)}


def _device(days: float, phase: float) -> dict[str, Value]:
    return {"cpuTemperature": round(48 + 4 * math.sin(days * 6.28 + phase), 1), "clockState": "synced"}


_FIELDS = {
    "WasteContainer": _bin,
    "StreetlightControlCabinet": _cabinet,
    "WaterQualityObserved": _quality,
    "WaterDistributionNetwork": _network,
    "WaterConsumptionObserved": _meter,
    "Device": _device,
}
