"""Lines of our own edges, read a body at a time: the same as line by line, or not at all."""

import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_api.bodies import communes_of, gaps_of, is_event, numbers_of, span_ns
from edge_api.ingest.mqtt import arrival
from edge_api.lineprotocol import FeedLines, LineError, encode, feed_lines, parse
from edge_api.lineprotocol.reading import LATEST_NS
from edge_api.point import Point
from gateway.feed import Topic

T = 1_795_412_400_000_000_000
TAGS = "asset=bin-1,commune=18562,domain=waste,province=42"
NUMBERED = 'gw="gw-01",ep="7f3a9c"'
GOOD = f'WasteContainer,{TAGS} fillingLevel=0.31,temperature=31.2,{NUMBERED},seq=7i,q="good" {T}\n'

names = st.sampled_from(["a", "fillingLevel", "q", "qr", "raw", "gwx", "seq2"])
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
)
points = st.builds(
    lambda asset, commune, stream, seq, ts, fields, first: Point(
        "WasteContainer",
        {"asset": asset, "commune": commune, "domain": "waste", "province": "42"},
        ts,
        fields | {"gw": stream[0], "ep": stream[1], "seq": seq}
        if first
        else {"gw": stream[0], "ep": stream[1], "seq": seq} | fields,
    ),
    st.sampled_from(["bin-1", "bin-2", "b.3_x"]),
    st.sampled_from(["18562", "18563"]),
    st.sampled_from([("gw-01", "7f3a9c"), ("gw-01", "aa"), ("gw-02", "7f3a9c")]),
    st.integers(0, 10**18 - 1),
    st.integers(0, LATEST_NS),
    st.dictionaries(names, values, max_size=4),
    st.booleans(),
)


def of(text: str) -> FeedLines | None:
    return feed_lines(text.encode())


@given(st.lists(points, min_size=1, max_size=8))
def test_a_body_says_of_itself_what_its_points_say(made: list[Point]) -> None:
    text = "".join(f"{encode(point)}\n" for point in made)
    lines, read = of(text), parse(text.encode())
    if lines is None:
        return
    assert list(lines) == read == lines[:]
    assert (len(lines), lines[0], lines[-1]) == (len(read), read[0], read[-1])
    assert numbers_of(lines) == numbers_of(read)
    assert span_ns(lines) == span_ns(read)
    told = {(point.measurement.encode(), tuple(point.fields)) for point in read}
    assert lines.kinds == told or None in {kind and kind[1] for kind in lines.kinds}
    assert set(communes_of(lines)) == set(communes_of(read))
    assert (is_event(lines), gaps_of(lines)) == (is_event(read), gaps_of(read)) == (False, [])


@given(
    st.integers(0, len(GOOD) - 1),
    st.text(st.sampled_from('\n\r\\", =i.-#0123456789atrue\t'), max_size=3),
    st.integers(0, 3),
)
@example(at=GOOD.index(" fill"), put=",", cut=0)
@example(at=GOOD.index("seq"), put="seq=1i,", cut=0)
def test_whatever_is_done_to_a_line_it_is_read_as_every_other_way_reads_it(
    at: int, put: str, cut: int
) -> None:
    text = GOOD + GOOD[:at] + put + GOOD[at + cut :] + GOOD
    lines = of(text)
    if lines is not None:
        read = parse(text.encode())
        assert (len(lines), numbers_of(lines), span_ns(lines)) == (len(read), numbers_of(read), span_ns(read))


def test_what_an_edge_sends_is_read_at_once() -> None:
    doubtful = GOOD.replace('q="good"', 'q="uncertain",qr="temperature:range turbidity:crc",hist=true')
    tiny = GOOD.replace("0.31", "1.5e-7").replace("31.2", "-0")
    lines = of(GOOD + doubtful + tiny + GOOD.rstrip("\n"))
    assert lines is not None
    assert len(lines) == 4
    assert numbers_of(lines) == ({("gw-01", "7f3a9c"): [7, 7, 7, 7]}, {("gw-01", "7f3a9c"): (T, T)})
    assert communes_of(lines) == ["18562"]


def test_lines_alike_but_for_their_digits_are_each_read_as_they_stand() -> None:
    other = GOOD.replace("bin-1", "bin-9").replace("18562", "90001").replace("gw-01", "gw-77")
    other = other.replace("seq=7i", "seq=3i").replace(str(T), str(T + 1))
    for _ in range(2):  # new, and known
        lines = of(GOOD + other)
        assert lines is not None
        assert lines.numbers == {("gw-01", "7f3a9c"): [7], ("gw-77", "7f3a9c"): [3]}
        assert communes_of(lines) == ["18562", "90001"]


