"""Bodies of the feed: readings by type, event, meta, custody. Names are FIWARE's, units UN/CEFACT codes."""

import re
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.feed.errors import FeedError
from gateway.feed.kinds import kind_schema

NAME = "^[a-z0-9-]{1,64}$"
Name = Annotated[str, msgspec.Meta(pattern=NAME)]
OfReading = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": NAME})]
"""A Name that `decode_reading` looks at itself: it knows those of late, and all else took half its time."""
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)] | UnsetType
Number = float | UnsetType
Body = TypeVar("Body", bound=Struct)
QualityWord = Literal["good", "uncertain", "bad"]
PowerState = Literal["on", "off", "low"]
TIME = r"^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$"
_TIME_RULE = {"format": "date-time", "pattern": TIME, "examples": ["2026-11-23T05:40:00.000Z"]}
Time = Annotated[str, msgspec.Meta(extra_json_schema=_TIME_RULE)]
PAIRS = r"^[A-Za-z][A-Za-z0-9]*:[a-z][a-z0-9-]*( [A-Za-z][A-Za-z0-9]*:[a-z][a-z0-9-]*)*$"
RAW = r"^[A-Za-z][A-Za-z0-9]*=-?[0-9.]+(e[-+]?[0-9]+)?( [A-Za-z][A-Za-z0-9]*=-?[0-9.]+(e[-+]?[0-9]+)?)*$"


