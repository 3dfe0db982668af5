"""What comes in pieces is put together, and acknowledgements leave together and in order."""

import socket
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from gateway.feed.client import BufferedClient


def publish(topic, payload, mid=None, protocol=MQTTv5, flags=0):
    name = topic if isinstance(topic, bytes) else topic.encode()
    rest = len(name).to_bytes(2, "big") + name + (b"" if mid is None else mid.to_bytes(2, "big"))
    rest += b"\x00" if protocol == MQTTv5 else b""
    rest += payload
    length, size = len(rest), bytearray()
    while True:
        length, low = divmod(length, 128)
        size.append(low | (0x80 if length else 0))
        if not length:
            break
    return bytes([0x30 | flags | (0 if mid is None else 2)]) + bytes(size) + rest


@contextmanager
def connected(protocol=MQTTv5, hear=None, **more):
    ours, broker = socket.socketpair()
    heard = []
    client = BufferedClient(
        CallbackAPIVersion.VERSION2, protocol=protocol, manual_ack=True, hear=hear or heard.extend, **more
    )
    ours.setblocking(False)
    client._sock = ours
    with broker:
        yield client, broker, heard
    ours.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text("aé/", min_size=1, max_size=9), st.binary(max_size=300)), max_size=8),
    st.lists(st.integers(1, 200), min_size=1, max_size=9),
    st.sampled_from([MQTTv5, MQTTv311]),
)
def test_messages_are_whole_in_whatever_pieces_they_come(messages, sizes, protocol):
    sent = b"".join(publish(t, p, mid, protocol) for mid, (t, p) in enumerate(messages, 1))
    with connected(protocol) as (client, broker, heard):
        n = 0
        while sent:
            size = sizes[n % len(sizes)]
            broker.sendall(sent[:size])
            sent, n = sent[size:], n + 1
            assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert [(each.topic, each.payload) for each in heard] == messages
        for each in heard:
            each.ack()
        assert client.loop_write() == MQTTErrorCode.MQTT_ERR_SUCCESS
        acks = b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in range(1, len(messages) + 1))
        assert (broker.recv(100) if acks else b"") == acks


def test_other_packets_among_messages_go_through_paho():
    pongs = publish("a", b"1", 1) + b"\xd0\x00" + publish("b", b"2", flags=1) + b"\x90\x04\x00\x07\x00\x01"
    granted = []
    with connected() as (client, broker, heard):
        client.on_subscribe = lambda _c, _u, mid, codes, _p: granted.append((mid, [c.value for c in codes]))
        broker.sendall(pongs)
        client.loop_read()
        assert [(each.topic, each.qos, each.retain) for each in heard] == [("a", 1, False), ("b", 0, True)]
        assert granted == [(7, [1])]


def test_however_much_we_have_sent_messages_behind_an_acknowledgement_are_taken_together():
    taken = []
    with connected(hear=lambda messages: taken.append(len(messages))) as (client, broker, _):
        sent = [client.publish(f"custody/{n}", b"1", qos=1).mid for n in range(5)]
        assert len(client._out_messages) == 5
        messages = b"".join(publish("a", b"%d" % n, n) for n in range(1, 8))
        broker.sendall(b"\x40\x02" + sent[0].to_bytes(2, "big") + messages)
        client.loop_read()
        assert taken == [7]
        assert len(client._out_messages) == 4


def test_where_few_messages_come_at_a_time_the_next_ones_are_read_together(monkeypatch):
    taken, to_come = [], [publish("a", b"%d" % n, n) for n in range(2, 6)]
    with connected(hear=lambda it: taken.append([each.mid for each in it]), gather_s=0.02) as (
        client,
        broker,
        _,
    ):
        monkeypatch.setattr(client._patience, "wait", lambda _: broker.sendall(b"".join(to_come)))
        broker.sendall(publish("a", b"1", 1))
        client.loop_read()
        broker.sendall(publish("a", b"x", 9))
        client.loop_read()
    assert taken == [[1], [9, 2, 3, 4, 5]]


def test_in_a_flood_nothing_waits_for_company(monkeypatch):
    waits = []
    with connected(gather_s=0.02) as (client, broker, heard):
        monkeypatch.setattr(client._patience, "wait", waits.append)
        for mid in range(1, 4):
            broker.sendall(publish("a", bytes(9_000), mid))
            client.loop_read()
    assert (len(heard), waits) == (3, [])


def test_a_message_that_is_longer_than_the_buffer_arrives_whole():
    long = bytes(range(256)) * 4_000
    with connected() as (client, broker, heard):
        rest = memoryview(publish("long", long, 9) + publish("next", b"x", 10))
        broker.setblocking(False)
        while len(heard) < 2:
            if rest:
                rest = rest[broker.send(rest[:100_000]) :]
            assert client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
        assert [(each.topic, len(each.payload)) for each in heard] == [("long", len(long)), ("next", 1)]
        assert heard[0].payload == long


@pytest.mark.parametrize(
    "broken",
    [b"\x32\x02\x00\x09", b"\x30\x03\x00\x05a", b"\x32\xff\xff\xff\xff\xff", b"\x32\x05\x00\x01a\x00\x01"],
)
def test_a_packet_that_ends_before_its_parts_ends_the_connection(broken):
    with connected() as (client, broker, heard):
        broker.sendall(broken)
        assert client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS
        assert client.socket() is None
        assert heard == []


def test_a_topic_that_is_no_text_is_heard_as_what_it_is_not():
    with connected() as (client, broker, heard):
        broker.sendall(publish(b"a\xff", b"1", 3))
        client.loop_read()
        assert [each.topic for each in heard] == ["a�"]


def test_an_acknowledgement_after_the_connection_has_ended_is_no_error():
    with connected() as (client, broker, heard):
        broker.sendall(publish("a", b"1", 1))
        client.loop_read()
        broker.close()
        assert client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS
        heard[0].ack()
