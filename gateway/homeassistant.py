"""Tells a Home Assistant on the node's own broker what there is (MQTT discovery), if it is wanted."""

import json
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from gateway.feed import TYPES, Meta, Reading
from gateway.feed.words import FIELDS
from sensors.settings import Settings
from sensors.text import translator

if TYPE_CHECKING:
    from gateway.journal import Entry  # it knows the configuration, of which a table stands here
    from gateway.shown import Identity
    from gateway.spool import Spool

NOTE = "homeassistant"
"""Key of the spool's note: what was announced under which prefix, so that it can be taken back."""

# Unit of measurement and device class for each UN/CEFACT code; Home Assistant's "Sensor entity".
_UNITS: dict[str, tuple[str | None, str | None]] = {
    "CEL": ("°C", "temperature"),
    "KGM": ("kg", "weight"),
    "Q30": (None, "ph"),
    "NTU": ("NTU", None),
    "M1": ("mg/L", None),
    "G42": ("µS/cm", "conductivity"),
    "MTR": ("m", "distance"),
    "KPA": ("kPa", "pressure"),
    "MQH": ("m³/h", "volume_flow_rate"),
    "MTQ": ("m³", "water"),
    "WTT": ("W", "power"),
    "VLT": ("V", "voltage"),
    "AMP": ("A", "current"),
    "KWH": ("kWh", "energy"),
    "KWT": ("kW", "power"),
    "LUX": ("lx", "illuminance"),
    "P1": ("%", "battery"),
    "DBM": ("dBm", "signal_strength"),
    "E34": ("GB", "data_size"),
    "SEC": ("s", "duration"),
    "DAY": ("d", "duration"),
    "HUR": ("h", "duration"),
}
_SHARES = frozenset({"fillingLevel", "illuminanceLevel", "cardWear"})
_FACTORS = frozenset({"powerFactor", "cosPhi"})
_COUNTERS = frozenset({"waterConsumption", "energyConsumed"})
_YES_OR_NO = {"doorOpen": "door", "underVoltage": "problem"}
_HEAD = frozenset(Reading.__struct_fields__)


class HomeAssistant(Settings, frozen=True):
    """Table [homeassistant]: whether sensors are announced, under which prefix, in which language."""

    enabled: bool = False
    prefix: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] = "homeassistant"
    lang: Literal["vi", "en"] = "vi"


class Announcer:
    """Announces each field of an asset once it was measured, and takes back what is wanted no more."""

    def __init__(
        self,
        settings: HomeAssistant,
        identity: "Identity",
        metas: Sequence[tuple[str, Meta]],
        spool: "Spool",
        put: Callable[[str, bytes], None],
    ) -> None:
        """Say again or take back what was announced before; `put` gets a topic that begins with /."""
        self._settings = settings
        self._identity = identity
        self._metas = {path.removesuffix("/meta"): meta for path, meta in metas}
        self._spool = spool
        self._put = put
        self._lock = threading.Lock()
        # Nothing is ever taken out of it: the broker may have been away while something was taken back.
        self._known = _read(spool.note(NOTE))
        for prefix, places in self._known.items():
            for place in places:
                self._put(f"/{self._topic(prefix, place)}", b"")
        if settings.enabled:
            ours = self._known.get(settings.prefix, set())
            self._announce([place for place in sorted(ours) if self._has(place)])

    def committed(self, entries: "Sequence[Entry]") -> None:
        """Announce the fields that are seen for the first time; called after a commit."""
        if not self._settings.enabled:
            return
        seen = {
            f"{entry.path.removesuffix('/telemetry')}/{field}"
            for entry in entries
            if isinstance(entry.body, Reading)
            for field in ("fault", *_measured(entry.body))
        }
        with self._lock:
            new = sorted(seen - self._known.get(self._settings.prefix, set()))
            if new:
                self._announce([place for place in new if self._has(place)])

    def _has(self, place: str) -> bool:
        asset, _, field = place.rpartition("/")
        meta = self._metas.get(asset)
        return meta is not None and (field == "fault" or field in TYPES[meta.type].__struct_fields__)

    def _announce(self, places: list[str]) -> None:
        prefix = self._settings.prefix
        if not places:
            return
        for place in places:
            asset, _, field = place.rpartition("/")
            body = entity(self._identity, asset, self._metas[asset], field, self._settings.lang)
            self._put(f"/{self._topic(prefix, place)}", json.dumps(body, ensure_ascii=False).encode())
        self._known.setdefault(prefix, set()).update(places)
        self._spool.set_notes({NOTE: json.dumps({key: sorted(known) for key, known in self._known.items()})})

    def _topic(self, prefix: str, place: str) -> str:
        """Return {prefix}/{component}/{node}/{object}/config, as MQTT discovery wants it."""
        asset, _, field = place.rpartition("/")
        node = f"commune-{self._identity.commune}-{self._identity.gw}"
        return f"{prefix}/{component(field)}/{node}/{asset.rpartition('/')[2]}-{field}/config"


