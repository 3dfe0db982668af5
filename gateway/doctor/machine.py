"""The machine under the services: its clock, its disk, its card, its supply, and who may write where."""

import grp
import os
import pwd
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.doctor.symptom import Symptom, of, of_findings
from gateway.feed.expiry import look
from sensors.drivers.pi_health import PiHealth
from sensors.errors import IOUnavailable
from sensors.io import IO, Clock
from sensors.io.clock import PiClock

SOON_DAYS = 30.0  # enough to send a certificate on a stick
# A Pi shows its temperature; another machine that serves as an edge need not. The clock and the disk are
# looked at by themselves.
_NOT_HERE = ("no-thermometer", "clock-unset", "disk-low", "disk-unreadable")


def clock(clock: Clock | None = None) -> Iterator[Symptom]:
    """Say whether a clock can be believed: this machine's, when none is given."""
    try:
        if not (clock or PiClock()).synchronised():
            yield Symptom("clock-unset")
    except IOUnavailable as error:
        yield of("clock-unknown", detail=str(error))


def hardware(io: IO) -> list[Symptom]:
    """Say what of card, supply and heat needs a person."""
    health = PiHealth(PiHealth.Config(supply=True, card="mmcblk0"), io)
    return [each for each in of_findings(health.diagnose()) if each.code not in _NOT_HERE]


def disk(path: Path, min_free: int, user: str) -> Iterator[Symptom]:
    """Say whether `user` can go on writing in the folder of `path`; `min_free` in bytes."""
    folder = path.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        yield of("folder-closed", str(folder), user=user)
        return
    if free < min_free:
        yield of("disk-full", str(folder), megabytes=free // 1_000_000)
    try:
        may = allowed(folder, user, ())
    except KeyError:
        return  # said where the service is looked at
    if not may or os.statvfs(folder).f_flag & os.ST_RDONLY:
        yield of("folder-closed", str(folder), user=user)


def allowed(path: Path, user: str, extra: Iterable[str]) -> bool:
    """Whether a user, with the groups that its unit adds, may read and write; raise KeyError, OSError."""
    who = pwd.getpwnam(user)
    if who.pw_uid == 0:
        return True
    it = path.stat()
    if it.st_uid == who.pw_uid:
        return it.st_mode & 0o600 == 0o600
    groups = {who.pw_gid, *(each.gr_gid for each in grp.getgrall() if user in each.gr_mem)}
    for name in extra:
        try:
            groups.add(grp.getgrnam(name).gr_gid)
        except KeyError:
            continue  # a group that the machine does not have lets nobody in
    if it.st_gid in groups:
        return it.st_mode & 0o060 == 0o060
    return it.st_mode & 0o006 == 0o006


def certificates(files: Iterable[tuple[str, Path | None]], now_ns: int) -> Iterator[Symptom]:
    """Say which certificates and revocation lists have ended, or end soon."""
    for each in look(files, now_ns):
        if each.expires is None or each.days_left is None:
            yield of("certificate-unreadable", each.what, detail=each.problem or "")
        elif each.days_left < SOON_DAYS:
            code = "certificate-ended" if each.days_left < 0 else "certificate-ends"
            yield of(code, each.what, days=int(each.days_left), date=f"{each.expires:%Y-%m-%d}")
