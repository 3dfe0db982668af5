"""`commune edge password`, as whoever installs an edge runs it: at a terminal, and kept for its owner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SITE = '[site]\nlevel = "commune"\nprovince = "42"\ncommune = "18562"\n'
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main()", "edge", "password"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "edge.toml"
    file.write_text(f'{SITE}[page]\naccounts = "{tmp_path}/accounts"\n[http]\nport = 8601\n')
    return file


@pytest.mark.slow
def test_at_a_terminal_it_asks_twice_shows_nothing_and_says_where_to_log_in(config: Path) -> None:
    ours, its = os.openpty()
    command = [*COMMAND, str(config), "--name", "lan"]
    # A session without a terminal of its own: getpass then takes what stands on the standard input.
    asked = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    said = b""

    def hear(until: bytes) -> None:
        nonlocal said
        while until not in said:
            said += os.read(ours, 4096)

    hear(b"New password of lan")
    os.write(ours, "chín mươi chín\n".encode())
    hear(b"epeat")
    os.write(ours, "chín mươi chín\n".encode())
    hear(b"/login")
    assert asked.wait(60) == 0
    os.close(ours)
    assert "chín" not in said.decode(), "nobody reads it over a shoulder"
    assert b"lan may log in now (admin)" in said
    assert b":8601/login" in said
    accounts = config.with_name("accounts")
    assert accounts.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(accounts.read_bytes())) == ["lan"]


@pytest.mark.slow
def test_a_short_password_is_refused_and_nothing_is_written(config: Path) -> None:
    done = subprocess.run(
        [*COMMAND, str(config), "--stdin"],
        input="kurz\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "too short: 10 letters at least" in done.stderr
    assert not config.with_name("accounts").exists()
