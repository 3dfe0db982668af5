"""The services as systemd sees them: do they run, will they come back, which release do they run."""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.doctor.symptom import Symptom, of

CURRENT = Path("/opt/commune/current")
CREDENTIALS = Path("/run/credentials")
RESTARTS = 5  # since the machine came up; a power cut or an update may cost one or two
_ASK_S = 20.0
_AGAIN_S = 0.5
_PROPERTIES = (
    "LoadState", "ActiveState", "Result", "UnitFileState", "NRestarts", "StatusText", "MainPID", "User",
    "SupplementaryGroups",
)  # fmt: skip
_RELEASE = re.compile(r"/releases/([^/\s]+)/")


class NoSystemd(Exception):  # noqa: N818 - reads as the sentence it is
    """systemd does not run here, or does not answer."""


def show(unit: str) -> Mapping[str, str]:
    """Return the unit's properties, as `systemctl show` tells them; raise NoSystemd."""
    try:
        said = subprocess.run(  # noqa: S603 - no shell, and the unit is one of ours
            ["systemctl", "show", unit, f"--property={','.join(_PROPERTIES)}"],  # noqa: S607 - where PATH says
            capture_output=True, text=True, check=False, timeout=_ASK_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSystemd(str(error)) from error
    if said.returncode:
        raise NoSystemd(said.stderr.strip().splitlines()[0] if said.stderr.strip() else "no answer")
    return dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)


def service(unit: str, current: Path = CURRENT) -> Iterator[Symptom]:
    """Say what is wrong with a service."""
    try:
        unit_is = show(unit)
    except NoSystemd as error:
        yield of("no-systemd", unit, detail=str(error))
        return
    if unit_is.get("LoadState") != "loaded":
        yield of("service-missing", unit)
        return
    state = unit_is.get("ActiveState", "")
    if state != "active":
        yield of("service-stopped", unit, state=state, result=unit_is.get("Result", ""))
    if unit_is.get("UnitFileState") not in ("enabled", "enabled-runtime", "static", "generated", "alias"):
        yield of("service-disabled", unit)
    times = int(unit_is.get("NRestarts") or 0)
    if times >= RESTARTS:
        yield of("service-restarts", unit, times=times)
    running = _release(int(unit_is.get("MainPID") or 0))
    if running and current.exists() and running != current.resolve().name:
        yield of("old-release", unit, running=running, current=current.resolve().name)


def status_text(unit: str) -> str:
    """Return what a running service says of itself; empty when it does not run."""
    try:
        unit_is = show(unit)
    except NoSystemd:
        return ""
    return unit_is.get("StatusText", "") if unit_is.get("ActiveState") == "active" else ""


def broker_state(unit: str, patience_s: float = 15.0) -> str:
    """Return how the service's link to the broker stands, "open" when well; empty when it does not say.

    A link that has just begun to be made gets `patience_s` to come to something.
    """
    end = time.monotonic() + patience_s
    while True:
        found = re.search(r"broker: ([^;]+)", status_text(unit))
        state = found[1].strip() if found else ""
        if state != "starting" or time.monotonic() >= end:
            return state
        time.sleep(_AGAIN_S)


def taken_back(path: Path | None) -> bool:
    """Whether a secret is one that systemd lends to the service only while that runs, and it does not."""
    return path is not None and path.is_relative_to(CREDENTIALS) and not path.exists()


def user_of(unit: str) -> tuple[str, list[str]]:
    """Return whom the unit runs as, and the groups that it adds."""
    try:
        unit_is = show(unit)
    except NoSystemd:
        unit_is = {}
    return unit_is.get("User") or "commune", unit_is.get("SupplementaryGroups", "").split()


def _release(pid: int) -> str:
    """Return which release a process has loaded its code from; empty when it does not show that."""
    try:
        found = _RELEASE.search(Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""
