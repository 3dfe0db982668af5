"""What cannot be made a message again blocks nothing: it is kept in quarantine, and its numbers are a gap."""

import gzip

import pytest

from gateway.feed import decode_event
from gateway.journal import records
from gateway.spool import EVENTS, Segment
from simulators.clock import VirtualClock
from tests.gateway.sending import edge_side, sender
from tests.parts.wait import until

pytestmark = pytest.mark.parts


@pytest.fixture
def path(tmp_path):
    return tmp_path / "node.db"


def spoil(node, number, body):
    """Put another body in the place of a segment's, whole as far as the spool can tell."""
    (head,) = [each for each in node.heads() if each.id == number]
    times = head.first_ns, head.last_ns, head.boot
    node.spool.rewrite([head], [Segment(head.lane, head.points, head.span, body, *times, head.id)])


def without(node, number, seq):
    """Return the body of a segment in which nobody can read one record any more."""
    lines = gzip.decompress(node.spool.body(number)).split(b"\n")
    at = seq - number + len(lines) - 1
    lines[at] = lines[at].rpartition(b"\t")[0] + b'\t{"type":"Teapot"}'
    return gzip.compress(b"\n".join(lines))


def refused(node):
    return node.spool.query("SELECT place, reason, body FROM quarantine ORDER BY id")


def gaps_told(node):
    """Return first, last and reason of the gap events in the newest segment of events."""
    head = node.spool.heads(EVENTS, 0, node.spool.last_id, 1_000)[-1]
    events = [decode_event(record.body) for record in records(node.spool.body(head.id), head.id)]
    return [(event.first, event.last, event.reason) for event in events]


def test_one_record_is_set_aside_and_the_others_of_its_segment_arrive(path, mosquitto, caplog):
    clock = VirtualClock(synchronised=False)
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port, clock) as node:
        node.bulk(5, group=5)
        spoil(node, 5, without(node, 5, 3))
        clock.set_synchronised(True)
        node.publisher.start()
        until(lambda: set(edge.seqs()) == {1, 2, 4, 5}, what="the others to arrive")
        node.readings(1)
        until(lambda: set(edge.seqs()) == {1, 2, 4, 5, 6, 7}, what="the gap and the next reading")
        assert gaps_told(node) == [(3, 3, "damage")]
        ((place, reason, body),) = refused(node)
        assert place == "reading 3"
        assert reason.startswith("damage: ")
        assert b"Teapot" in bytes(body)
        edge.custody(node.journal.ep, 7)
        until(lambda: node.publisher.drained, what="custody to free all")
    assert "reading 3 cannot be sent and is set aside in quarantine" in caplog.text


WHOLE = gzip.compress(b"no tabs", mtime=0)


@pytest.mark.parametrize("body", [b"no gzip", WHOLE[:-9], WHOLE], ids=["no-gzip", "cut", "no-records"])
def test_a_segment_that_cannot_be_taken_apart_is_set_aside_as_a_whole(path, mosquitto, body):
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port) as node:
        node.readings(2)
        node.event()
        spoil(node, 2, body)
        spoil(node, 3, body)
        node.publisher.start()
        until(edge.seqs, what="the first to arrive")
        until(lambda: len(refused(node)) == 2, what="both to be set aside")
        node.readings(1)
        until(lambda: set(edge.seqs()) == {1, 4, 5}, what="the gap and the next reading")
        assert gaps_told(node) == [(2, 3, "damage")]
        assert {bytes(kept) for _, _, kept in refused(node)} == {body}
        edge.custody(node.journal.ep, 5)
        until(lambda: node.publisher.drained, what="custody to free all")


def test_what_cannot_be_taken_apart_keeps_nothing_else_from_its_date(path, mosquitto):
    clock = VirtualClock(synchronised=False)
    with edge_side(mosquitto.port) as edge, sender(path, mosquitto.port, clock) as node:
        node.readings(3)
        spoil(node, 2, b"no gzip")
        clock.reboot()
        node.again()
        node.readings(1)
        spoil(node, 4, b"no gzip")
        clock.set_synchronised(True)
        node.publisher.start()
        node.readings(1)
        until(lambda: {1, 3} < set(edge.seqs()), what="the readings of the boot before to arrive")
        until(lambda: len(refused(node)) == 2, what="both to be set aside")
