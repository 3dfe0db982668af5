"""The alarm book: each alarm once, open until it ends, seen by whom; in any order, over restarts, bounded."""

import itertools
import json
import sqlite3
import urllib.error
import urllib.request
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_api.alarms import AlarmBook, AlarmUnknown
from edge_api.alarms.alarm import told
from edge_api.config import Token
from edge_api.edge import Edge
from edge_api.history import History
from edge_api.point import Point
from tests.edge_api.edge_rig import PROVINCE, edge_at_work, edge_config, kept
from tests.edge_api.rig import START_NS, config
from tests.parts.wait import until

S = 1_000_000_000
TAGS = {"province": "42", "commune": "18562", "domain": "waste", "asset": "bin-1"}
NOW_NS = START_NS + 3600 * S


def word(second, state="raised", event="bin-1-binFull-aa-1", kind="binFull", asset="bin-1", **more):
    fields = {"id": event, "state": state, "severity": "warning", "gw": "gw-01", "ep": "aa", **more}
    return Point("Alert", {**TAGS, "asset": asset, "kind": kind}, START_NS + second * S, fields)


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


class Rig:
    def __init__(self, folder, **more):
        self.folder, self.more, self.up = folder, more, []
        self.book = self._made()

    def _made(self):
        return AlarmBook(self.folder / "a.db", self.up.append, lambda: 7, lambda: NOW_NS, **self.more)

    def again(self):
        self.book.close()
        self.book = self._made()

    def opened(self):
        return [(each.asset, each.kind) for each in self.book.open_alarms()]


def test_an_alarm_is_open_until_it_is_cleared_and_stays_in_the_book(rig):
    rig.book.take([word(1, field="fillingLevel", value=0.95, limit=0.9)])
    (found,) = rig.book.open_alarms()
    assert (found.kind, found.severity, found.value, found.limit) == ("binFull", "warning", 0.95, 0.9)
    rig.again()
    assert rig.opened() == [("bin-1", "binFull")]
    rig.book.take([word(60, "cleared", value=0.1)])
    rig.again()
    assert rig.opened() == []
    (past,) = rig.book.alarms(None, None, 10)
    assert (past.raised_ns, past.cleared_ns, past.ended) == (START_NS + S, START_NS + 60 * S, "cleared")


def test_readings_gaps_and_events_without_an_id_are_no_alarms(rig):
    gap = word(1, kind="gap")
    nameless = Point("Alert", {**TAGS, "kind": "fire"}, START_NS, {"state": "raised"})
    rig.book.take([gap, nameless, Point("WasteContainer", TAGS, START_NS, {"fillingLevel": 0.5})])
    assert rig.book.alarms(None, None, 10) == []


WORDS = [
    word(1),
    word(60, "cleared"),
    word(70, "acknowledged", by="Lan", note="đã xem"),
    word(100, event="bin-1-binFull-aa-2"),
    word(200, event="bin-1-binFull-bb-1"),
]


@settings(max_examples=10, deadline=None)
@given(st.permutations(WORDS), st.sets(st.integers(0, 4)))
def test_words_in_any_order_and_said_twice_make_the_same_book(tmp_path_factory, order, twice):
    def book_of(words):
        rig = Rig(tmp_path_factory.mktemp("book"))
        for each in words:
            rig.book.take([each])
        found = sorted(rig.book.alarms(None, None, 10), key=lambda each: each.key)
        rig.book.close()
        return found

    assert book_of([*order, *(WORDS[n] for n in twice)]) == book_of(WORDS)


def test_a_new_card_closes_what_its_old_one_had_left_open(rig):
    rig.book.take([word(1), word(1, event="f", kind="fire"), word(500, event="bin-1-binFull-bb-1")])
    assert rig.opened() == [("bin-1", "binFull"), ("bin-1", "fire")]
    ended = {each.id: each.ended for each in rig.book.alarms(None, None, 10)}
    assert ended == {"bin-1-binFull-aa-1": "superseded", "f": "", "bin-1-binFull-bb-1": ""}


def test_one_asset_may_have_two_limits_open_at_a_time(rig):
    rig.book.take([word(1, event=field, kind="limit", field=field) for field in ("pH", "turbidity")])
    assert len(rig.opened()) == 2


