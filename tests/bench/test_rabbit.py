"""Draining RabbitMQ must count what came, however the bytes were cut on their way."""

from bench.peers.rabbit import split
from bench.writer import packet

TOPIC = "ntm/v1/42/18000/waste/bin-000001/telemetry"
BODIES = [b'{"seq":%d,"pad":"%s"}' % (n, b"x" * size) for n, size in enumerate((0, 1, 60, 200, 20_000))]
STREAM = b"\x90\x03\x00\x01\x01" + b"".join(packet(TOPIC, body, n + 1) for n, body in enumerate(BODIES))


def test_every_message_is_found_once_wherever_the_stream_is_cut() -> None:
    for step in (2, 7, 190, len(STREAM)):
        found, rest = [], b""
        for at in range(0, len(STREAM), step):
            packets, rest = split(rest + STREAM[at : at + step])
            found += packets
        assert [body for body, _ in found] == BODIES, step
        assert [int.from_bytes(mid, "big") for _, mid in found] == [1, 2, 3, 4, 5], step
        assert not rest