def test_a_body_knows_the_fields_of_its_lines_unless_digits_are_all_that_tells_them_apart() -> None:
    lines = of(GOOD + GOOD.replace("WasteContainer,", "Bin,") + GOOD.replace("=0.31", '="a,b=1 c\x0b"'))
    names = ("fillingLevel", "temperature", "gw", "ep", "seq", "q")
    assert lines is not None
    assert lines.kinds == {(b"WasteContainer", names), (b"Bin", names)}
    lines = of(GOOD.replace("temperature", "level1") + GOOD.replace("temperature", "level2"))
    assert lines is not None
    assert lines.kinds == {(b"WasteContainer", None)}


def test_texts_without_end_take_no_memory_without_end() -> None:
    letters = str.maketrans("0123456789", "abcdefghij")
    texts = [str(n).translate(letters) for n in range(6_000)]
    tracemalloc.start()
    try:
        for text in texts:
            assert of(GOOD.replace("good", text)) is not None
            assert of(GOOD.replace("good", text + "x" * 20_000)) is not None
        assert tracemalloc.get_traced_memory()[1] < 3_000_000  # at most
    finally:
        tracemalloc.stop()
    assert of(GOOD) is not None


def test_several_streams_of_one_body_are_kept_apart() -> None:
    other = GOOD.replace("gw-01", "gw-02").replace(str(T), str(T + 5)).replace("seq=7i", "seq=1i")
    later = GOOD.replace(str(T), str(T + 9)).replace("seq=7i", "seq=8i")
    lines = of(GOOD + other + later)
    assert lines is not None
    assert lines.numbers == {("gw-01", "7f3a9c"): [7, 8], ("gw-02", "7f3a9c"): [1]}
    assert lines.times == {("gw-01", "7f3a9c"): (T, T + 9), ("gw-02", "7f3a9c"): (T + 5, T + 5)}


def test_alarms_strangers_and_what_is_written_otherwise_are_left_to_the_one_who_knows_every_rule() -> None:
    bodies = {
        "an alarm": GOOD.replace("province", "kind=fire,province"),
        "an alarm without a kind": GOOD.replace("WasteContainer", "Alert"),
        "not numbered": GOOD.replace("seq=7i,", ""),
        "a number that is none": GOOD.replace("seq=7i", "seq=7.0"),
        "two numbers": GOOD.replace("seq=7i", "seq=7i,seq=8i"),
        "no time": GOOD.replace(f" {T}", ""),
        "a time after all": GOOD.replace(str(T), str(LATEST_NS + 1)),
        "an escape": GOOD.replace("bin-1", "bin\\ 1"),
        "a backslash in a text": GOOD.replace("good", "go\\\\od"),
        "a newline in a text": GOOD.replace("good", "go\nod"),
        "an unsigned number": GOOD.replace("31.2", "31u"),
        "a comment": "# hello\n" + GOOD,
        "a blank line": GOOD + "\n" + GOOD,
        "another system's line end": GOOD.replace("\n", "\r\n"),
        "other letters": GOOD.replace("good", "tốt"),
        "one tag more": GOOD.replace("province=42", "province=42,x=1"),
        "nothing": "",
    }
    assert {what for what, text in bodies.items() if of(text) is not None} == set()


def test_a_wrong_line_among_right_ones_is_named_by_its_number() -> None:
    text = GOOD + GOOD.replace("31.2", "31.2.1") + GOOD
    assert of(text) is None
    with pytest.raises(LineError) as error:
        parse(text.encode())
    assert error.value.line_number == 2


def test_what_ingest_makes_of_readings_is_read_at_once() -> None:
    topic = Topic.parse("ntm/v1/42/18562/water/wq-0001/telemetry")
    rests = [
        '"WaterQualityObserved","seq":1,"q":"good","pH":7.12,"turbidity":1e-7,"temperature":-3',
        '"WaterQualityObserved","seq":2,"q":"uncertain","qr":"pH:range temperature:crc","hist":true,"pH":7',
        '"WaterDistributionNetwork","seq":3,"q":"bad","qr":"waterLevel:no-echo"',
    ]
    head = '{"v":1,"ts":"2026-11-23T05:40:00.000Z","gw":"gw-01","ep":"7f3a9c","type":'
    bodies = [f"{head}{rest}}}".encode() for rest in rests]
    lines = of("".join(f"{arrival(topic, body, lambda: None).line}\n" for body in bodies))
    assert lines is not None
    assert lines.numbers == {("gw-01", "7f3a9c"): [1, 2, 3]}
