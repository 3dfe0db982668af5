"""Custody: what a node may let go of, and what the edge does about a beginning that is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_api.custody import Custodian
from gateway.feed import Custody, Topic
from gateway.feed.bodies import decode
from gateway.spool import READINGS, Gap, Segment, Spool
from tests.parts.wait import until

STREAM = ("gw-01", "7f3a9c")
TOPIC = Topic("42", "18562", "gateway", "gw-01", "meta")


class Rig:
    """A custodian on a real spool, whose patience is as short as its clock is fast."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder / "edge.db")
        self.said: list[int] = []
        self.gaps: list[Gap] = []
        self.now = 0.0
        self.custodian = Custodian(self.spool, self._publish, self._note, self._monotonic)
        self.custodian.know(STREAM, TOPIC)
        self.custodian.start()

    def _publish(self, topic: str, payload: bytes) -> bool:
        assert topic == "ntm/v1/42/18562/gateway/gw-01/custody"
        self.said.append(decode(payload, Custody).seq)
        return True

    def _note(self, gaps: list[Gap]) -> None:
        self.gaps += gaps
        self.spool.append((), gaps=gaps)

    def _monotonic(self) -> float:
        self.now += 20.0
        return self.now

    def commit(self, numbers: str) -> None:
        self.spool.append([Segment(READINGS, 1, f"gw-01/7f3a9c:{numbers}", b"x")])
        self.custodian.touched([STREAM])


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.custodian.stop()
    rig.spool.close()


def test_a_node_that_says_hello_and_then_nothing_for_long_stops_nobody(rig: Rig) -> None:
    """A Pi without a set clock keeps its readings back.

    The edge took the silence for a gap from 1 to -1, its custody thread died of it, no node could let go of
    anything any more, and the edge did not start again.
    """
    rig.custodian.holds(STREAM, 1)
    for _ in range(3):
        rig.custodian.say_all()
        until(lambda: not rig.custodian._dirty, what="the watermark to be looked at")
    rig.commit("1-3")
    until(lambda: rig.said == [3], what="custody to move")
    assert not rig.gaps


def test_custody_moves_as_far_as_nothing_is_missing(rig: Rig) -> None:
    rig.commit("1-3,5")
    until(lambda: rig.said == [3], what="custody up to the hole")
    rig.commit("4")
    until(lambda: rig.said == [3, 5], what="custody past the hole")


def test_what_a_node_no_longer_holds_is_not_waited_for(rig: Rig) -> None:
    rig.commit("8-9")
    rig.custodian.holds(STREAM, 8)
    until(lambda: rig.said == [9], what="custody past what was released")
    assert [(gap.first, gap.last, gap.reason) for gap in rig.gaps] == [(1, 7, "released")]


def test_a_stranger_that_never_says_what_it_holds_is_believed_after_a_while(rig: Rig) -> None:
    rig.commit("8-9")
    until(lambda: rig.said == [9], within_s=20, what="custody after the patience")
    assert [(gap.first, gap.last, gap.reason) for gap in rig.gaps] == [(1, 7, "unknown")]
