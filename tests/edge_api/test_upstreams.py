"""Real databases: what they hold is exactly what was committed, also when they are killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_api.lines import join_lines
from edge_api.relay_state import State
from edge_api.upstream import make_sink
from gateway.spool import READINGS, Segment, Spool
from tests.edge_api.rig import START_NS, config, drained, hasty, line, quarantined, relaying, segment
from tests.parts.influxd import InfluxDB
from tests.parts.victoria import VictoriaMetrics
from tests.parts.wait import until

__all__ = ["hasty"]
pytestmark = pytest.mark.parts


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


def url(part: InfluxDB | VictoriaMetrics) -> str:
    return f"http://{part.address}"


def of(*texts: str) -> Segment:
    return Segment(READINGS, len(texts), "", join_lines([text.encode() for text in texts]))


def seqs(database: InfluxDB) -> list[int]:
    return [row["seq"] for row in database.query('SELECT seq FROM "WasteContainer"')]


def test_texts_numbers_truths_and_nanoseconds_come_back_exactly(spool: Spool, influxdb: InfluxDB) -> None:
    text = 'nước "sạch", a=b\\c\nhàng 2'
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    fields = f's="{escaped}",i={2**53 + 1}i,f=0.1,one=1.0,t=true,n=false'
    spool.append([of(f'm,asset=b\\ 1,place=5"pipe {fields} {START_NS + 7}')])
    with relaying(spool, url(influxdb), api="v1") as relay:
        drained(relay)
    [row] = influxdb.query('SELECT * FROM "m"')
    assert row == {
        "time": START_NS + 7, "asset": "b 1", "place": '5"pipe', "s": text, "i": 2**53 + 1,
        "f": 0.1, "one": 1.0, "t": True, "n": False,
    }  # fmt: skip
    assert influxdb.field_types("m") == {
        "s": "string", "i": "integer", "f": "float", "one": "float", "t": "boolean", "n": "boolean",
    }  # fmt: skip


def test_only_the_line_with_another_type_is_quarantined(spool: Spool, influxdb: InfluxDB) -> None:
    influxdb.write(f"WasteContainer,asset=bin-1 fillingLevel=0.5 {START_NS}")  # types are fixed a shard
    bad = line(50, ',fillingLevel="half"')
    spool.append([segment(range(1, 40)), of(line(49), bad, line(51)), segment(range(60, 70))])
    with relaying(spool, url(influxdb), api="v1") as relay:
        drained(relay)
    assert list(quarantined(spool)) == [bad]
    assert "field type conflict" in quarantined(spool)[bad]
    assert [seq for seq in seqs(influxdb) if seq] == [*range(1, 40), 49, 51, *range(60, 70)]


def test_a_missing_database_holds_everything_until_it_is_made(
    spool: Spool, influxdb: InfluxDB, hasty: None
) -> None:
    spool.append([segment(range(1, 10))])
    with relaying(spool, url(influxdb), api="v1", bucket="later") as relay:
        until(lambda: relay.state is State.HOLDING)
        assert relay.last_error == '404 database not found: "later"'
        influxdb.create_database("later")
        drained(relay)
    assert len(influxdb.query('SELECT seq FROM "WasteContainer"', database="later")) == 9


def test_v1_logs_in_with_a_password_in_any_letters(spool: Spool, tmp_path: Path, hasty: None) -> None:
    (tmp_path / "influx").mkdir()
    (tmp_path / "password").write_text("mật khẩu\n")
    (tmp_path / "password").chmod(0o600)
    with InfluxDB(folder=tmp_path / "influx") as influxdb:
        influxdb.query("CREATE USER \"xã\" WITH PASSWORD 'mật khẩu' WITH ALL PRIVILEGES")
        conf = influxdb.arguments()[1]
        Path(conf).write_text(Path(conf).read_text().replace("[http]", "[http]\nauth-enabled = true"))
        influxdb.arguments = lambda: ["-config", conf]  # type: ignore[method-assign]
        influxdb.create_database = lambda name: None  # type: ignore[method-assign]
        influxdb.restart()
        spool.append([segment([1])])
        with relaying(spool, url(influxdb), api="v1", username="xã") as relay:
            until(lambda: relay.state is State.HOLDING)
            assert (relay.last_error or "").startswith("401 ")
        who = {"username": "xã", "password_file": tmp_path / "password"}
        with relaying(spool, url(influxdb), "again", api="v1", **who) as relay:
            drained(relay)


def test_a_database_killed_in_the_middle_has_everything_in_the_end(
    spool: Spool, influxdb: InfluxDB, hasty: None
) -> None:
    with relaying(spool, url(influxdb), api="v1", max_bytes=2_000) as relay:
        for first in range(1, 20_001, 100):
            spool.append([segment(range(first, first + 100))])
            if first in (5_001, 12_001):
                until(lambda: relay.delivered > 1_000)
                influxdb.kill()
            elif first in (7_001, 14_001):
                influxdb.start()
        drained(relay, 30)
    assert seqs(influxdb) == list(range(1, 20_001))
    assert not quarantined(spool)


def test_a_database_that_forgets_what_it_confirmed_is_sent_the_last_window_again(
    spool: Spool, victoria: VictoriaMetrics, hasty: None
) -> None:
    with relaying(spool, url(victoria)) as relay:
        for first in range(1, 2_001, 100):
            spool.append([segment([seq * 1_000_000 for seq in range(first, first + 100)])])
        drained(relay)
        victoria.kill()
        victoria.start()
        assert victoria.count('{__name__="WasteContainer_seq"}') < 2_000, "it did not forget: no proof"
        spool.append([segment([2_001 * 1_000_000])])
        until(lambda: victoria.count('{__name__="WasteContainer_seq"}') == 2_001)
        drained(relay)
    assert relay.sent_again == 2_000


def test_v1_and_v2_both_count_a_connection_that_was_made_again(
    influxdb: InfluxDB, victoria: VictoriaMetrics
) -> None:
    body = join_lines([line(1).encode()])
    for part, api in ((influxdb, "v1"), (victoria, "v2")):
        sink = make_sink(config(url(part), api=api))
        for _ in range(2):
            sink.write(body)
            assert sink.connections() == 1
        part.restart()
        sink.write(body)
        assert sink.connections() == 2
        sink.close()
