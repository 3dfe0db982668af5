"""Home Assistant takes only what keeps to its rules; what it was told can be taken back.

The rules are those of its documentation ("MQTT discovery", "MQTT sensor", "MQTT binary sensor") and of
`sensor/const.py`: which units and state classes each device class may have.
"""

import json
import re

import jinja2
import pytest

from gateway.feed import TYPES, examples
from gateway.homeassistant import Announcer, HomeAssistant, component, entity
from gateway.journal import Entry
from gateway.shown import Identity
from gateway.spool import Spool
from tests.gateway.nodes import RealNode
from tests.parts.test_parts import hear_retained
from tests.parts.wait import until

ME = Identity("42", "18562", "gw-01", "7f3a9c")
TOPIC = re.compile(r"homeassistant/(sensor|binary_sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")
MEASUREMENT = {"measurement"}
TOTALS = {"total", "total_increasing"}
EVERY = MEASUREMENT | TOTALS
PERMITTED = {  # device class: units, state classes
    "temperature": ({"°C", "°F", "K"}, MEASUREMENT),
    "weight": ({"kg", "g", "mg", "µg", "t", "oz", "lb", "st"}, EVERY),
    "ph": ({None}, MEASUREMENT),
    "conductivity": ({"S/cm", "mS/cm", "µS/cm"}, MEASUREMENT),
    "distance": ({"mm", "cm", "m", "km", "in", "ft", "yd", "mi", "nmi"}, EVERY),
    "pressure": ({"Pa", "hPa", "kPa", "bar", "cbar", "mbar", "mmHg", "inHg", "psi"}, MEASUREMENT),
    "volume_flow_rate": ({"m³/h", "m³/s", "m³/min", "L/h", "L/min", "L/s", "mL/s"}, MEASUREMENT),
    "water": ({"m³", "L", "ft³", "CCF", "gal"}, TOTALS),
    "power": ({"W", "kW", "MW", "GW", "TW"}, MEASUREMENT),
    "voltage": ({"V", "mV", "µV", "kV", "MV"}, MEASUREMENT),
    "current": ({"A", "mA"}, MEASUREMENT),
    "energy": ({"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh"}, TOTALS),
    "power_factor": ({"%", None}, MEASUREMENT),
    "illuminance": ({"lx"}, MEASUREMENT),
    "battery": ({"%"}, MEASUREMENT),
    "signal_strength": ({"dB", "dBm"}, MEASUREMENT),
    "data_size": ({"B", "kB", "MB", "GB", "TB"}, EVERY),
    "duration": ({"d", "h", "min", "s", "ms"}, EVERY),
}
KEYS = {
    "name",
    "unique_id",
    "state_topic",
    "qos",
    "availability_mode",
    "availability",
    "device",
    "origin",
    "device_class",
    "entity_category",
    "value_template",
}
SENSOR_KEYS = KEYS | {"expire_after", "unit_of_measurement", "state_class", "options"}
BINARY_KEYS = KEYS | {"expire_after", "payload_on", "payload_off"}
FIELDS = [
    (kind, field)
    for kind, struct in TYPES.items()
    for field in ("fault", *struct.__struct_fields__)
    if field not in {"v", "ts", "gw", "ep", "seq", "q", "qr", "hist", "raw"}
]


def made(kind, field, lang="vi"):
    return entity(ME, examples.asset_of(kind), examples.meta(kind), field, lang)


def render(template, payload):
    """Render as Home Assistant does for a state: `value`, and `value_json` where it is JSON."""
    body = json.loads(payload) if payload.startswith("{") else None
    return jinja2.Environment(autoescape=False).from_string(template).render(value=payload, value_json=body)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_every_field_keeps_to_the_published_rules(kind, field):
    body = made(kind, field)
    assert set(body) <= (SENSOR_KEYS if component(field) == "sensor" else BINARY_KEYS)
    assert body["name"]
    assert body["device"]["identifiers"]
    assert body["origin"]["name"]
    device_class, unit, state_class = (
        body.get(key) for key in ("device_class", "unit_of_measurement", "state_class")
    )
    if component(field) == "binary_sensor":
        assert device_class in {"door", "problem"}
    elif device_class == "enum":
        assert body["options"]
        assert unit is None
        assert state_class is None
    else:
        assert "options" not in body
        units, states = PERMITTED.get(device_class, ({unit}, EVERY))
        assert unit in units
        assert state_class in states
    assert body.get("entity_category", "diagnostic") == "diagnostic"