def test_seen_is_noted_once_and_goes_upward_as_a_point_of_its_own(rig):
    rig.book.take([word(1)])
    (found,) = rig.book.open_alarms()
    first = rig.book.acknowledge(found.key, "Lan", "đã gọi xe")
    assert rig.book.acknowledge(found.key, "Minh", "again") == first
    (point,) = rig.up
    assert point.tags == {**TAGS, "kind": "binFull"}
    assert point.ts_ns % 1_000_000, "no node's event has that time"
    assert point.fields == {
        "id": "bin-1-binFull-aa-1",
        "state": "acknowledged",
        "severity": "warning",
        "by": "Lan",
        "note": "đã gọi xe",
    }
    rig.again()
    (again,) = rig.book.open_alarms()
    assert (again.acked_by, again.note, again.open) == ("Lan", "đã gọi xe", True)
    with pytest.raises(AlarmUnknown):
        rig.book.acknowledge("0" * 16, "Lan", "")


def test_an_acknowledgement_that_the_disk_does_not_take_is_none(rig):
    def full(_point):
        raise sqlite3.OperationalError("database or disk is full")

    rig.book.take([word(1)])
    rig.book._keep = full
    (found,) = rig.book.open_alarms()
    with pytest.raises(sqlite3.OperationalError):
        rig.book.acknowledge(found.key, "Lan", "")
    assert rig.book.open_alarms() == [found]


def test_the_book_is_bounded_and_forgets_what_is_over_first(tmp_path):
    rig = Rig(tmp_path, most_open=10, most_kept=20)
    rig.book.take([word(0, event="kept", asset="first")])
    for n in range(1, 60):
        rig.book.take(
            [word(n, event=f"e{n}", asset=f"bin-{n}"), word(n + 1, "cleared", f"e{n}", asset=f"bin-{n}")]
        )
    assert len(rig.book.alarms(None, None, 100)) == 20
    assert rig.opened() == [("first", "binFull")]
    rig.book.take([word(n, event=f"o{n}", asset=f"bin-{n}") for n in range(100, 150)])
    assert len(rig.opened()) == 10


def test_a_damaged_book_is_set_aside_and_a_new_one_begun(tmp_path, caplog):
    (tmp_path / "a.db").write_bytes(b"no database at all, and long enough to look like one" * 100)
    rig = Rig(tmp_path)
    rig.book.take([word(1)])
    assert rig.opened() == [("bin-1", "binFull")]
    assert "set aside as a.db.damaged-1" in caplog.text


def test_with_a_sick_disk_the_book_goes_on_in_memory_and_catches_up(rig, monkeypatch, caplog):
    write = rig.book._file.write
    monkeypatch.setattr(
        rig.book._file, "write", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("sick"))
    )
    rig.book.take([word(1)])
    rig.book.take([word(2, event="x", asset="bin-2")])
    assert len(rig.opened()) == 2
    assert caplog.text.count("the book goes on in memory") == 1
    monkeypatch.setattr(rig.book._file, "write", write)
    rig.book.take([word(3, "cleared", "x", asset="bin-2")])
    rig.again()
    assert rig.opened() == [("bin-1", "binFull")]


def test_the_pages_alarms_stay_when_they_are_seen_and_two_limits_are_two(tmp_path):
    history = History(tmp_path / "h.db")
    history.add([word(1), word(2, "acknowledged", by="Lan")])
    history.add([word(3, event=field, kind="limit", field=field) for field in ("pH", "turbidity")])
    (asset,) = history.latest()
    history.close()
    assert sorted((each.kind, each.state) for each in asset.alerts.values()) == [
        ("binFull", "raised"),
        ("limit", "raised"),
        ("limit", "raised"),
    ]


# At an edge ----------------------------------------------------------------------------------------------


def ask(url, body=None, token=None):
    headers = {"Authorization": f"Token {token}"} if token else {}
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


LINE = (
    'Alert,asset=bin-1,commune=18562,domain=waste,kind=binFull,province=42 id="bin-1-binFull-aa-1",'
    'gw="gw-01",ep="aa",seq=1i,state="raised",severity="warning",field="fillingLevel",value=0.95 '
    f"{START_NS}\n"
)
ADMIN = Token(name="admin", sha256=sha256(b"boss").hexdigest(), scopes=["admin", "read", "ingest"])


