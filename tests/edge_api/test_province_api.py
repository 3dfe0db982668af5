"""The programme's questions over HTTP: answered with coverage, refused with what would be right."""

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_api.cli_province import edge as commands
from edge_api.point import Point
from edge_api.province.indicators import NAMES
from gateway.feed import Meta
from tests.edge_api.conftest import Client
from tests.edge_api.fake_edge import NOW_NS, FakeEdge

TAGS = {"province": "42", "commune": "18562", "domain": "waste", "asset": "bin-1"}
HOSTILE = '=cmd|"<script>alert(1)</script>'


@pytest.fixture
def counted(edge: FakeEdge, tmp_path: Path) -> Iterator[FakeEdge]:
    edge.count_for_a_programme(tmp_path)
    assert edge.office is not None
    body = Meta(v=1, type="WasteContainer", id="bin-1", name=HOSTILE, gw="gw-01", interval=60, staleAfter=180)
    edge.history.meta("42", "18562", "waste", body)
    times = range(NOW_NS - 7200 * 10**9, NOW_NS - 3600 * 10**9, 60 * 10**9)
    edge.history.add([Point("WasteContainer", TAGS, at, {"fillingLevel": 0.95}) for at in times])
    edge.office.keeper.work(all_of_it=True)
    yield edge
    edge.office.keeper.close()


def test_an_edge_without_the_table_says_so(client: Client) -> None:
    answer = client.get("/v1/indicators")
    assert answer.status == 404
    assert "[province]" in answer.json()["detail"]


def test_the_registry_says_who_is_silent_and_completeness_what_is_missing(
    counted: FakeEdge, client: Client
) -> None:
    (asset,) = client.get("/v1/registry?silent=true").json()
    assert asset["key"] == "42/18562/waste/bin-1"
    assert asset["silentFor"] == pytest.approx(3660)
    (day,) = client.get("/v1/completeness?commune=18562").json()
    assert (day["day"], day["name"]) == ("2026-11-23", "Xã Thạch Hà")
    assert (day["present"], day["missing"]) == (60, 60)
    assert client.get("/v1/completeness?commune=18073").json() == []
    metrics = client.get("/metrics").data.decode()
    assert 'commune_silent_assets{commune="18562"} 1.0' in metrics
    assert 'commune_missing_readings{commune="18562",reason="unknown"} 60.0' in metrics
    assert f'commune_late_readings{{commune="18562"}} {day["late"]:.1f}' in metrics
    assert f'commune_uncertain_readings{{commune="18562"}} {day["uncertain"]:.1f}' in metrics


def test_the_communes_are_listed_with_their_days_and_also_when_the_file_of_the_days_fails(
    counted: FakeEdge, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted.level = "province"
    told = client.get("/").data.decode()
    assert "60/120" in told
    assert "Số liệu hôm qua" in told

    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    assert counted.office is not None
    assert "14 ngày qua" in told
    assert "Đã tính 1 ngày, 1 ngày thiếu; thấp nhất ngày 23/11: 50,0 %" in told
    monkeypatch.setattr(counted.office._file, "arrived", fails)
    answer = client.get("/")
    assert answer.status == 200
    assert "Xã Thạch Hà" in answer.data.decode()
    assert "60/120" not in answer.data.decode()


def test_no_figure_goes_without_its_coverage(counted: FakeEdge, client: Client) -> None:
    period = client.get("/v1/indicators?commune=18562").json()
    assert {each["name"] for each in period["figures"]} <= set(NAMES)
    assert all(each["coverage"] is not None or each["value"] is None for each in period["figures"])
    by_name = {each["name"]: each for each in period["figures"]}
    assert by_name["overflow-hours"]["value"] == pytest.approx(62 / 60), "the last one counts three minutes"
    assert by_name["overflow-hours"]["coverage"] == pytest.approx(62 / 120)
    (day,) = client.get("/v1/indicators/daily?name=overflow-hours&commune=18562").json()
    assert day["figures"][0]["value"] == pytest.approx(62 / 60)


def test_a_period_comes_as_a_table_that_no_spreadsheet_runs(counted: FakeEdge, client: Client) -> None:
    text = client.get("/v1/indicators?format=csv&lang=en").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["Code"] == "completeness"
    assert float(rows[0]["Figure"]) == pytest.approx(50.0)
    book = client.get("/v1/indicators?format=xlsx").data
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert "Độ phủ" in parts.read("xl/sharedStrings.xml").decode()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/indicators?from=yesterday", "write it as 2026-11-25"),
        ("/v1/indicators?from=2026-11-25&to=2026-11-01", "is after to"),
        ("/v1/indicators?from=2020-01-01&to=2026-01-01", "at most 400 days"),
        ("/v1/indicators?name=beauty", "is none of completeness"),
        ("/v1/indicators?format=pdf", "format"),
        ("/report?commune=18562&month=13-2026", "write it as 2026-11"),
        ("/report?commune=18562&month=2026-13", "is not a"),
    ],
)
def test_a_wrong_question_is_answered_with_what_would_be_right(
    counted: FakeEdge, client: Client, path: str, message: str
) -> None:
    answer = client.get(path)
    assert answer.status == 400
    assert message in answer.json()["detail"]


def test_the_report_is_one_page_that_runs_nothing(counted: FakeEdge, client: Client) -> None:
    answer = client.get("/report?commune=18562&month=2026-11")
    html = answer.data.decode()
    assert answer.status == 200
    assert "Xã Thạch Hà" in html
    assert "Độ phủ số liệu" in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html, "a hostile name is shown as it is"
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    assert client.get("/report?commune=99999&month=2026-11").status == 404


def test_the_commands_ask_a_running_edge(counted: FakeEdge, client: Client, tmp_path: Path) -> None:
    where = ["--url", client.url, "--commune", "18562"]
    shown = CliRunner().invoke(commands, ["indicators", *where, "--lang", "vi"])
    assert shown.exit_code == 0, shown.output
    assert "Số giờ thùng rác bị đầy" in shown.output
    facts = json.loads(CliRunner().invoke(commands, ["indicators", *where, "--json"]).output)
    assert facts["commune"] == "18562"
    file = tmp_path / "table.xlsx"
    assert CliRunner().invoke(commands, ["indicators", *where, "--out", str(file)]).exit_code == 0
    assert zipfile.is_zipfile(file)
    page = tmp_path / "report.html"
    made = CliRunner().invoke(commands, ["report", *where, "--month", "2026-11", "--out", str(page)])
    assert made.exit_code == 0, made.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert CliRunner().invoke(commands, ["indicators", *where, "--out", "x.pdf"]).exit_code == 2
