"""A segment is taken apart where its lines end, whatever names and texts hold."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from isal import igzip

from edge_api.lineprotocol import LineError, encode, parse
from edge_api.lines import join_bodies, join_lines, split_lines
from edge_api.point import Point
from gateway.spool import READINGS, Compactor, Outbox, Segment, Spool, span_of

TEXTS = st.text(alphabet='ab"\\=, #\n\r\t0é', max_size=6)
NAMES = st.text(alphabet='ab"\\=, #\t0é', max_size=6).map(lambda name: f"{name}x")  # no name ends in \\
POINTS = st.builds(
    Point,
    NAMES.map(lambda name: f'"{name}'),
    st.dictionaries(NAMES, NAMES, max_size=2),
    st.integers(0, 2**62),
    st.dictionaries(NAMES, TEXTS | st.booleans() | st.integers(-9, 9), min_size=1, max_size=3),
)


def split(text: str) -> list[bytes]:
    return split_lines(igzip.compress(text.encode()))


def test_a_quote_in_a_tag_does_not_open_a_text() -> None:
    lines = ['m,asset=5"pipe v=1 1', 'm,asset=b t="a\nb",u="\\"" 2', "n v=3 3"]
    assert split("\n".join(lines)) == [line.encode() for line in lines]


def test_comments_and_blank_lines_are_not_lines() -> None:
    assert split("# it's \"so\n\n  \n\tm v=1 1\r\n  # no\nn v=2 2") == [b"\tm v=1 1", b"n v=2 2"]


@pytest.mark.slow
@given(st.lists(POINTS, max_size=4), st.sampled_from(["\n", "\r\n", '\n# "x\n', "\n\n"]))
def test_every_point_written_comes_out_as_a_line_of_its_own(points: list[Point], end: str) -> None:
    lines = split(end.join([encode(point) for point in points] + [""]))
    assert [parse(line) for line in lines] == [parse(encode(point).encode()) for point in points]
    assert split_lines(join_lines(lines)) == lines if lines else True


@given(st.text(alphabet='am"\\=, #\n\r\t1', max_size=40).map(lambda text: f'm a="{text}\nm a=1 1\n'))
@example('m a="\\\\" 1\nm a="\n" 2\n')
def test_whatever_the_parser_reads_is_split_as_the_parser_reads_it(text: str) -> None:
    try:
        points = parse(text.encode(), default_ns=7)
    except LineError:
        return
    assert [point for line in split(text) for point in parse(line, default_ns=7)] == points
    assert len(split(text)) == len(points)


def test_a_joined_backlog_is_read_back_as_it_was_written_and_takes_a_third_of_the_bytes(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path / "edge.db")
    outbox = Outbox(spool, "next")
    lines = [
        f"m,asset=a{n % 9} seq={n}i,v={n * 37 % 101}.5 {n * 6_700_000_000}".encode() for n in range(3_000)
    ]
    spool.append(
        [
            Segment(READINGS, 1, span_of([("gw-01", "aa", n)]), join_lines([line]))
            for n, line in enumerate(lines)
        ]
    )
    before = sum(head.size for head in spool.heads(READINGS, 0, spool.last_id, 5_000))
    Compactor(spool, [outbox], join_bodies).compact()
    heads = spool.heads(READINGS, 0, spool.last_id, 5_000)
    assert len(heads) < 100
    assert sum(head.size for head in heads) < before / 3
    assert [line for head in heads for line in split_lines(spool.body(head.id))] == lines
    spool.close()
