"""A line of a known shape is read as before its shape was known, and every other line is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_api.lineprotocol import LineError, encode, parse, reading
from edge_api.lineprotocol.shapes import Shapes
from edge_api.point import Point
from sensors.sample import Value

T = 1_795_412_400_000_000_000
KNOWN = b'WasteContainer,asset=bin-1 fillingLevel=0.73,temperature=31,gw="gw-01",seq=5i,hist=true %d\n' % T

names = st.text(st.sampled_from('abzA0-_ ,=ễ."#'), min_size=1, max_size=6)
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.sampled_from('ab ,="\\ễ5\ti'), max_size=8),
)


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> Shapes:
    shapes = Shapes()
    monkeypatch.setattr(reading, "_shapes", shapes)
    return shapes


def outcome(data: bytes, shapes: Shapes) -> object:
    """What comes of a body, of its errors too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_shapes", shapes)
        try:
            return [(point, [type(value) for value in point.fields.values()]) for point in parse(data)]
        except LineError as error:
            return str(error)


def knowing(data: bytes) -> Shapes:
    """Shapes that have seen a body often."""
    shapes = Shapes()
    for _ in range(10):
        outcome(data, shapes)
    return shapes


@given(measurement=names, tag=names, fields=st.dictionaries(names, values, min_size=1, max_size=6))
def test_whatever_can_be_written_is_read_the_same_the_tenth_time(
    measurement: str, tag: str, fields: dict[str, Value]
) -> None:
    try:
        line = encode(Point(measurement, {"asset": tag}, T, fields)).encode() + b"\n"
    except ValueError:
        return
    assert outcome(line, knowing(line)) == outcome(line, Shapes())


@given(
    at=st.integers(0, len(KNOWN) - 1),
    put=st.sampled_from(list(b'",= \\\n\r\t\0#i.e-+09aZ')),
    cut=st.booleans(),
)
def test_a_line_that_differs_by_a_byte_is_read_the_same_or_refused_with_the_same_words(
    at: int, put: int, *, cut: bool
) -> None:
    changed = KNOWN[:at] + bytes([put]) + KNOWN[at + cut :]
    assert outcome(changed, knowing(KNOWN)) == outcome(changed, Shapes())


def test_what_comes_again_and_again_gets_a_pattern_and_what_comes_seldom_gets_none(shapes: Shapes) -> None:
    line = KNOWN.decode().strip()
    for _ in range(7):
        parse(KNOWN)
    assert shapes.read(line) is None
    parse(KNOWN)
    assert shapes.read(line) is not None
    for number in range(10_000):  # a stranger's lines, no two alike, must not fill the memory
        parse(b"m%d,asset=a f%d=1 1" % (number % 100, number))
    assert len(shapes._seen) <= 256
    assert shapes._made == 1


def test_a_stranger_cannot_take_more_than_a_bounded_number_of_patterns(shapes: Shapes) -> None:
    for number in range(200):
        parse(b"m%d f=1 1\n" % number * 8)
        parse(b"same f%d=1 1\n" % number * 8)
    assert shapes._made <= 64
    assert all(len(each) <= 4 for each in shapes._known.values())