def component(field: str) -> str:
    """Return which of Home Assistant's components a field is."""
    return "binary_sensor" if field in _YES_OR_NO or field == "fault" else "sensor"


def entity(identity: "Identity", asset: str, meta: Meta, field: str, lang: str = "vi") -> dict[str, Any]:
    """Return the discovery body of one field of an asset (domain/id), or of its fault.

    The asset is available while neither it nor its node is offline; a field that is left out is unknown.
    """
    _ = translator(lang)
    place = f"{identity.province}-{identity.commune}"
    statuses = [identity.topic(f"{asset}/status"), identity.own("status")]
    device: dict[str, Any] = {
        "identifiers": [f"ntm-{place}-{meta.id}"],
        "name": meta.name,
        "manufacturer": "commune",
        "model": meta.type,
    }
    if meta.id != identity.gw:
        device["via_device"] = f"ntm-{place}-{identity.gw}"
    body: dict[str, Any] = {
        "name": _(FIELDS[field]) if field in FIELDS else _("Fault"),
        "unique_id": f"ntm-{place}-{meta.id}-{field}",
        "state_topic": identity.topic(f"{asset}/{'status' if field == 'fault' else 'state'}"),
        "qos": 1,
        "availability_mode": "all",
        "availability": [
            {"topic": topic, "value_template": "{{ 'offline' if value == 'offline' else 'online' }}"}
            for topic in dict.fromkeys(statuses)
        ],
        "device": device,
        "origin": {"name": "commune", "sw_version": version("commune")},
    }
    if field == "fault":
        return body | {
            "device_class": "problem",
            "entity_category": "diagnostic",
            "payload_on": "fault",
            "payload_off": "online",
        }
    body |= {"expire_after": max(ceil(meta.staleAfter), 1), **_kind(meta.type, field)}
    if meta.type == "Device":
        body["entity_category"] = "diagnostic"
    return body


def _kind(kind: str, field: str) -> dict[str, Any]:
    """Return device class, unit, state class and template of a field, each pair one that is permitted."""
    value = f"value_json.{field}"
    plain = f"{{{{ {value} | default('None') }}}}"
    if field in _YES_OR_NO:
        said = f"{{{{ ('ON' if {value} else 'OFF') if {value} is defined else 'None' }}}}"
        return {"device_class": _YES_OR_NO[field], "value_template": said}
    if field in _SHARES:
        share = f"{{{{ ({value} * 100) | round(1) if {value} is defined else 'None' }}}}"
        return {"unit_of_measurement": "%", "state_class": "measurement", "value_template": share}
    words = _words(kind, field)
    if words:
        return {"device_class": "enum", "options": words, "value_template": plain}
    found: dict[str, Any] = {"value_template": plain}
    code = TYPES[kind].units.get(field)
    unit, device_class = (None, "power_factor") if field in _FACTORS else _UNITS.get(code or "", (None, None))
    if unit:
        found["unit_of_measurement"] = unit
    if device_class:
        found["device_class"] = device_class
    found["state_class"] = "total_increasing" if field in _COUNTERS else "measurement"
    return found


def _words(kind: str, field: str) -> list[str]:
    """Return the words that a field may say; none when it is a number."""
    declared = next(each for each in msgspec.structs.fields(TYPES[kind]) if each.name == field)
    for part in getattr(msgspec.inspect.type_info(declared.type), "types", ()):
        if isinstance(part, msgspec.inspect.LiteralType):
            return [str(word) for word in part.values]
    return []


def _measured(body: Reading) -> list[str]:
    return [
        field
        for field in body.__struct_fields__
        if field not in _HEAD and getattr(body, field) is not msgspec.UNSET
    ]


def _read(note: str) -> dict[str, set[str]]:
    """Read what was announced before; a note that cannot be read costs only that it is not taken back."""
    try:
        return {
            key: set(places) for key, places in msgspec.json.decode(note, type=dict[str, list[str]]).items()
        }
    except msgspec.DecodeError:
        return {}
