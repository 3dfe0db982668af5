"""The broker's files as a person gets them: what is wrong is said before Mosquitto says it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

COMMUNE = '[site]\nlevel = "commune"\nprovince = "42"\ncommune = "18562"\n'
PROVINCE = '[site]\nlevel = "province"\nprovince = "42"\n'
FILES = 'ca_file = "/c/ca.pem"\ncert_file = "/c/b.pem"\nkey_file = "/c/b.key"\n'
NODE = '[[broker.node]]\ngw = "gw-01"\n'


def write(folder: Path, text: str, *more: str) -> Result:
    (folder / "edge.toml").write_text(text)
    words = ["edge", "broker", str(folder / "edge.toml"), "--out", str(folder / "out"), *more]
    return CliRunner().invoke(main, words)


def test_two_files_are_written_and_what_is_missing_is_said(tmp_path: Path) -> None:
    done = write(tmp_path, f"{COMMUNE}[broker]\n{FILES}", "--json")
    facts = json.loads(done.output)
    assert [Path(each).name for each in facts["files"]] == ["mosquitto.conf", "acl"]
    assert [each.split(":")[0] for each in facts["warnings"]] == [
        "[broker] crl_file is missing",
        "there is no [[broker.node]]",
    ]
    again = write(tmp_path, f'{COMMUNE}[broker]\n{FILES}crl_file = "/c/crl.pem"\n{NODE}')
    assert (again.exit_code, "warning" in again.output) == (0, False)
    assert "user 42-18562-gw-01" in (tmp_path / "out" / "acl").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COMMUNE, "the table [broker] is missing"),
        (f"{COMMUNE}[broker]\n", "[broker] ca_file: it is missing"),
        (f'[site]\nlevel = "central"\n[broker]\n{FILES}', "[site] province is missing"),
        (f'{COMMUNE}[broker]\n{FILES}communes = ["18565"]', "they call in at a province"),
        (f'{PROVINCE}[broker]\n{FILES}communes = ["185"]', "'185' is not a 5-digit unit code"),
        (f"{PROVINCE}[broker]\n{FILES}{NODE}", "nodes belong to a commune"),
        (f"{COMMUNE}[broker]\n{FILES}{NODE}{NODE}", "broker.node gw-01: there are two of that name"),
        (f'{COMMUNE}[broker]\n{FILES}{NODE}assets = ["bin-1"]', "'bin-1' is not \"domain/asset\""),
        (f'{COMMUNE}[broker]\n{FILES}{NODE}assets = ["waste/#"]', "'waste/#' is not"),
        (f'{COMMUNE}[broker]\n{FILES}[[broker.node]]\ngw = "gw 1\\ntopic write #"', "is not made of a-z"),
        (f'{COMMUNE}[broker]\n{FILES}monitors = ["ioc\\ntopic write #"]', "is no common name"),
        (f'{COMMUNE}[broker]\n{FILES}store = "/a\\nuser root"', "a path with a line's end"),
        (f'{COMMUNE}[broker]\n{FILES}[broker.bridge]\nhost = "a b"\n{FILES}', "'a b' is no host name"),
        (f'{COMMUNE}[broker]\n{FILES}[broker.bridge]\nhost = "h"', "the broker above wants a certificate"),
        (f'{PROVINCE}[broker]\n{FILES}[broker.bridge]\nhost = "h"\n{FILES}', "only a commune has one"),
    ],
)
def test_what_cannot_work_or_would_smuggle_in_a_line_is_refused(tmp_path: Path, text: str, said: str) -> None:
    refused = write(tmp_path, text)
    assert refused.exit_code == 2
    assert said in refused.output
    assert not (tmp_path / "out").exists()


def test_the_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    refused = write(tmp_path, f"{COMMUNE}[broker]\n{FILES}")
    assert refused.exit_code == 2
    assert f"--out: {tmp_path}/out cannot be written" in refused.output
