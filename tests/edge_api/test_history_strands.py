"""Lines of one series, unread: whether they have the same fields, and which of them is the newest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from edge_api.history.bodies import kinds_of
from edge_api.history.strands import alike, joined, newest, opened
from edge_api.lineprotocol import encode, feed_lines
from sensors.sample import Value
from tests.edge_api.history_rig import T, body, fields, reading

LINES = [b' a=1,q="good" 1795412400000000000\n', b' a=-27.5,q="good" 1795412400000000001\n']


@pytest.mark.parametrize(
    ("rests", "are"),
    [
        (LINES, True),
        (LINES[:1], True),
        ([*LINES, b' a=1,q="bad" 1795412400000000000\n'], True),
        ([*LINES, b' a=1,q="bad",qr="a:b" 1795412400000000000\n'], False),
        ([*LINES, b' a1=1,q="good" 1795412400000000000\n'], False),
        ([b" a1=1 1795412400000000000\n", b" a2=1 1795412400000000000\n"], False),
        ([b" a1=1 1795412400000000000\n", b" a1=20 1795412400000000000\n"], True),
        ([b" a=1,b=1 1795412400000000000\n", b" b=1,a=1 1795412400000000000\n"], False),
        ([b' a="x, a=1" 1795412400000000000\n', b' a="x, a1=" 1795412400000000000\n'], True),
    ],
)
def test_lines_are_alike_when_they_have_the_same_fields(rests: list[bytes], *, are: bool) -> None:
    assert alike(rests) is are


@given(st.lists(fields, min_size=1, max_size=4))
def test_lines_that_count_as_alike_have_the_same_fields(all_fields: list[dict[str, Value]]) -> None:
    points = [reading(n, each) for n, each in enumerate(all_fields)]
    ours = feed_lines("".join(f"{encode(p)}\n" for p in points).encode())
    found = list(joined(opened([body(points)], {})).values()) if ours else []
    if found and alike(found[0]):
        assert len({tuple(point.fields) for point in points}) == 1


def test_of_one_time_the_newest_line_is_the_one_that_came_last() -> None:
    a, b, c = (f" a={n} {T + (n == 2)}\n".encode() for n in (1, 2, 3))
    assert newest([a, b, c]) is b
    assert newest([a, c]) is c
    assert newest([c, a]) is a


def test_doubts_that_come_and_go_leave_the_fields_that_history_keeps_the_same() -> None:
    good, doubtful = reading(1, {"a": 1.0}), reading(2, {"a": 1.0}, q="uncertain")
    bins = replace(reading(3, {"a": 1.0, "b": 2.0}), measurement="Bin")
    assert kinds_of([body([good, doubtful]), body([bins])]) == {
        b"WasteContainer": ("a",),
        b"Bin": ("a", "b"),
    }
    assert kinds_of([body([good]), body([reading(3, {"b": 2.0})])]) == {}
    assert kinds_of([body([good]), body([reading(3, {"a1": 2.0})])]) == {}