def write(url, line=LINE, token="boss"):
    headers = {"Authorization": f"Token {token}"}
    request = urllib.request.Request(f"{url}/api/v2/write?org=o&bucket=b", line.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 204


def test_a_child_raises_a_person_acknowledges_and_the_province_knows_both(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "c").mkdir()
    with edge_at_work(edge_config(tmp_path / "p", PROVINCE), serve=True) as (_, province):
        child = edge_config(tmp_path / "c", upstreams=[config(province)], tokens=[ADMIN])
        with edge_at_work(child, serve=True) as (edge, url):
            write(url)
            until(lambda: ask(f"{url}/v1/alarms")[1], what="the alarm")
            _, (alarm,) = ask(f"{url}/v1/alarms")
            assert (alarm["kind"], alarm["asset"], alarm["open"]) == ("binFull", "42/18562/waste/bin-1", True)
            seen = f"{url}/v1/alarms/{alarm['id']}/ack"
            assert ask(seen, {"by": "Lan"})[0] == 401
            assert ask(seen, {"by": " \n "}, "boss")[0] == 400
            assert ask(seen, {"who": "Lan"}, "boss")[0] == 400
            assert ask(seen, b"x" * 5000, "boss")[0] == 413
            assert ask(f"{url}/v1/alarms/nope/ack", {"by": "Lan"}, "boss")[0] == 404
            code, done = ask(seen, {"by": "Lan", "note": 'Đã gọi xe\n<b>"7 giờ"'}, "boss")
            assert (code, done["acknowledged"]["note"]) == (200, 'Đã gọi xe <b>"7 giờ"')
            assert ask(seen, {"by": "Minh"}, "boss")[1] == done
            assert sum("acknowledged" in line for line in kept(edge)) == 1

            def known():
                return ask(f"{province}/v1/alarms")[1] == [done]

            until(known, within_s=20, what="the province to know that it was seen, under the same id")
            metrics = urllib.request.urlopen(f"{url}/metrics", timeout=10).read().decode()
            assert 'commune_alarms_open{severity="warning"} 1.0' in metrics
            assert "commune_alarms_unacknowledged 0.0" in metrics
            ended = LINE.replace("raised", "cleared").replace("seq=1i", "seq=2i")
            write(url, ended.replace(str(START_NS), str(NOW_NS)))
            until(lambda: ask(f"{url}/v1/alarms")[1] == [], what="it to be over")
            for query, count in (
                ("state=all", 1),
                ("state=all&commune=18562", 1),
                ("state=all&commune=18563", 0),
                ("state=all&since=2027-01-01T00:00:00Z", 0),
            ):
                assert len(ask(f"{url}/v1/alarms?{query}")[1]) == count
            assert ask(f"{url}/v1/alarms?state=half")[0] == 400
            assert ask(f"{url}/v1/alarms?since=yesterday")[0] == 400


def test_what_was_committed_and_not_yet_in_the_book_is_read_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(AlarmBook, "take", lambda *_: None)  # killed between the commit and the book
    with edge_at_work(edge_config(tmp_path), serve=True) as (_, url):
        write(url)
        assert ask(f"{url}/v1/alarms")[1] == []
    monkeypatch.undo()
    edge = Edge(edge_config(tmp_path))
    assert [each.kind for each in edge.alarms.open_alarms()] == ["binFull"]
    edge.history.close()
    edge.spool.close()
    edge.alarms.close()


def test_a_stream_says_the_kind_and_the_id_of_a_new_alarm(tmp_path):
    with (
        edge_at_work(edge_config(tmp_path), serve=True) as (_, url),
        urllib.request.urlopen(f"{url}/v1/stream", timeout=10) as stream,
    ):
        assert b"retry" in stream.readline()
        write(url, token="")
        lines = iter(stream.readline, b"")
        name, data = next(pair for pair in itertools.pairwise(lines) if pair[0].startswith(b"event"))
        (alarm,) = ask(f"{url}/v1/alarms")[1]
        assert name == b"event: alert\n"
        body = json.loads(data.removeprefix(b"data: "))
        assert (body["kind"], body["alarm"]) == ("binFull", alarm["id"])


def test_hostile_words_are_cut_and_kept_as_text():
    alarm = told(None, word(1, event="e" * 9000, field="<script>" * 500, value="x" * 9000))
    assert max(map(len, (alarm.id, alarm.field, alarm.value))) <= 500
