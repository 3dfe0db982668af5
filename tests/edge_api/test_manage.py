"""A person mends what no one took, and carries data on a stick, by the commands that the documents print."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_api.cli_manage import edge
from tests.faults.backlog import STREAM, fill
from tests.faults.rig import EdgeProgram, v1_upstream
from tests.faults.test_kills import SITE
from tests.parts.http import ask
from tests.parts.influxd import InfluxDB
from tests.parts.wait import until

pytestmark = pytest.mark.parts
PROVINCE = 'level = "province"\nprovince = "42"'


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(edge, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def test_a_refused_line_is_mended_and_arrives(tmp_path: Path) -> None:
    with InfluxDB() as database, EdgeProgram(tmp_path / "e", SITE, extra=v1_upstream(database)) as program:
        url = ("--url", f"http://{program.address}")
        good = "Device,asset=a,commune=18562,domain=gateway,province=42 rssi=-70.5 1790000000000000000"
        bad = 'Device,asset=a,commune=18562,domain=gateway,province=42 rssi="strong" 1790000001000000000'
        for line in (good, bad):
            assert (
                ask(program.port, "POST", "/api/v2/write", {"precision": "ns"}, line.encode()).status == 204
            )
        until(
            lambda: json.loads(ask(program.port, "GET", "/v1/quarantine").body),
            within_s=20,
            what="quarantine",
        )
        (row,) = json.loads(run("quarantine", *url, "--json", code=1))
        assert "type conflict" in row["reason"]
        number = str(row["id"])
        mended = tmp_path / "line"
        mended.write_text("no line protocol")
        assert "unable to parse" in run("quarantine", "replay", number, "--line", str(mended), *url, code=1)
        mended.write_text(bad.replace('"strong"', "-51.0"))
        run("quarantine", "replay", number, "--line", str(mended), *url)
        until(lambda: database.count("Device", "rssi") == 2, within_s=20, what="the mended line to arrive")
        assert run("quarantine", *url, "--json") == "[]\n"
        assert "404" in run("quarantine", "drop", number, *url, code=1)


def test_a_commune_without_a_link_sends_its_readings_on_a_stick_and_the_receipt_frees_its_spool(
    tmp_path: Path,
) -> None:
    keys = {name: run("key", str(tmp_path / f"{name}.pem")).strip() for name in ("commune", "province")}

    def exchange(own: str, other: str) -> str:
        trust = f'[[trust]]\nname = "{other}"\npublic_key = "{keys[other]}"\n'
        return f'[exchange]\nkey_file = "{tmp_path}/{own}.pem"\n{trust}'

    commune = EdgeProgram(tmp_path / "c", SITE, extra=exchange("commune", "province"))
    fill(commune.folder / "edge.db", 3_000)
    stick, receipt = str(tmp_path / "stick"), str(tmp_path / "receipt")
    with commune, EdgeProgram(tmp_path / "p", PROVINCE, extra=exchange("province", "commune")) as province:
        here, there = ("--url", f"http://{commune.address}"), ("--url", f"http://{province.address}")
        run("export", stick, *here)
        first = json.loads(run("import", stick, "--receipt", receipt, "--json", *there))
        again = json.loads(run("import", stick, "--json", *there))
        assert first["points"] == again["points"] == 3_000
        assert first["problem"] is None
        assert len(province.seen(STREAM)) == 3_000
        metrics = ask(province.port, "GET", "/metrics").text
        assert "duplicates_total 3000.0" in metrics
        assert json.loads(run("import", receipt, "--json", *here))["released"] == 3_000
        run("export", stick, *here)
        assert Path(stick).stat().st_size == 0
        Path(stick).write_bytes(Path(receipt).read_bytes()[:-1])
        assert "ends in the middle" in run("import", stick, *here, code=1)
        untrusted = run("import", receipt, *there, code=1)
        assert "[[trust]]" in untrusted
