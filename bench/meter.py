"""What a process and all its children have used, as the kernel counts it (proc(5))."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """Used so far: processor seconds, bytes handed to the disk, memory now and at its highest."""

    cpu_s: float
    written: int
    rss_mb: float
    peak_mb: float


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants that live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # ended in between
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def use(pid: int) -> Use:
    """Read what a process tree has used; children that have ended count with their parents."""
    cpu = rss = peak = 0.0
    written = 0
    for each in tree(pid):
        proc = Path(f"/proc/{each}")
        try:
            fields = (proc / "stat").read_text().rpartition(")")[2].split()
            status = dict(
                row.split(":", 1) for row in (proc / "status").read_text().splitlines() if ":" in row
            )
            io = dict(row.split(": ") for row in (proc / "io").read_text().splitlines())
        except OSError:
            continue
        cpu += sum(int(fields[at]) for at in (11, 12, 13, 14)) * _TICK_S
        rss += int(status.get("VmRSS", "0 kB").split()[0]) * 1024 / _MB
        peak += int(status.get("VmHWM", "0 kB").split()[0]) * 1024 / _MB
        written += int(io["write_bytes"])
    return Use(cpu, written, rss, peak)


def files_bytes(folder: Path, pattern: str) -> int:
    """Return what files take on disk."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob(pattern) if file.is_file())
