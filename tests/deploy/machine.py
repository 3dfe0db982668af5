"""Machines of the lab: containers with systemd as PID 1 on a bridge of their own, reached by SSH."""

import ipaddress
import os
import signal
import subprocess
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.deploy.image import ready
from tests.parts.wait import until

NET = ipaddress.ip_network("10.97.31.0/24")
BOOT_S = 240.0  # a machine for tests is often a busy one


class Network:
    """A bridge that only these machines and this one are on."""

    def __init__(self) -> None:
        self.bridge = f"cml{os.getpid() % 1_000_000}"
        self.here = str(NET[1])

    def __enter__(self) -> Self:
        for words in (
            ("link", "add", self.bridge, "type", "bridge"),
            ("addr", "add", f"{self.here}/{NET.prefixlen}", "dev", self.bridge),
            ("link", "set", self.bridge, "up"),
        ):
            subprocess.run(["ip", *words], check=True, capture_output=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["ip", "link", "del", self.bridge], check=True, capture_output=True)


class Machine:
    """One machine with its disk in a folder; `cut` takes its power away, `boot` gives it back."""

    def __init__(self, folder: Path, name: str, number: int, network: Network | None) -> None:
        """Lay the disk; `number` is the last byte of its address, None for a machine without any network."""
        self.name = name
        self.address = str(NET[number])
        self.root = folder / name
        self.key = folder / "id_ed25519"
        self._network = network
        self._log = folder / f"{name}.console"
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        self.lay()

    def lay(self) -> None:
        """Lay a new card into the machine: nothing of what was on the old one is left."""
        folder = self._folder
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.root)], check=True)
        if not self.key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        self.root.mkdir()
        subprocess.run(["tar", "-C", str(self.root), "-xf", str(ready())], check=True)
        ssh = self.root / "root/.ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        (ssh / "authorized_keys").write_text((folder / "id_ed25519.pub").read_text())
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        # Without a name of its own it would take this for its first boot, and switch every unit on.
        (self.root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
        settings = self.root / "etc/systemd/network/10-lab.network"
        settings.write_text(f"[Match]\nName=host0\n[Network]\nAddress={self.address}/{NET.prefixlen}\n")
        wants = self.root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "systemd-networkd.service").symlink_to("/lib/systemd/system/systemd-networkd.service")

    def boot(self) -> None:
        """Switch the machine on, and wait until systemd has started what it should."""
        way = [f"--network-bridge={self._network.bridge}"] if self._network else ["--private-network"]
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, f"--machine={self.name}", "-D", str(self.root), *way],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            until(self._is_up, within_s=BOOT_S, what=f"{self.name} to boot; its console is in {self._log}")
        except BaseException:
            self.cut()
            raise

    def _is_up(self) -> bool:
        if not self._children():
            return False
        said = self.run("systemctl is-system-running", check=False).stdout.strip()
        return said in ("running", "degraded")

    def cut(self) -> None:
        """Take the power away: every process of the machine is gone at once, nothing is told before."""
        if self._process is not None:
            # With its first process the kernel ends all of a container; ending nspawn would leave it running.
            for child in self._children():
                os.kill(int(child), signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def run(self, script: str, *, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a line of shell in the machine as root, whether or not it has a network."""
        way = self.ssh() if self._network else self._inside()
        done = subprocess.run([*way, script], capture_output=True, text=True, check=False, timeout=300)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {script}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def _inside(self) -> list[str]:
        (first,) = self._children()
        return ["nsenter", "-t", first, "-m", "-u", "-i", "-n", "-p", "-r", "-w", "bash", "-c"]

    def _children(self) -> list[str]:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()

    def ssh(self) -> list[str]:
        """Return the command that reaches the machine."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null",
                   "ConnectTimeout=5", "LogLevel=ERROR")  # fmt: skip
        pairs = [word for option in options for word in ("-o", option)]
        return ["ssh", *pairs, "-i", str(self.key), f"root@{self.address}"]

    def __enter__(self) -> Self:
        self.boot()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
