"""A reading's line is written from its JSON, and is what the writer of lines would have written."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_api.ingest.mqtt import arrival
from edge_api.lineprotocol import encode, parse
from gateway.feed import TYPES, Reading, Topic
from gateway.feed import encode as encode_body

texts = st.text(st.sampled_from('a:,"\\\n ễ=0i{}\t'), max_size=6)


def taken(kind: type[Reading], **fields: Any) -> Any:
    body = kind(v=1, ts="2026-11-23T05:40:00.000Z", gw="gw-01", ep="7f3a9c", q="good", **fields)
    topic = Topic.parse(f"ntm/v1/42/18562/{kind.domain}/it-1/telemetry")
    return arrival(topic, encode_body(body), lambda: None)


@given(
    seq=st.integers(0, 2**53),
    qr=texts,
    raw=texts,
    hist=st.booleans(),
    number=st.floats(allow_nan=False, allow_infinity=False),
    count=st.integers(0, 2**53),
)
def test_whatever_a_reading_holds_its_line_is_that_of_its_point(
    seq: int, qr: str, raw: str, number: float, count: int, *, hist: bool
) -> None:
    for more in ({}, {"qr": qr}, {"raw": raw}, {"qr": qr, "raw": raw, "hist": hist}):
        cabinet = taken(
            TYPES["StreetlightControlCabinet"], seq=seq, energyConsumed=number, lampsFailed=count, **more
        )
        assert cabinet.line == encode(cabinet.point)
        assert parse(cabinet.line.encode()) == [cabinet.point]
        device = taken(TYPES["Device"], seq=seq, spoolDepth=count, rssi=number, underVoltage=hist, **more)
        assert device.line == encode(device.point)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_no_other_field_of_a_type_is_a_text_that_a_stranger_may_choose(kind: type[Reading]) -> None:
    _, shapes = msgspec.json.schema_components([kind])
    texts = {key for key, of in shapes[kind.__name__]["properties"].items() if of.get("type") == "string"}
    assert texts == {"ts", "gw", "ep", "qr", "raw"}, "the writer looks into qr and raw only"
