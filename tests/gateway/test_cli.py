"""Tests of the command line: what it prints, with which exit code, and what it does not load to do so."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from gateway.cli import PURPOSES, main

SITE = '[site]\nprovince = "42"\ncommune = "18562"\ngw = "gw-01"\n'


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.delenv("COMMUNE_SITE_GW", raising=False)
    path = tmp_path / "node.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


def commune(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_good_file_is_ok(file):
    result = commune("node", "config", file)
    assert (result.exit_code, result.stdout) == (0, f"{file}: ok, 0 devices, 0 assets\n")


def test_a_good_file_is_ok_in_json(file):
    result = commune("node", "config", file, "--json")
    assert json.loads(result.stdout) == {"ok": True, "problems": [], "devices": 0, "assets": 0}


def test_a_wrong_file_is_told_on_standard_error_with_exit_code_2(file):
    file.write_text(SITE.replace("42", "4").replace("gw-01", "GW"), encoding="utf-8")
    result = commune("node", "config", file)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(": ")[1][:10] for line in result.stderr.splitlines()] == ["[site] pro", "[site] gw"]


def test_a_wrong_file_is_told_in_json_with_exit_code_2(file):
    file.write_text(SITE + "[mqtt]\nprot = 1\n", encoding="utf-8")
    result = commune("node", "config", file, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "ok": False,
        "problems": [f"{file}: [mqtt] unknown key 'prot'; did you mean 'port'?"],
    }


def test_a_node_with_a_wrong_file_does_not_start_and_says_why_without_a_traceback(file):
    file.write_text("[site]\n", encoding="utf-8")
    result = commune("node", "run", file)
    assert result.exit_code == 2
    assert "[site] the key 'province' is missing" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_command_is_wrong_usage():
    result = commune("nood")
    assert result.exit_code == 2
    assert "No such command" in result.stderr


def test_the_help_names_the_rooms_commands():
    result = commune("--help")
    assert result.exit_code == 0
    assert all(purpose in result.stdout for purpose in PURPOSES.values())


@pytest.mark.parametrize("arguments", [["--help"], ["node", "--help"], ["node", "config", "/nowhere"]])
def test_a_command_loads_no_room_above_its_own(arguments):
    program = (
        "import sys; from gateway.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "above = {'edge_api', 'simulators', 'fastapi', 'sqlmodel', 'gpiozero', 'paho'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {above}' if above else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
