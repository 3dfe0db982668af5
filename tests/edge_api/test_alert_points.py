"""Because a database gives a field one type for ever: a door's truth must not cost the alarm of a level."""

import pytest

from edge_api.ingest.mqtt import arrival
from edge_api.lineprotocol import parse
from edge_api.point import value_told
from gateway.feed import Event, Topic, encode

TOPIC = Topic.parse("ntm/v1/42/18562/waste/bin-0007/event")


@pytest.mark.parametrize("value", [0.93, 4, True, False, "lidOpen"])
def test_a_value_of_any_kind_becomes_a_field_of_one_type_and_reads_back_as_it_was(value):
    event = Event(
        v=1, id="a", type="binFull", ts="2026-11-23T05:40:00.000Z", gw="gw-01", ep="aa", seq=1, value=value
    )
    found = arrival(TOPIC, encode(event), lambda: None)
    (point,) = parse(found.line.encode())
    assert isinstance(point.fields.get("value", 0.0), float)
    assert isinstance(point.fields.get("valueText", ""), str)
    assert value_told(point.fields) == value
    assert type(value_told(point.fields)) in {type(value), float}


def test_an_event_without_a_value_has_none():
    event = Event(v=1, id="a", type="binFull", ts="2026-11-23T05:40:00.000Z", gw="gw-01", ep="aa", seq=1)
    assert value_told(arrival(TOPIC, encode(event), lambda: None).point.fields) is None
