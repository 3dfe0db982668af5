"""`commune edge`: it starts or says why not, stops in time, and answers about itself."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_api.cli import edge as commands
from gateway.spool import Gap, Refused
from tests.edge_api.edge_rig import edge_at_work, edge_config
from tests.edge_api.rig import config as upstream
from tests.edge_api.rig import segment
from tests.parts.http import ask
from tests.parts.influx2 import Influx2
from tests.parts.influx2_answers import UNAUTHORIZED, silence
from tests.parts.ports import free_port
from tests.parts.wait import until

COMMUNE = [sys.executable, "-c", "from gateway.cli import main; main()", "edge", "run"]


def toml(folder: Path, port: int, more: str = "") -> Path:
    path = folder / "edge.toml"
    path.write_text(
        f'[site]\nlevel = "province"\nprovince = "42"\n[http]\nhost = "127.0.0.1"\nport = {port}\n'
        f'[spool]\npath = "{folder}/edge.db"\n[history]\npath = "{folder}/history.db"\n{more}'
    )
    return path


def run(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMUNE, str(path)], capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def influx2() -> Iterator[Influx2]:
    with Influx2() as part:
        yield part


@pytest.mark.slow
@pytest.mark.parametrize(("number", "silent"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_a_running_edge_stops_when_told_also_with_a_silent_upstream(
    tmp_path: Path, influx2: Influx2, number: signal.Signals, silent: bool
) -> None:
    influx2.always(silence() if silent else None)
    port = free_port()
    path = toml(tmp_path, port, f'[[upstream]]\nname = "a"\nurl = "{influx2.url}"\n')
    with subprocess.Popen([*COMMUNE, str(path)], stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: _answers(port), within_s=30, what="the edge to serve")
            assert ask(port, "POST", "/api/v2/write", body=b"m v=1 1").status == 204
            until(lambda: influx2.held if silent else influx2.lines)
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(15) == 0
            assert time.monotonic() - began < 10
        finally:
            process.kill()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    influx2.release()


def _answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/ping").status == 204
    except OSError:
        return False


@pytest.mark.slow
def test_a_port_in_use_is_named_with_exit_code_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found = run(toml(tmp_path, port))
    assert found.returncode == 2
    assert f"[http] port: 127.0.0.1:{port} cannot be listened on: Address already in use" in found.stderr
    assert "choose another port" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.slow
def test_a_wrong_file_is_told_with_exit_code_2(tmp_path: Path) -> None:
    path = toml(tmp_path, 8086, '[[upstream]]\nname = "a"\nurl = "http://h:1"\ntoken_file = "/nowhere"\n')
    found = run(path)
    assert found.returncode == 2
    assert "upstream a: token_file: /nowhere cannot be read" in found.stderr
    assert run(tmp_path / "no.toml").returncode == 2


@pytest.mark.slow
def test_a_place_where_no_spool_can_be_made_is_told_without_a_traceback(tmp_path: Path) -> None:
    path = toml(tmp_path, free_port())
    path.write_text(path.read_text().replace("/edge.db", "/edge.toml/edge.db"))
    found = run(path)
    assert found.returncode != 0
    assert f"{path}/edge.db" in found.stderr
    assert "Traceback" not in found.stderr


def call(*words: str) -> Result:
    return CliRunner().invoke(commands, words)


def test_status_says_what_waits_and_fails_when_an_upstream_is_away(tmp_path: Path, influx2: Influx2) -> None:
    config = edge_config(tmp_path, upstreams=[upstream(influx2.url)])
    with edge_at_work(config, serve=True) as (edge, url):
        edge.spool.append([segment(range(1, 6))])
        until(lambda: edge.relays[0].drained)
        fine = call("status", "--url", url)
        assert (fine.exit_code, fine.output) == (0, "province: idle; waiting: 0 events, 0 live, 0 backlog\n")
        influx2.always(UNAUTHORIZED)
        edge.spool.append([segment(range(6, 9))])
        until(lambda: edge.relays[0].state.value == "holding")
        away = call("status", "--url", url)
        assert away.exit_code == 1
        assert away.output.startswith("province: holding; waiting: 0 events, 3 live, 0 backlog\n")
        assert "last error: 401 unauthorized access" in away.output
        facts = call("status", "--json", "--url", url)
        assert facts.exit_code == 1
        assert json.loads(facts.output)["upstreams"][0]["lanes"]["live"]["points"] == 3


def test_gaps_and_quarantine_list_what_is_missing_and_refused(tmp_path: Path) -> None:
    with edge_at_work(edge_config(tmp_path), serve=True) as (edge, url):
        for command in ("gaps", "quarantine"):
            assert (call(command, "--url", url).exit_code, call(command, "--url", url).output) == (0, "")
            assert json.loads(call(command, "--json", "--url", url).output) == []
        edge.spool.append(
            [segment([1, 12])],
            gaps=[Gap(("gw-01", "aa"), 2, 9, "quota")],
            refused=[Refused("mqtt", "ntm/v1/x", "not JSON", b"{")],
        )
        gaps = call("gaps", "--url", url)
        assert gaps.exit_code == 1
        assert gaps.output == (
            "gw-01/aa: 2 to 9: quota, there was no room left for them\n"
            "gw-01/aa: 10 to 11: unknown, they have not come; the node may still have them\n"
        )
        edge.spool.append(
            (), gaps=[Gap.of_time(("gw-01", "aa"), "power", 1_790_000_000 * 10**9, 1_790_003_600 * 10**9)]
        )
        assert (
            "gw-01/aa: 2026-09-21T14:13:20.000Z to 2026-09-21T15:13:20.000Z: power,"
            " trạm đo bị mất điện hoặc tắt máy\n" in call("gaps", "--url", url, "--lang", "vi").output
        )
        assert json.loads(call("gaps", "--json", "--url", url).output)[1]["from"] == 2
        quarantine = call("quarantine", "--url", url)
        assert (quarantine.exit_code, quarantine.output) == (1, "1: not JSON\n    {\n")
        assert json.loads(call("quarantine", "--json", "--url", url).output)[0]["line"] == "{"


def test_asking_where_no_edge_is_says_so(influx2: Influx2) -> None:
    nobody = call("status", "--url", f"http://127.0.0.1:{free_port()}")
    assert nobody.exit_code == 1
    assert "is it running?" in nobody.output
    other = call("status", "--url", influx2.url)
    assert other.exit_code == 1
    assert "answers 404" in other.output
    strange = call("gaps", "--url", influx2.url + "/ping?")
    assert strange.exit_code == 1
