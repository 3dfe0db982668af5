"""Line protocol: every rule read, every error named, and what is written reads back the same."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_api.lineprotocol import LineError, Unsigned, encode, encode_fields, parse, series
from edge_api.lineprotocol.reading import _series
from edge_api.point import Point

T = 1_795_412_400_000_000_000


def fields(line: str) -> dict[str, object]:
    return dict(parse(line.encode())[0].fields)


def test_a_reading_of_the_feed_is_read_with_all_its_types() -> None:
    line = f'WasteContainer,asset=bin-1,domain=waste fillingLevel=0.73,gw="gw-01",seq=184467i,hist=true {T}'
    (point,) = parse(line.encode())
    assert point == Point(
        "WasteContainer",
        {"asset": "bin-1", "domain": "waste"},
        T,
        {"fillingLevel": 0.73, "gw": "gw-01", "seq": 184467, "hist": True},
    )
    assert type(point.fields["seq"]) is int


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-1.5e-3", -0.0015),
        ("1E+3", 1000.0),
        (".5", 0.5),
        ("7i", 7),
        ("-9223372036854775808i", -(2**63)),
        ("18446744073709551615u", 2**64 - 1),
        ("t", True),
        ("TRUE", True),
        ("False", False),
        ("f", False),
        ('""', ""),
        ('"a, b=c"', "a, b=c"),
        (r'"say \"no\" \\ \n"', r'say "no" \ \n'),
        ('"hai\ndòng"', "hai\ndòng"),
        ('"nửa = 5 123"', "nửa = 5 123"),
    ],
)
def test_a_value_of_each_kind_is_read(text: str, value: object) -> None:
    read = fields(f"m a={text} {T}")
    assert read == {"a": value}
    assert isinstance(read["a"], type(value))


def test_an_unsigned_integer_stays_unsigned_on_the_way_up() -> None:
    (point,) = parse(b"m a=7u 1")
    assert isinstance(point.fields["a"], Unsigned)
    assert encode(point) == "m a=7u 1"


def test_escapes_in_names_are_taken_off_and_put_on_again() -> None:
    line = rf"my\ m\,x,k\,1=v\ \=2,z=\\w f\=\ g=1.0 {T}"
    (point,) = parse(line.encode())
    assert point.measurement == "my m,x"
    assert point.tags == {"k,1": "v =2", "z": r"\\w"}
    assert point.fields == {"f= g": 1.0}
    assert encode(point) == line


def test_comments_blank_lines_crlf_and_spare_spaces_are_passed_over() -> None:
    body = b'# a comment a=1 5\r\n\r\n  m  a=1   5  \r\n\n   # another\nm a=2 6\r\nm b="x" 7\r\n\t\n'
    assert [(p.ts_ns, p.fields) for p in parse(body)] == [(5, {"a": 1.0}), (6, {"a": 2.0}), (7, {"b": "x"})]


@pytest.mark.parametrize(("precision", "factor"), [("ns", 1), ("us", 10**3), ("ms", 10**6), ("s", 10**9)])
def test_times_are_scaled_by_integer_arithmetic(precision: str, factor: int) -> None:
    stamp = (2**63 - 2) // factor
    assert parse(f"m a=1 {stamp}".encode(), precision)[0].ts_ns == stamp * factor
    with pytest.raises(LineError, match="time outside range"):
        parse(f"m a=1 {stamp + 2}".encode(), precision)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="'h' is none of ns, us, ms, s"):
        parse(b"m a=1 1", "h")


def test_a_line_without_a_time_takes_the_default_or_is_an_error() -> None:
    assert [p.ts_ns for p in parse(b'm a=1\nm a="x y"\nm a=1 5', default_ns=9)] == [9, 9, 5]
    with pytest.raises(LineError, match="missing timestamp"):
        parse(b"m a=1")


def test_a_time_before_1970_is_read() -> None:
    assert parse(b"m a=1 -5")[0].ts_ns == -5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("m", "missing fields"),
        ("m ", "missing fields"),
        ("m,a=b", "missing fields"),
        (",a=b f=1 1", "missing measurement"),
        (" ,a=b f=1 1", "missing measurement"),
        ("m,=b f=1 1", "missing tag key"),
        ("m,a f=1 1", "missing tag value"),
        ("m,a= f=1 1", "missing tag value"),
        ("m,a=1,a=2 f=1 1", "duplicate tags"),
        ("m,a=b=c f=1 1", "invalid tag format"),
        ("m, f=1 1", "missing tag key"),
        ("m =1 1", "missing field key"),
        ("m f 1", "missing field value"),
        ("m f= 1", "missing field value"),
        ("m f=1,, 1", "missing field key"),
        ("m f=1, 1", "missing field key"),
        ("m f=1, g=2 1", "missing field key"),
        ("m f=nan 1", "invalid number"),
        ("m f=NaN 1", "invalid number"),
        ("m f=+Inf 1", "invalid number"),
        ("m f=infinity 1", "invalid number"),
        ("m f=1e999 1", "invalid number"),
        ("m f=1_000 1", "invalid number"),
        ("m f=1.5i 1", "invalid number"),
        ("m f=i 1", "invalid number"),
        ("m f=--1 1", "invalid number"),
        ("m f=٣ 1", "invalid number"),
        ("m f=٣i 1", "invalid number"),
        ("m f=9223372036854775808i 1", "out of range"),
        ("m f=-1u 1", "out of range"),
        ("m f=tRUE 1", "invalid boolean"),
        ("m f=hello 1", "invalid number"),
        ('m f="open 1', "unbalanced quotes"),
        ('m f="a"b 1', "invalid field format"),
        ('m f=a"b" 1', "invalid number"),
        ("m f=1 later", "bad timestamp"),
        ("m f=1 1.5", "bad timestamp"),
        ("m f=1 1 2", "bad timestamp"),
        ("m f=1 ٣", "bad timestamp"),
        ("m f=1 99999999999999999999", "time outside range"),
        ("m a b=1 5", "missing field value"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_reason(line: str, reason: str) -> None:
    with pytest.raises(LineError) as caught:
        parse(f"# first\ngood a=1 1\n{line}\ngood a=1 1".encode())
    assert caught.value.line_number == 3
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"line 3: unable to parse '{line}': ")


def test_an_error_repeats_only_the_beginning_of_a_long_line() -> None:
    with pytest.raises(LineError) as caught:
        parse(b"m " + b"x" * 1_000_000)
    assert len(str(caught.value)) < 300


def test_bytes_that_are_not_utf8_are_named_with_their_line() -> None:
    with pytest.raises(LineError, match=r"line 2: .*invalid UTF-8"):
        parse(b'm a=1 1\nm a="\xff" 1')


def test_a_quoted_newline_does_not_disturb_the_count_of_lines() -> None:
    with pytest.raises(LineError, match="line 3"):
        parse(b'm a="x\ny" 1\nm')


def test_points_of_one_series_share_their_tags() -> None:
    first, second = parse(b"m,a=b f=1 1\nm,a=b f=2 2")
    assert first.tags is second.tags


@pytest.mark.parametrize(
    "point",
    [
        Point("m", {}, 1, {}),
        Point("", {}, 1, {"a": 1.0}),
        Point("#m", {}, 1, {"a": 1.0}),
        Point("m", {"a": ""}, 1, {"a": 1.0}),
        Point("m", {"a": "b\nc"}, 1, {"a": 1.0}),
        Point("m", {"a": "b\\"}, 1, {"a": 1.0}),
        Point("m", {}, 1, {"a": math.nan}),
        Point("m", {}, 1, {"a": math.inf}),
    ],
)
def test_what_the_protocol_cannot_say_is_refused(point: Point) -> None:
    with pytest.raises(ValueError):
        encode(point)


def test_tags_are_sorted_and_floats_never_look_like_integers() -> None:
    assert series("m", {"b": "1", "a": "2"}) == "m,a=2,b=1"
    assert encode_fields({"a": 1.0, "b": 1, "c": True, "d": 'x"\\', "e": 1e22}) == (
        r'a=1.0,b=1i,c=true,d="x\"\\",e=1e22'
    )


names = st.text(
    st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name[-1] != "\\" and name[0] != "\r")
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**64 - 1).map(Unsigned),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
points = st.builds(
    Point,
    names.filter(lambda name: name[0] not in "#\t\0"),
    st.dictionaries(names, names, max_size=4),
    st.integers(-(2**63) + 2, 2**63 - 2),
    st.dictionaries(names, values, min_size=1, max_size=5),
)


@pytest.mark.slow
@given(st.lists(points, min_size=1, max_size=4))
def test_what_is_written_reads_back_the_same(written: list[Point]) -> None:
    read = parse("\n".join(encode(point) for point in written).encode())
    assert read == written
    assert [[type(v) for v in p.fields.values()] for p in read] == [
        [type(v) for v in p.fields.values()] for p in written
    ]


@given(st.text(st.sampled_from('m,=\\ "\n\r#1it.ué'), max_size=40))
def test_whatever_is_accepted_can_be_written_and_means_the_same(text: str) -> None:
    try:
        accepted = parse(text.encode(), default_ns=1)
    except LineError:
        return
    assert parse("\n".join(encode(point) for point in accepted).encode()) == accepted


@pytest.mark.slow
def test_a_whole_province_of_assets_in_turn_is_taken_apart_once() -> None:
    lines = [f"m,asset=a-{n},commune={n % 69} v=1 {n}" for n in range(69 * 300)]
    body = "\n".join(lines).encode()
    parse(body)
    before = _series.cache_info().misses
    parse(body)
    assert _series.cache_info().misses == before
