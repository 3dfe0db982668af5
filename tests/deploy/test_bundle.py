"""The bundle on a machine without any network, and what it refuses to install; secrets in a vault."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.lab import ansible, bundle, key_pair
from tests.deploy.machine import Machine

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900), pytest.mark.xdist_group("deploy")]


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.fail("the machines of the lab need root")
    folder = tmp_path_factory.mktemp("bundle")
    key = key_pair(folder)
    made = bundle(folder, key)
    machine = Machine(folder, "lone", 20, None)
    place = machine.root / "root"
    subprocess.run(["tar", "-C", str(place), "-xf", str(made)], check=True)
    (place / "bundle.pub").write_bytes(key.with_suffix(".pub").read_bytes())
    with machine:
        yield machine


def install(machine: Machine) -> "subprocess.CompletedProcess[str]":
    words = "--key /root/bundle.pub --to /opt/commune/releases/0.1.0"
    return machine.run(f"bash /root/commune-bundle-0.1.0/install.sh {words}", check=False)


def test_a_bundle_installs_where_there_is_no_network_at_all(lone: Machine) -> None:
    assert lone.run("ls /sys/class/net").stdout.split() == ["lo"]
    done = install(lone)
    assert done.returncode == 0, done.stderr
    assert "0.1.0" in lone.run("/opt/commune/releases/0.1.0/bin/commune --version").stdout
    again = install(lone)
    assert again.returncode != 0
    assert "holds a whole release already" in again.stderr


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("echo 'click==0' >> requirements.lock", "a file is not as it was signed"),
        ("echo x > wheels/extra.whl", "these files are not signed"),
        ("sha256sum VERSION > SHA256SUMS", "the signature of SHA256SUMS does not fit"),
    ],
)
def test_a_bundle_that_was_changed_is_not_installed(lone: Machine, spoil: str, said: str) -> None:
    lone.run("rm -rf /opt/commune/releases && cp -r /root/commune-bundle-0.1.0 /root/whole")
    try:
        lone.run(f"cd /root/commune-bundle-0.1.0 && {spoil}")
        done = install(lone)
        assert done.returncode != 0
        assert said in done.stderr
        assert lone.run("ls /opt/commune/releases", check=False).stdout == ""
    finally:
        lone.run("rm -rf /root/commune-bundle-0.1.0 && mv /root/whole /root/commune-bundle-0.1.0")


def test_a_token_in_a_vault_comes_out_with_its_password_only(tmp_path: Path) -> None:
    folder = ansible()
    (tmp_path / "password").write_text("only-here\n")
    (tmp_path / "wrong").write_text("another\n")
    vault = tmp_path / "vault.yml"
    vault.write_text("vault_province_token: the-token\n")

    def run(program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(folder / program), *words], capture_output=True, text=True, check=False, cwd=tmp_path,
            env=os.environ | {"ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible"), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    assert run("ansible-vault", "encrypt", "--vault-password-file", "password", str(vault)).returncode == 0
    assert "the-token" not in vault.read_text()
    ask = ("-i", "localhost,", "-c", "local", "all", "-m", "ansible.builtin.debug",
           "-a", "var=vault_province_token", "-e", f"@{vault}")  # fmt: skip
    assert "the-token" in run("ansible", *ask, "--vault-password-file", "password").stdout
    refused = run("ansible", *ask, "--vault-password-file", "wrong")
    assert refused.returncode != 0
    assert "the-token" not in refused.stdout + refused.stderr