def test_no_two_entities_have_one_unique_id():
    names = [made(kind, field)["unique_id"] for kind, field in FIELDS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", TYPES)
def test_templates_find_the_values_of_the_feed_and_none_where_there_is_none(kind):
    body = examples.readings()[kind]
    text = json.dumps({name: getattr(body, name) for name in body.__struct_fields__ if _is_set(body, name)})
    for field in [field for of, field in FIELDS if of == kind and field != "fault"]:
        template = made(kind, field)["value_template"]
        value = getattr(body, field) if _is_set(body, field) else None
        shown = render(template, text)
        if value is None:
            assert shown == "None"
        elif isinstance(value, bool):
            assert shown == ("ON" if value else "OFF")
        elif made(kind, field).get("unit_of_measurement") == "%" and field != "batteryLevel":
            assert float(shown) == pytest.approx(value * 100)
        else:
            assert shown == str(value)


def _is_set(body, name):
    return isinstance(getattr(body, name), int | float | str)


@pytest.mark.parametrize(
    ("status", "available"), [("online", "online"), ("fault", "online"), ("offline", "offline")]
)
def test_an_asset_with_a_fault_is_available_and_one_that_is_away_is_not(status, available):
    both = made("WasteContainer", "fillingLevel")["availability"]
    assert [it["topic"] for it in both] == [
        "ntm/v1/42/18562/waste/bin-0007/status",
        "ntm/v1/42/18562/gateway/gw-01/status",
    ]
    assert {render(it["value_template"], status) for it in both} == {available}


def test_names_are_vietnamese_unless_told_otherwise():
    assert made("WasteContainer", "fillingLevel", "en")["name"] == "Filling level"
    assert made("WasteContainer", "fillingLevel")["name"] != "Filling level"
    assert made("WasteContainer", "fault")["name"] == "Sự cố"


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "node.db", by_seq=True, keep_s=0)
    yield spool
    spool.close()


def announcer(spool, said, kinds=("WasteContainer", "Device"), **settings):
    metas = [(f"{examples.asset_of(kind)}/meta", examples.meta(kind)) for kind in kinds]
    return Announcer(HomeAssistant(**settings), ME, metas, spool, said.__setitem__)


def take(it, *kinds):
    it.committed(
        [Entry(f"{examples.asset_of(kind)}/telemetry", examples.readings()[kind], 0, 60.0) for kind in kinds]
    )


def test_what_was_measured_is_announced_once(spool):
    said = {}
    it = announcer(spool, said, enabled=True)
    assert said == {}
    take(it, "WasteContainer")
    assert sorted(topic.split("/")[-2] for topic in said) == [
        "bin-0007-fault",
        "bin-0007-fillingLevel",
        "bin-0007-status",
        "bin-0007-temperature",
    ]
    assert all(TOPIC.fullmatch(topic.removeprefix("/")) for topic in said)
    said.clear()
    take(it, "WasteContainer")
    assert said == {}


def test_it_is_off_by_default(spool):
    said = {}
    take(announcer(spool, said), "WasteContainer")
    assert said == {}
    assert spool.note("homeassistant") == ""


def test_after_a_restart_all_is_said_again_without_a_reading(spool):
    first, again = {}, {}
    take(announcer(spool, first, enabled=True), "WasteContainer", "Device")
    announcer(spool, again, enabled=True)
    assert again == first


def test_switched_off_all_is_taken_back_as_often_as_it_takes(spool):
    first = {}
    take(announcer(spool, first, enabled=True), "WasteContainer")
    for _ in range(2):
        said = {}
        announcer(spool, said)
        assert said == dict.fromkeys(first, b"")
    again = {}
    announcer(spool, again, enabled=True)
    assert again == first


def test_an_asset_that_is_gone_and_an_old_prefix_are_taken_back(spool):
    first, gone, moved = {}, {}, {}
    take(announcer(spool, first, enabled=True), "WasteContainer")
    announcer(spool, gone, ("Device",), enabled=True)
    assert gone == dict.fromkeys(first, b"")
    take(announcer(spool, first, enabled=True), "WasteContainer")
    announcer(spool, moved, enabled=True, prefix="ha")
    assert {topic: body for topic, body in moved.items() if topic in first} == dict.fromkeys(first, b"")


def test_a_note_that_cannot_be_read_stops_nothing(spool):
    spool.set_notes({"homeassistant": "[1"})
    said = {}
    take(announcer(spool, said, enabled=True), "WasteContainer")
    assert said


@pytest.mark.parts
def test_a_node_announces_itself_on_a_real_broker_and_takes_it_back_when_switched_off(mosquitto, tmp_path):
    topic = "homeassistant/sensor/commune-18562-gw-01/gw-01-diskFree/config"
    file = tmp_path / "node.toml"
    node = RealNode(tmp_path, mosquitto.port)
    plain = file.read_text().replace("[mqtt]", '[mqtt]\ncustody = "broker"')
    file.write_text(f"{plain}\n[homeassistant]\nenabled = true\n")
    with node:
        until(lambda: hear_retained(mosquitto, topic), within_s=60, what="the announcement")
    (said,) = hear_retained(mosquitto, topic)
    assert json.loads(said)["state_topic"] == "ntm/v1/42/18562/gateway/gw-01/state"
    file.write_text(plain)
    with RealNode(tmp_path, mosquitto.port):
        until(
            lambda: not hear_retained(mosquitto, "homeassistant/#"), within_s=60, what="it to be taken back"
        )
