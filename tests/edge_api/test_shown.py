"""What comes into the spool beside the writer (replays, the edge's own words) is shown live, once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge_api.api.view import WriteBatch
from edge_api.edge import Edge
from edge_api.lineprotocol import parse
from edge_api.lines import join_lines
from edge_api.province.config import Province
from gateway.spool import DAMAGE, EVENTS, Gap, Refused, Segment
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config
from tests.edge_api.rig import STREAM
from tests.parts.http import ask
from tests.parts.wait import until

S = 1_000_000_000
NOON_NS = 1_795_582_800 * S  # 2026-11-25, 12:00 there
TAGS = "province=42,commune=18562,domain=waste,asset=bin-1"


def line(seq: int, more: str = "") -> bytes:
    fields = f'fillingLevel={seq / 100},gw="gw-01",ep="aa",seq={seq}i,q="good"{more}'
    return f"WasteContainer,{TAGS} {fields} {NOON_NS + seq * 60 * S}".encode()


def alarm(number: int) -> bytes:
    fields = f'id="gw-01-aa-{number}",state="raised",severity="critical",gw="gw-01",ep="aa",seq={number}i'
    return f"Alert,{TAGS},kind=fire{number} {fields} {NOON_NS + number * S}".encode()


def submit(edge: Edge, *lines: bytes) -> None:
    edge.submit(WriteBatch(join_lines(list(lines)), parse(b"\n".join(lines)))).result(10)


def refuse(edge: Edge, body: bytes, span: str = "") -> int:
    edge.spool.quarantine([Refused("upstream next", "", "no", body, span)])
    return int(edge.spool.query("SELECT max(id) FROM quarantine")[0][0])


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    config = replace(edge_config(tmp_path, PROVINCE), programme=Province(path=tmp_path / "province.db"))
    with edge_at_work(config) as (edge, _):
        yield edge


def levels(edge: Edge) -> list[object]:
    rows = edge.history.readings("42/18562/waste/bin-1", "fillingLevel", 0, 2**62)
    return [row.value for row in rows]


def present(edge: Edge) -> int:
    assert edge.office is not None
    edge.office.keeper.work(all_of_it=True)
    return sum(each.present for each in edge.office.completeness(None, range(100_000)))


def test_a_replayed_reading_is_in_the_api_and_on_the_page_at_once_and_counts_once(tmp_path: Path) -> None:
    with edge_at_work(edge_config(tmp_path), serve=True) as (edge, url):
        port = int(url.rpartition(":")[2])
        submit(edge, line(1))
        number = refuse(edge, b"what nobody can read")
        assert ask(port, "POST", f"/v1/quarantine/{number}/replay", body=line(42)).status == 204
        span = {"start": "2026-11-25T00:00:00Z", "stop": "2026-11-26T00:00:00Z"}
        rows = json.loads(
            ask(port, "GET", "/v1/readings", {"asset": "bin-1", "field": "fillingLevel", **span}).body
        )
        assert [row["value"] for row in rows] == [0.01, 0.42]
        assert (
            json.loads(ask(port, "GET", "/v1/assets/bin-1").body)["fields"]["fillingLevel"]["value"] == 0.42
        )
        assert "42 %" in ask(port, "GET", "/").body.decode()


def test_a_reading_that_was_shown_before_it_was_refused_is_still_one_when_it_is_sent_again(
    edge: Edge,
) -> None:
    submit(edge, line(1), line(2))
    number = refuse(edge, line(2), "gw-01/aa:2")
    edge.replay(number, None)
    assert levels(edge) == [0.01, 0.02]
    assert present(edge) == 2


def test_a_replayed_reading_counts_for_the_province(edge: Edge) -> None:
    submit(edge, line(1))
    edge.replay(refuse(edge, b"rubbish"), line(2))
    assert present(edge) == 2


def test_a_mended_body_that_had_no_number_fills_the_gap_that_it_left(edge: Edge) -> None:
    submit(edge, line(1), line(3))
    edge.spool.append((), gaps=[Gap(STREAM, 2, 2, "unknown")])
    number = refuse(edge, b"rubbish")
    assert [(gap.first, gap.last) for gap in edge.gaps()] == [(2, 2)]
    edge.replay(number, line(2))
    assert not edge.gaps()
    assert edge.spool.streams[STREAM].below(4)
    assert levels(edge) == [0.01, 0.02, 0.03]
    submit(edge, line(2))
    assert edge.counters().duplicates == 1


def test_a_gap_that_the_edge_tells_of_is_shown_before_anything_else_arrives(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(edge, line(1))
    heard: list[str] = []
    edge.history.listen(lambda points: heard.extend(point.tags.get("kind", "") for point in points))
    edge._note_gaps([Gap(STREAM, 7, 9, DAMAGE)])
    edge._show()
    until(lambda: heard == ["gap"], what="the gap to be shown")
    node = next(each for each in edge.history.latest() if each.id == "gw-01")
    assert node.alerts["gap"].state == "raised"
    submit(edge, line(2))
    until(lambda: len(heard) > 1, what="the next reading to be shown")
    assert heard == ["gap", ""], "once"


def test_an_alarm_that_came_beside_the_writer_is_in_the_book_and_the_mark_never_passes_it(
    edge: Edge,
) -> None:
    submit(edge, alarm(1))
    body = join_lines([alarm(2)])
    edge.spool.append([Segment(EVENTS, 1, "gw-01/aa:2", body, NOON_NS, NOON_NS)])
    submit(edge, alarm(3))
    until(lambda: len(edge.alarms.open_alarms()) == 3, what="all alarms to be in the book")
    file = edge.alarms._file
    assert file is not None
    assert file.segment() == edge.spool.last_id == 3


def test_the_books_mark_stays_below_what_has_not_been_shown(edge: Edge) -> None:
    submit(edge, alarm(1))
    body = join_lines([alarm(2)])
    marks: list[int] = []
    file = edge.alarms._file
    assert file is not None
    edge.history.listen(lambda _: marks.append(file.segment()))
    for number in (2, 3):
        edge.spool.append([Segment(EVENTS, 1, f"gw-01/aa:{number}", body, NOON_NS, NOON_NS)])
    edge.replay(refuse(edge, b"rubbish"), alarm(4))
    assert marks == [2, 3, 4, 4]
