"""What a hostile sender may cost an edge: its own messages, and nothing besides."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_api.config import Site
from edge_api.ingest.mqtt import Ears, MqttIngest
from edge_api.limits import Limits
from gateway.feed.link import Settings
from sensors.settings import Bytes
from tests.edge_api.edge_rig import BIN, NODE, meta, reading

if TYPE_CHECKING:
    from edge_api.arrivals import MessageArrival

SITE = Site(level="commune", province="42", commune="18562")


class Heard:
    """A message as paho hands it over, that knows whether it was acknowledged."""

    def __init__(self, topic: str, payload: bytes) -> None:
        self.topic, self.payload, self.qos, self.retain = topic, payload, 1, False
        self.acked = 0

    def ack(self) -> None:
        self.acked += 1


class Ingest:
    """An ingest without a broker: what it hands on is kept."""

    def __init__(self, **limits: Any) -> None:
        self.arrived: list[MessageArrival] = []
        self.told: list[object] = []
        ears = Ears(self.arrived.extend, lambda *it: self.told.append(it), lambda *_: None, lambda: None)
        self.it = MqttIngest(SITE, Settings(host="x", client_id="x"), ears, Limits(**limits))

    def hear(self, topic: str, payload: bytes) -> Heard:
        message = Heard(topic, payload)
        self.it._heard([message])  # type: ignore[arg-type]
        return message


def body(seq: int, **more: object) -> bytes:
    return json.dumps(reading(seq, **more)).encode()


def test_a_message_beyond_measure_is_quarantined_by_its_beginning() -> None:
    ingest = Ingest(mqtt_body=Bytes(1000))
    ingest.hear(BIN, body(1, extra="x" * 100_000))
    (arrived,) = ingest.arrived
    assert arrived.refused is not None
    assert len(arrived.refused.body) == 1000
    assert "more than a message has" in arrived.refused.reason
    ingest.hear(BIN, body(2))
    assert ingest.arrived[-1].seq == 2


def test_a_flood_of_wrong_messages_is_counted_and_fills_no_disk() -> None:
    ingest = Ingest()
    messages = [ingest.hear(f"{BIN[:-9]}telemetry", b"{") for _ in range(3000)]
    assert ingest.it.refused == 3000
    assert 2000 <= len(ingest.arrived) < 2100
    assert sum(message.acked for message in messages) == 3000 - len(ingest.arrived)
    ingest.hear(BIN, body(1))
    assert ingest.arrived[-1].seq == 1, "a right message is taken all the same"


def test_a_node_that_sends_too_fast_keeps_what_is_above_and_costs_no_other_node() -> None:
    ingest = Ingest(mqtt_rate=2)
    messages = [ingest.hear(BIN, body(seq)) for seq in range(1, 31)]
    assert [each.seq for each in ingest.arrived[:20]] == list(range(1, 21))
    assert len(ingest.arrived) < 30
    dropped = messages[len(ingest.arrived) :]
    assert all(message.acked for message in dropped), "the broker need not keep them: the node does"
    ingest.hear(BIN, body(1, gw="gw-02"))
    assert ingest.arrived[-1].stream == ("gw-02", "aa")


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
_LEVELS = ["ntm", "v1", "42", "18562", "waste", "x", "", "+", "#", "meta"]
MESSAGES = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.tuples(
        st.sampled_from(["v", "ts", "type", "gw", "ep", "seq", "q", "qr", "hist", "fillingLevel", "raw"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=30)
        | st.lists(st.integers()),
    ).map(lambda change: json.dumps({**reading(1), change[0]: change[1]}).encode("utf-8", "surrogatepass")),
    st.tuples(st.integers(0, 300), st.binary(max_size=3)).map(
        lambda cut: body(1)[: cut[0]] + cut[1] + body(1)[cut[0] :]
    ),
)
TOPICS = st.one_of(
    st.sampled_from([BIN, f"{NODE}/meta", f"{NODE}/status", f"{NODE}/event", BIN.replace("18562", "18565")]),
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["ntm", "v1", "42", "18562", "waste", "x", "", "+", "#", "meta"]), max_size=9
    ).map("/".join),
)


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TOPICS, MESSAGES), max_size=5))
def test_no_message_whatever_is_in_it_raises_gets_lost_or_costs_a_right_one(sent: list[Any]) -> None:
    ingest = Ingest()
    for number, (topic, payload) in enumerate(sent, 1):
        before = len(ingest.arrived)
        message = ingest.hear(topic, payload)
        assert message.acked or len(ingest.arrived) == before + 1, "acknowledged, or handed to the writer"
        ingest.hear(BIN, body(number))
        assert ingest.arrived[-1].seq == number
        assert ingest.arrived[-1].refused is None


@pytest.mark.parametrize("channel", ["meta", "status"])
def test_what_is_told_of_a_node_can_be_anything_but_is_never_too_much(channel: str) -> None:
    ingest = Ingest()
    for payload in (b"", b"\xff" * 100, json.dumps(meta(name="x" * 60_000)).encode()):
        ingest.hear(f"{NODE}/{channel}", payload)
    if channel == "status":
        assert all(len(word) <= 20 for _, word in ingest.told)  # type: ignore[misc]
