"""The bundle on a Pi's architecture, emulated and without a network: its wheels fit, the release starts."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.image import blank
from tests.deploy.lab import bundle, key_pair

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800), pytest.mark.xdist_group("deploy")]
RELEASE = "/opt/commune/releases/0.1.0"


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.fail("another root folder needs root")
    folder = tmp_path_factory.mktemp("arm64")
    key = key_pair(folder)
    made = bundle(folder, key, platforms="aarch64:3.11 aarch64:3.13")
    root = folder / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", str(root), "-xf", str(blank(arch="arm64"))], check=True)
    subprocess.run(["tar", "-C", str(root / "root"), "-xf", str(made)], check=True)
    (root / "root/bundle.pub").write_bytes(key.with_suffix(".pub").read_bytes())
    yield root
    subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)


def run(root: Path, script: str) -> "subprocess.CompletedProcess[str]":
    inside = [
        "unshare",
        "--net",
        "--pid",
        "--fork",
        f"--mount-proc={root}/proc",
        "chroot",
        str(root),
        "bash",
        "-c",
        script,
    ]
    return subprocess.run(inside, capture_output=True, text=True, check=False, timeout=1500)


def test_the_bundle_installs_on_a_pis_architecture(pi: Path) -> None:
    assert run(pi, "uname -m").stdout.strip() == "aarch64"
    began = time.monotonic()
    done = run(pi, f"bash /root/commune-bundle-0.1.0/install.sh --key /root/bundle.pub --to {RELEASE}")
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    began = time.monotonic()
    assert "0.1.0" in run(pi, f"{RELEASE}/bin/commune --version").stdout
    print(f"\nby emulation: installed in {took:.0f} s, its version after {time.monotonic() - began:.1f} s")


def test_what_is_compiled_in_the_wheels_runs_there(pi: Path) -> None:
    config = "[site]\nprovince = '42'\ncommune = '18562'\ngw = 'gw-01'\n"
    (pi / "root/node.toml").write_text(config)
    done = run(pi, f"{RELEASE}/bin/commune node config /root/node.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    modules = "msgspec, cryptography.hazmat.bindings._rust, pydantic_core, isal.igzip, gpiod"
    done = run(pi, f"{RELEASE}/bin/python -c 'import {modules}, edge_api.edge, gateway.node'")
    assert done.returncode == 0, done.stderr
