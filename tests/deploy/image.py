"""Because every machine of the lab begins as the same blank card: one Debian, made once and kept."""

import os
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "commune-lab"
PACKAGES = (
    "ca-certificates", "dbus", "iproute2", "openssh-server", "openssl", "python3-apt", "python3-minimal",
    "python3-venv", "sudo", "systemd-sysv",
)  # fmt: skip
# What a bundle needs of a machine that is only emulated: each package takes its time there.
EMULATED = ("openssl", "python3-venv")
# What the roles would install from a mirror: the lab's network has none, so its card comes with them.
ROLES = (
    "chrony", "influxdb", "mosquitto", "nftables", "unattended-upgrades",
)  # fmt: skip
_BINFMT = Path("/proc/sys/fs/binfmt_misc/status")
_HOST_ONLY = ("etc/resolv.conf", "etc/machine-id", "var/lib/dbus/machine-id")


def mirror() -> str:
    """Return where this machine's own packages come from."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    for site in said:
        if "debian" in site:
            return site
    raise RuntimeError("apt-get indextargets names no Debian mirror; see /etc/apt/sources.list.d")


def emulated(arch: str) -> bool:
    """Whether programs for `arch` run here by emulation; raise RuntimeError where they do not at all."""
    here = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True)
    if here.stdout.strip() == arch:
        return False
    name = {"arm64": "qemu-aarch64"}[arch]
    if not _BINFMT.exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(_BINFMT.parent)], check=True)
    if not (_BINFMT.parent / name).exists():
        subprocess.run(["update-binfmts", "--enable", name], check=True)
    if "F" not in (_BINFMT.parent / name).read_text().split("flags: ")[1].splitlines()[0]:
        raise RuntimeError(f"{name} does not reach into a chroot; install Debian's qemu-user-static")
    return True


def blank(release: str = "bookworm", arch: str = "amd64") -> Path:
    """Return an archive of a blank Debian; made when it is missing.

    It has a systemd and an SSH server; that of another architecture only what a bundle's installation needs.
    """
    archive = CACHE / f"{release}-{arch}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        root = CACHE / f"{release}-{arch}.making"
        subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)
        foreign = emulated(arch)
        subprocess.run(
            ["debootstrap", f"--arch={arch}", "--variant=minbase", *(["--foreign"] if foreign else []),
             f"--include={','.join(EMULATED if foreign else PACKAGES)}", release, str(root), mirror()],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if foreign:
            second = ["chroot", str(root), "/debootstrap/debootstrap", "--second-stage"]
            subprocess.run(second, check=True, stdout=subprocess.DEVNULL)
        for name in _HOST_ONLY:
            (root / name).unlink(missing_ok=True)
        making = archive.with_suffix(".tar.making")
        subprocess.run(["tar", "-C", str(root), "-cf", str(making), "."], check=True)
        subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)
        making.rename(archive)  # so that an archive that is there is whole
    return archive


def ready(release: str = "bookworm", arch: str = "amd64") -> Path:
    """Return the archive of a card with the roles' Debian packages on it, none of them switched on."""
    archive = CACHE / f"{release}-{arch}-ready.tar"
    if not archive.exists():
        root = CACHE / f"{release}-{arch}-ready.making"
        subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)
        root.mkdir()
        subprocess.run(["tar", "-C", str(root), "-xf", str(blank(release, arch))], check=True)
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        inside = ["chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
        # The mirror's name and proxy are this machine's affair: they are lent for as long as this takes.
        lent = [root / "etc/resolv.conf", root / "etc/hosts"]
        for name in lent:
            name.write_bytes(Path("/", name.relative_to(root)).read_bytes())
        subprocess.run([*inside, "update"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            [*inside, "install", "-y", "--no-install-recommends", *ROLES],
            check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        subprocess.run([*inside, "clean"], check=True)
        units = ("chrony", "influxdb", "mosquitto", "nftables")
        subprocess.run(["systemctl", f"--root={root}", "--quiet", "disable", *units], check=True)
        for name in (policy, *lent):
            name.unlink()
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        making = archive.with_suffix(".tar.making")
        subprocess.run(["tar", "-C", str(root), "-cf", str(making), "."], check=True)
        subprocess.run(["rm", "-rf", "--one-file-system", str(root)], check=True)
        making.rename(archive)
    return archive