class Reading(Struct, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every telemetry and state body carries; `ts` is the time of observation.

    `raw` has, as "field=number field=number", the values before calibration, to compute them anew.
    """

    domain: ClassVar[str]
    units: ClassVar[dict[str, str]] = {}

    v: Literal[1]
    ts: Time
    gw: OfReading
    ep: OfReading
    seq: Seq
    q: QualityWord
    qr: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": PAIRS})] | UnsetType = UNSET
    hist: bool | UnsetType = UNSET
    raw: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": RAW})] | UnsetType = UNSET


class WasteContainer(Reading, tag=True):
    """A bin."""

    domain = "waste"
    units: ClassVar = {"fillingLevel": "C62", "cargoWeight": "KGM", "temperature": "CEL"}

    fillingLevel: Share = UNSET
    cargoWeight: Number = UNSET
    temperature: Number = UNSET
    status: Literal["ok", "lidOpen", "burning", "moved", "unknown"] | UnsetType = UNSET


class WasteObserved(Reading, tag=True):
    """One weighing on a weighbridge."""

    domain = "waste"
    units: ClassVar = {"weight": "KGM", "grossWeight": "KGM", "tareWeight": "KGM"}

    weight: Number = UNSET
    grossWeight: Number = UNSET
    tareWeight: Number = UNSET


class WaterQualityObserved(Reading, tag=True):
    """Water quality at one point of a water works."""

    domain = "water"
    units: ClassVar = {
        "pH": "Q30",
        "turbidity": "NTU",
        "freeChlorine": "M1",
        "conductivity": "G42",
        "tds": "M1",
        "temperature": "CEL",
    }

    pH: Number = UNSET
    turbidity: Number = UNSET
    freeChlorine: Number = UNSET
    conductivity: Number = UNSET
    tds: Number = UNSET
    temperature: Number = UNSET


class WaterDistributionNetwork(Reading, tag=True):
    """Level, pressure and flow of a water network.

    `nightFlow` is the mean flow from two to four of the last night, `leakFlow` what of it is above the usual.
    """

    domain = "water"
    units: ClassVar = {
        "waterLevel": "MTR",
        "waterPressure": "KPA",
        "waterFlow": "MQH",
        "nightFlow": "MQH",
        "leakFlow": "MQH",
    }

    waterLevel: Number = UNSET
    waterPressure: Number = UNSET
    waterFlow: Number = UNSET
    nightFlow: Number = UNSET
    leakFlow: Number = UNSET


class WaterConsumptionObserved(Reading, tag=True):
    """The counter of a water meter."""

    domain = "water"
    units: ClassVar = {"waterConsumption": "MTQ"}

    waterConsumption: Number = UNSET


class Streetlight(Reading, tag=True):
    """One lamp."""

    domain = "lighting"
    units: ClassVar = {
        "illuminanceLevel": "C62",
        "powerConsumption": "WTT",
        "voltage": "VLT",
        "current": "AMP",
        "powerFactor": "C62",
    }

    powerState: PowerState | UnsetType = UNSET
    status: (
        Literal["ok", "defectiveLamp", "columnIssue", "brokenLantern", "dayBurner", "unknown"] | UnsetType
    ) = UNSET
    illuminanceLevel: Share = UNSET
    powerConsumption: Number = UNSET
    voltage: Number = UNSET
    current: Number = UNSET
    powerFactor: Number = UNSET


class StreetlightControlCabinet(Reading, tag=True):
    """The cabinet that feeds and switches a group of lamps.

    `lampsFailed` is how many of them draw nothing, by the feeder's power against its own baseline.
    """

    domain = "lighting"
    units: ClassVar = {
        "energyConsumed": "KWH",
        "totalActivePower": "KWT",
        "voltageR": "VLT",
        "voltageS": "VLT",
        "voltageT": "VLT",
        "intensityR": "AMP",
        "intensityS": "AMP",
        "intensityT": "AMP",
        "cosPhi": "C62",
        "illuminance": "LUX",
        "burningHours": "HUR",
        "lampsFailed": "C62",
    }

    energyConsumed: Number = UNSET
    totalActivePower: Number = UNSET
    voltageR: Number = UNSET
    voltageS: Number = UNSET
    voltageT: Number = UNSET
    intensityR: Number = UNSET
    intensityS: Number = UNSET
    intensityT: Number = UNSET
    cosPhi: Number = UNSET
    powerState: PowerState | UnsetType = UNSET
    status: Literal["ok", "defectiveLamp", "dayBurner", "tripped", "unknown"] | UnsetType = UNSET
    illuminance: Number = UNSET
    doorOpen: bool | UnsetType = UNSET
    burningHours: Number = UNSET
    lampsFailed: Annotated[int, msgspec.Meta(ge=0)] | UnsetType = UNSET


class Device(Reading, tag=True):
    """The node itself.

    `underVoltage` is that its supply is too weak now, `cardWear` how much of its card's life is used up.
    """

    domain = "gateway"
    units: ClassVar = {
        "batteryLevel": "P1",
        "rssi": "DBM",
        "cpuTemperature": "CEL",
        "diskFree": "E34",
        "spoolOldestAge": "SEC",
        "certificateDaysLeft": "DAY",
        "cardWear": "C62",
    }

    batteryLevel: Number = UNSET
    rssi: Number = UNSET
    cpuTemperature: Number = UNSET
    diskFree: Number = UNSET
    spoolDepth: int | UnsetType = UNSET
    spoolOldestAge: Number = UNSET
    clockState: Literal["synced", "holdover", "unset"] | UnsetType = UNSET
    certificateDaysLeft: Number = UNSET
    underVoltage: bool | UnsetType = UNSET
    cardWear: Annotated[float, msgspec.Meta(ge=0, le=1)] | UnsetType = UNSET


_ALL = (
    WasteContainer,
    WasteObserved,
    WaterQualityObserved,
    WaterDistributionNetwork,
    WaterConsumptionObserved,
    Streetlight,
    StreetlightControlCabinet,
    Device,
)
TYPES: dict[str, type[Reading]] = {kind.__name__: kind for kind in _ALL}


class Event(Struct, kw_only=True, omit_defaults=True):
    """An alarm raised or cleared, or a `gap`: readings `from` to `to` that the node had to drop.

    A `gap` without numbers is a stretch of time in which none was taken, between `after` and `before`.
    """

    v: Literal[1]
    id: str
    type: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9]{0,39}$", extra_json_schema=kind_schema())]
    ts: Time
    gw: Name
    ep: Name
    seq: Seq
    severity: Literal["info", "warning", "critical"] = "info"
    state: Literal["raised", "cleared"] = "raised"
    field: str | UnsetType = UNSET
    value: float | bool | str | UnsetType = UNSET
    limit: float | UnsetType = UNSET
    first: Seq | UnsetType = msgspec.field(default=UNSET, name="from")
    last: Seq | UnsetType = msgspec.field(default=UNSET, name="to")
    reason: str | UnsetType = UNSET
    after: Time | UnsetType = UNSET
    before: Time | UnsetType = UNSET


class Location(Struct, frozen=True):
    """Where an asset stands, in degrees (WGS 84)."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]


class Meta(Struct, kw_only=True, omit_defaults=True):
    """What an asset is. `interval` and `staleAfter` are seconds; units are UN/CEFACT codes a field.

    A node's own meta also says, as `held`, the lowest seq of spool `ep` that it can still send:
    what is below will never come, and custody need not wait for it.
    """

    v: Literal[1]
    type: str
    id: Name
    name: str
    gw: Name
    interval: float
    staleAfter: float
    location: Location | UnsetType = UNSET
    units: dict[str, str] = {}
    limits: dict[str, list[float]] = {}
    ep: Name | UnsetType = UNSET
    held: Seq | UnsetType = UNSET


class Custody(Struct, kw_only=True):
    """Every reading and event of gw's spool ep up to and including seq is committed at the edge."""

    v: Literal[1]
    gw: Name
    ep: Name
    seq: Seq


_encoder = msgspec.json.Encoder()
_readings = msgspec.json.Decoder(
    WasteContainer
    | WasteObserved
    | WaterQualityObserved
    | WaterDistributionNetwork
    | WaterConsumptionObserved
    | Streetlight
    | StreetlightControlCabinet
    | Device
)
_decoders: dict[type[Struct], msgspec.json.Decoder[Any]] = {}


def encode(body: Struct) -> bytes:
    """Write a body as the feed's JSON."""
    return _encoder.encode(body)


def decode_reading(data: bytes) -> Reading:
    """Read a telemetry or state body; raise FeedError that names the key and what would be right."""
    try:
        body = cast("Reading", _readings.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FeedError(f"not a reading of ntm/v1: {error}") from None
    if _is_name(body.gw) and _is_name(body.ep):
        return body
    key = "ep" if _is_name(body.gw) else "gw"
    raise FeedError(f"not a reading of ntm/v1: {getattr(body, key)[:100]!r} is not {NAME} - at `$.{key}`")


@lru_cache(maxsize=4096)
def _is_name(text: str) -> bool:
    return re.fullmatch(NAME, text) is not None


def decode_event(data: bytes) -> Event:
    """Read an event body; raise FeedError that names the key and what would be right."""
    return decode(data, Event)


def decode(data: bytes, kind: type[Body]) -> Body:
    """Read a body of the given type; raise FeedError that names the key and what would be right."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        return cast("Body", decoder.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FeedError(f"not a {kind.__name__.lower()} of ntm/v1: {error}") from None
